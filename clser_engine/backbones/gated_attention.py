"""Self-attention with a gated bias of relative position, as in WavLM.

The modules of transformers and torchaudio hand their weights to one fused call, past any adapter
that sits beside them: LoRA on them would train nothing. Here every projection is called.

Shapes: B recordings, T frames, H hidden size, A attention heads.

Source: Chen et al., "WavLM: Large-Scale Self-Supervised Pre-Training for Full Stack Speech
Processing", IEEE JSTSP 2022, https://arxiv.org/abs/2110.13900, section III-A: equations 4 to 8.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GatedRelativeAttention(nn.Module):
    """Attention whose scores get a learned bias by distance, gated by the query.

    Args:
        num_heads: A.
        projections: The maps of query, key, value and output, (H, H) each.
        gate: From one head's part of a frame to 8 numbers.
        gate_scale: (1, A, 1, 1).
        distances: Embedding of buckets of distance, (buckets, A); only the first block has one.
        max_distance: Distances beyond share the last bucket.
        dropout: Share of the attention weights left out in training.
        returns_weights: Whether blocks expect attention weights too; they get None.
    """

    def __init__(
        self,
        *,
        num_heads: int,
        projections: tuple[nn.Linear, nn.Linear, nn.Linear, nn.Linear],
        gate: nn.Linear,
        gate_scale: nn.Parameter,
        distances: nn.Embedding | None,
        max_distance: int,
        dropout: float,
        returns_weights: bool,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = projections
        self.gate = gate
        self.gate_scale = gate_scale
        self.distances = distances
        self.max_distance = max_distance
        self.dropout = dropout
        self.returns_weights = returns_weights

    def forward(
        self,
        frames: Tensor,
        attention_mask: Tensor | None = None,
        position_bias: Tensor | None = None,
        **ignored: object,
    ) -> tuple[Tensor, ...] | tuple[Tensor, None, Tensor]:
        """Attend.

        Args:
            frames: (B, T, H).
            attention_mask: (B, 1, T, T) bool, True where a key counts; None means all.
            position_bias: (1, A, T, T) as the first block made it; None in the first block.
            ignored: What blocks pass on besides.

        Returns:
            Frames (B, T, H) and the bias for the blocks that follow.
        """
        if position_bias is None:
            position_bias = self.bias(frames.shape[1])
        gates = torch.unflatten(self.gate(self._heads(frames)), 3, (2, 4)).sum(dim=4).sigmoid()
        update, reset = gates.chunk(2, dim=3)
        gate = update * (reset * self.gate_scale - 1.0) + 2.0  # (B, A, T, 1)
        scores = gate * position_bias  # (B, A, T, T)
        if attention_mask is not None:
            scores = scores.masked_fill(~attention_mask, float("-inf"))
        query, key, value = (
            self._heads(projection(frames))
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        attended = F.scaled_dot_product_attention(
            query, key, value, attn_mask=scores, dropout_p=self.dropout if self.training else 0.0
        )
        frames = self.out_proj(attended.transpose(1, 2).flatten(2))  # (B, T, H)
        if self.returns_weights:
            return frames, None, position_bias
        return frames, position_bias

    def _heads(self, frames: Tensor) -> Tensor:
        """Return each head's part of (B, T, H), as (B, A, T, H / A)."""
        return torch.unflatten(frames, 2, (self.num_heads, -1)).transpose(1, 2)

    def bias(self, size: int) -> Tensor:
        """Return the bias of every pair of frames, (1, A, T, T)."""
        assert self.distances is not None  # the first block, which makes the bias, has them
        device = self.distances.weight.device
        place = torch.arange(size, device=device)
        distance = place[None, :] - place[:, None]  # (T, T)
        half = self.distances.num_embeddings // 2
        exact = half // 2
        far = distance.abs().clamp(min=1).to(torch.float32)
        far = torch.log(far / exact) / math.log(self.max_distance / exact) * (half - exact)
        far_bucket = (exact + far).to(torch.long).clamp(max=half - 1)
        bucket = torch.where(distance.abs() < exact, distance.abs(), far_bucket)
        bias: Tensor = self.distances(bucket + (distance > 0) * half)  # (T, T, A)
        return bias.permute(2, 0, 1)[None]
