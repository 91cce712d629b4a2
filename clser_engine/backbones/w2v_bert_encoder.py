"""The encoder of w2v-BERT 2.0: log-mel features two by two, then conformer blocks.

Shapes: B recordings, N samples, T frames of 20 ms, M mel bands, H hidden size.

Source: Chung et al., "w2v-BERT: Combining Contrastive Learning and Masked Language Modeling for
Self-Supervised Speech Pre-Training", ASRU 2021, https://arxiv.org/abs/2108.06209, section 3, and
Seamless Communication, "Seamless: Multilingual Expressive and Streaming Speech Translation", 2023,
https://arxiv.org/abs/2312.05187, section 3.2.1 (version 2.0).
"""

from torch import Tensor, nn

from clser_engine.backbones.log_mel import HOP, KaldiLogMel
from clser_engine.backbones.padding import everything, inside

STRIDE = 2  # frames of 10 ms joined into one


class W2vBertEncoder(nn.Module):
    """Features, projection and conformer blocks.

    Args:
        log_mel: Features every 10 ms.
        projection: From 2 M to H.
        blocks: Each called with frames and both masks.
        hidden_size: H.
        dropout: Before the blocks.
    """

    hop_samples = STRIDE * HOP
    least_samples = KaldiLogMel.least_samples
    window_s = 15.0  # its attention holds one vector per pair of frames
    context_s = 1.5

    def __init__(
        self,
        *,
        log_mel: KaldiLogMel,
        projection: nn.Module,
        blocks: nn.ModuleList,
        hidden_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.log_mel = log_mel
        self.projection = projection
        self.blocks = blocks
        self.hidden_size = hidden_size
        self.num_layers = len(blocks) + 1
        self.dropout = nn.Dropout(dropout)

    def front_end(self) -> list[nn.Module]:
        """Return nothing: the features have no weights."""
        return []

    def adapted_modules(self, feed_forward: bool) -> list[str]:
        """Return the maps of attention and, if asked for, of the feed-forward parts."""
        wanted = ["linear_q", "linear_k", "linear_v", "linear_out"]
        return [*wanted, *(["intermediate_dense", "output_dense"] if feed_forward else [])]

    def forward(
        self, waveform: Tensor, lengths: Tensor | None = None
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the frames of every layer, (B, T, H) each, and which are real, (B, T)."""
        if lengths is not None:
            waveform = waveform * inside(lengths, waveform.shape[1])
            lengths = lengths.clamp(min=self.least_samples)  # silence follows a shorter one
        log_mel, counts = self.log_mel(waveform, lengths)  # (B, about 2 T, M)
        size = log_mel.shape[1] // STRIDE  # T; an odd last frame is dropped
        pairs = log_mel[:, : size * STRIDE].reshape(log_mel.shape[0], -1, STRIDE * log_mel.shape[2])
        if counts is None:
            mask, attention = everything(waveform, size), None
        else:
            mask = inside(counts // STRIDE, size)
            attention = mask[:, None, None].expand(-1, 1, size, -1)
        frames, _ = self.projection(pairs)
        frames = self.dropout(frames * mask[:, :, None])  # (B, T, H)
        layers = [frames]
        for block in self.blocks:
            frames = block(frames, attention_mask=attention, conv_attention_mask=mask)
            layers.append(frames)
        return tuple(layers), mask
