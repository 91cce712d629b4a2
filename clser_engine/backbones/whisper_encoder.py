"""The encoder of Whisper, over windows of fixed length.

Whisper was trained on windows of exactly 30 s, silence included and never masked. A shorter
recording is followed by silence up to 30 s, as in its training, and the frames of that silence are
masked in what comes out; a longer one is cut into windows of 30 s.

Shapes: B recordings, N samples, T frames of 20 ms, W windows per recording, P frames per window,
H hidden size.

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", ICML 2023,
https://arxiv.org/abs/2212.04356, section 2.2.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from clser_engine.backbones.log_mel import HOP, WhisperLogMel
from clser_engine.backbones.padding import everything, inside


class WhisperEncoder(nn.Module):
    """Log-mel, two convolutions, fixed positions and transformer blocks.

    Args:
        log_mel: Features of a window.
        convolutions: The two, the second of stride 2.
        positions: (P, H).
        blocks: Each called with frames and no mask.
        norm: After the last block.
        dropout: Before the blocks.
    """

    hop_samples = 2 * HOP
    least_samples = 1

    def __init__(
        self,
        *,
        log_mel: WhisperLogMel,
        convolutions: nn.ModuleList,
        positions: nn.Embedding,
        blocks: nn.ModuleList,
        norm: nn.Module,
        dropout: float,
    ) -> None:
        super().__init__()
        self.log_mel = log_mel
        self.convolutions = convolutions
        self.positions = positions
        self.blocks = blocks
        self.norm = norm
        self.dropout = nn.Dropout(dropout)
        self.hidden_size = positions.embedding_dim
        self.num_layers = len(blocks) + 1
        self._window = positions.num_embeddings * self.hop_samples  # samples
        self.window_s = self._window / 16_000
        self.context_s = self.window_s / 12  # 2.5 s of 30

    def front_end(self) -> list[nn.Module]:
        """Return the convolutions and the positions, which Whisper never trained."""
        return [self.convolutions, self.positions]

    def adapted_modules(self, feed_forward: bool) -> list[str]:
        """Return the maps of attention and, if asked for, of the feed-forward parts."""
        return ["q_proj", "k_proj", "v_proj", "out_proj", *(["fc1", "fc2"] if feed_forward else [])]

    def forward(
        self, waveform: Tensor, lengths: Tensor | None = None
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the frames of every layer, (B, T, H) each, and which are real, (B, T)."""
        batch, samples = waveform.shape
        size = (samples + self.hop_samples - 1) // self.hop_samples  # T
        if lengths is None:
            mask = everything(waveform, size)
        else:
            waveform = waveform * inside(lengths, samples)
            frames_of = (lengths.clamp(min=1) + self.hop_samples - 1) // self.hop_samples
            mask = inside(frames_of, size)
        num_windows = (samples + self._window - 1) // self._window
        padded = F.pad(waveform, (0, self._window))[:, : num_windows * self._window]
        frames = self.log_mel(padded.reshape(-1, self._window))  # (B W, M, 2 P)
        for convolution in self.convolutions:
            frames = F.gelu(convolution(frames))
        frames = self.dropout(frames.transpose(1, 2) + self.positions.weight)  # (B W, P, H)
        windows = [frames]
        for block in self.blocks:
            frames = block(frames, None)
            windows.append(frames)
        windows[-1] = self.norm(frames)
        layers = (layer.reshape(batch, -1, self.hidden_size)[:, :size] for layer in windows)
        return tuple(layers), mask
