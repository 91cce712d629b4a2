"""Encoders that begin with convolutions over the waveform: wav2vec 2.0 and its descendants.

wav2vec 2.0, XLS-R, MMS, HuBERT, WavLM and data2vec-audio share this form, in transformers as in
torchaudio. The blocks are theirs; the way through them is written here, because theirs lets padding
change the frames: group normalisation runs over it, and data2vec's stack of positional convolutions
carries it back. SpecAugment and layer dropping are left out in tuning too: a batch is augmented as
waveforms, and a dropped block would have no gradient on one of several devices.

Shapes: B recordings, N samples, T frames, H hidden size.
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from clser_engine.backbones.padding import (
    conv_length,
    everything,
    group_norm,
    inside,
    normalise,
    receptive_field,
)

Activation = Callable[[Tensor], Tensor]


class ConvBlock(nn.Module):
    """One convolution of the front end, its normalisation and its activation.

    Args:
        conv: Without padding.
        norm: One group per channel, over channels last, or none.
        activation: Applied at the end.
    """

    def __init__(self, conv: nn.Conv1d, norm: nn.Module | None, activation: Activation) -> None:
        super().__init__()
        self.conv = conv
        self.norm = norm
        self.activation = activation
        self.shape = (conv.kernel_size[0], conv.stride[0])

    def forward(self, frames: Tensor, lengths: Tensor | None) -> Tensor:
        """Map (B, C, T), of which `lengths` real, to fewer frames."""
        frames = self.conv(frames)
        if isinstance(self.norm, nn.GroupNorm):
            real = None if lengths is None else conv_length(lengths, [self.shape])
            frames = group_norm(self.norm, frames, real)
        elif self.norm is not None:
            frames = self.norm(frames.transpose(1, 2)).transpose(1, 2)
        return self.activation(frames)


class PositionBlock(nn.Module):
    """One convolution over frames that tells them where they are.

    Args:
        conv: With padding of half its kernel.
        norm: Over channels, or none.
        activation: Applied at the end.
        batch_norm: Before the convolution (mHuBERT-147); always with its stored statistics.
    """

    def __init__(
        self,
        conv: nn.Conv1d,
        norm: nn.Module | None,
        activation: Activation,
        batch_norm: nn.BatchNorm1d | None = None,
    ) -> None:
        super().__init__()
        self.conv = conv
        self.norm = norm
        self.activation = activation
        self.batch_norm = batch_norm

    def forward(self, frames: Tensor, real: Tensor) -> Tensor:
        """Map (B, T, H) to the same shape; `real`, (B, T, 1), is 1 inside the recording, else 0."""
        frames = frames.transpose(1, 2)  # (B, H, T)
        if self.batch_norm is not None:
            b = self.batch_norm
            frames = F.batch_norm(
                frames, b.running_mean, b.running_var, b.weight, b.bias, eps=b.eps
            )
        # What lies beyond the end must be the zeros that a recording alone is padded with.
        moved = self.conv(frames * real.transpose(1, 2))  # (B, H, T), T + 1 after an even kernel
        moved = moved[:, :, : frames.shape[2]]
        if self.norm is not None:
            moved = self.norm(moved.transpose(1, 2)).transpose(1, 2)
        return self.activation(moved).transpose(1, 2)


class WaveformEncoder(nn.Module):
    """Convolutions, projection, positional convolutions and transformer blocks.

    Args:
        convolutions: The front end.
        projection: From the channels of the front end to H, with its norm and dropout.
        positions: Positional convolutions, one after another.
        norm: Over H: before the blocks, or after them where blocks normalise first.
        blocks: Each called with frames and `attention_mask`; gated ones with `position_bias` too.
        hidden_size: H.
        dropout: Before the blocks.
        norm_first: Whether the blocks normalise first.
        gated: Whether attention is gated by relative position (WavLM).
        variance_floor: Added to the variance of a recording where recordings are brought to zero
            mean and unit variance first; None where they are taken as they are.
    """

    window_s = 30.0
    context_s = 2.5  # twice the reach of the positional convolution

    def __init__(
        self,
        *,
        convolutions: list[ConvBlock],
        projection: nn.Module,
        positions: list[PositionBlock],
        norm: nn.Module,
        blocks: nn.ModuleList,
        hidden_size: int,
        dropout: float,
        norm_first: bool,
        gated: bool,
        variance_floor: float | None,
    ) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(convolutions)
        self.projection = projection
        self.positions = nn.ModuleList(positions)
        self.norm = norm
        self.dropout = nn.Dropout(dropout)
        self.blocks = blocks
        self.hidden_size = hidden_size
        self.num_layers = len(blocks) + 1
        self.norm_first = norm_first
        self.gated = gated
        self.variance_floor = variance_floor
        self._shapes = [block.shape for block in convolutions]
        self.least_samples, self.hop_samples = receptive_field(self._shapes)

    def front_end(self) -> list[nn.Module]:
        """Return the convolutions, whose filters are learned once and for all."""
        return [self.convolutions]

    def adapted_modules(self, feed_forward: bool) -> list[str]:
        """Return the maps of attention and, if asked for, of the feed-forward parts."""
        wanted = ["q_proj", "k_proj", "v_proj", "out_proj"]
        if feed_forward:
            wanted += ["intermediate_dense", "output_dense"]
        return wanted

    def forward(
        self, waveform: Tensor, lengths: Tensor | None = None
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """Return the frames of every layer, (B, T, H) each, and which are real, (B, T)."""
        if lengths is not None:
            waveform = waveform * inside(lengths, waveform.shape[1])
            lengths = lengths.clamp(min=self.least_samples)  # silence follows a shorter one
        if self.variance_floor is not None:
            real = None if lengths is None else inside(lengths, waveform.shape[1])
            waveform = normalise(waveform, real, self.variance_floor)
        frames, counts = waveform[:, None], lengths  # (B, 1, N)
        for convolution, shape in zip(self.convolutions, self._shapes, strict=True):
            frames = convolution(frames, counts)
            counts = None if counts is None else conv_length(counts, [shape])
        frames = self.projection(frames.transpose(1, 2))  # (B, T, H)
        if isinstance(frames, tuple):  # transformers returns the frames before projection too
            frames = frames[0]
        size = frames.shape[1]
        mask = everything(waveform, size) if counts is None else inside(counts, size)  # (B, T)
        attention = None if counts is None else mask[:, None, None].expand(-1, 1, size, -1)
        real_frames = mask[:, :, None].to(frames.dtype)  # (B, T, 1)

        frames = frames * real_frames  # (B, T, H)
        moved = frames
        for position in self.positions:
            moved = position(moved, real_frames)
        frames = frames + moved
        if not self.norm_first:
            frames = self.norm(frames)
        frames = self.dropout(frames)

        layers, bias = [frames], None
        for block in self.blocks:
            if self.gated:
                frames, bias = block(frames, attention_mask=attention, position_bias=bias)
            else:
                frames = block(frames, attention_mask=attention)
                frames = frames[0] if isinstance(frames, tuple) else frames
            layers.append(frames)
        if self.norm_first:
            layers[-1] = self.norm(frames)
        return tuple(layers), mask
