"""The log-mel features that Whisper and w2v-BERT were trained on, as products that export.

Both are a linear map of each window (all of centring, pre-emphasis, window and Fourier transform)
followed by a power, a filter bank and a logarithm; the map is one convolution.

Shapes: B recordings, N samples, T frames of 10 ms, M mel bands.

Source: the feature extractors `WhisperFeatureExtractor` and `SeamlessM4TFeatureExtractor` of
transformers, which tests compare with.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from clser_engine.backbones.padding import VARIANCE_FLOOR, inside

WINDOW, HOP = 400, 160
WHISPER_FLOOR = 1e-10
KALDI_FLOOR = 1.192092955078125e-07
KALDI_FFT = 512
SIXTEEN_BIT = 2.0**15


def _fourier(size: int) -> NDArray[np.float64]:
    """Return cosines, then sines, of a window in a transform of `size`: (2 * bins, WINDOW)."""
    phase = 2 * np.pi * np.arange(size // 2 + 1)[:, None] * np.arange(WINDOW) / size
    return np.concatenate([np.cos(phase), np.sin(phase)])


class LinearSpectrum(nn.Module):
    """Power in mel bands of every window.

    Args:
        transform: (2 * bins, WINDOW): real, then imaginary parts.
        filters: (bins, M).
    """

    kernel: Tensor
    filters: Tensor

    def __init__(self, transform: NDArray[np.float64], filters: NDArray[np.float64]) -> None:
        super().__init__()
        # They follow from the settings, so no file of weights holds them.
        kernel = torch.from_numpy(transform[:, None]).to(torch.float32)
        self.register_buffer("kernel", kernel, persistent=False)
        filters_32 = torch.from_numpy(np.ascontiguousarray(filters.T)).to(torch.float32)
        self.register_buffer("filters", filters_32, persistent=False)  # (M, bins)

    def forward(self, waveform: Tensor) -> Tensor:
        """Map (B, N) to (B, M, T)."""
        # Half precision would lose quiet bands, and overflow at the scale of 16-bit samples.
        with torch.autocast(waveform.device.type, enabled=False):
            parts = F.conv1d(waveform[:, None], self.kernel, stride=HOP)  # (B, 2 * bins, T)
            real, imaginary = parts.chunk(2, dim=1)
            return self.filters @ (real.square() + imaginary.square())


class WhisperLogMel(nn.Module):
    """Log-mel of a whole window, its peak at 1.5 at most and 2 above its floor."""

    def __init__(self, num_bands: int) -> None:
        super().__init__()
        from transformers.audio_utils import mel_filter_bank

        filters = mel_filter_bank(
            num_frequency_bins=WINDOW // 2 + 1,
            num_mel_filters=num_bands,
            min_frequency=0.0,
            max_frequency=8000.0,
            sampling_rate=16_000,
            norm="slaney",
            mel_scale="slaney",
        )
        hann = np.hanning(WINDOW + 1)[:-1]
        self.spectrum = LinearSpectrum(_fourier(WINDOW) * hann, filters)

    def forward(self, waveform: Tensor) -> Tensor:
        """Map windows (B, N), N a multiple of 160, to (B, M, N / 160)."""
        padded = F.pad(waveform[:, None], (WINDOW // 2, WINDOW // 2), mode="reflect")[:, 0]
        mel = self.spectrum(padded)[:, :, :-1]  # (B, M, T)
        log_mel = mel.clamp(min=WHISPER_FLOOR).log10()
        peak = log_mel.amax(dim=(1, 2), keepdim=True)
        return (torch.maximum(log_mel, peak - 8.0) + 4.0) / 4.0


class KaldiLogMel(nn.Module):
    """Log-mel as Kaldi computes it, each band of zero mean and unit variance in a recording."""

    least_samples = WINDOW + HOP  # two frames: a deviation needs them

    def __init__(self, num_bands: int) -> None:
        super().__init__()
        from transformers.audio_utils import mel_filter_bank, window_function

        filters = mel_filter_bank(
            num_frequency_bins=KALDI_FFT // 2 + 1,
            num_mel_filters=num_bands,
            min_frequency=20,
            max_frequency=8000,
            sampling_rate=16_000,
            norm=None,
            mel_scale="kaldi",
            triangularize_in_mel_space=True,
        )
        centre = np.eye(WINDOW) - 1 / WINDOW
        emphasis = np.eye(WINDOW) - 0.97 * np.eye(WINDOW, k=-1)
        emphasis[0, 0] = 1 - 0.97
        povey = window_function(WINDOW, "povey", periodic=False)
        transform = (_fourier(KALDI_FFT) * povey) @ emphasis @ centre * SIXTEEN_BIT
        self.spectrum = LinearSpectrum(transform, filters)

    def forward(self, waveform: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Map (B, N) to (B, T, M) and tell how many frames of each are real, (B,)."""
        log_mel = self.spectrum(waveform).clamp(min=KALDI_FLOOR).log().transpose(1, 2)  # (B, T, M)
        if lengths is None:
            centred = log_mel - log_mel.mean(dim=1, keepdim=True)
            centred = centred - centred.mean(dim=1, keepdim=True)
            spread = centred.square().sum(dim=1, keepdim=True) / (log_mel.shape[1] - 1)
            return centred / (spread + VARIANCE_FLOOR).sqrt(), None
        counts = torch.div(lengths - WINDOW, HOP, rounding_mode="floor") + 1  # (B,)
        real = inside(counts, log_mel.shape[1])[:, :, None]  # (B, T, 1)
        number = counts[:, None, None]
        centred = (log_mel - (log_mel * real).sum(dim=1, keepdim=True) / number) * real
        # Once more: the first mean is of numbers far from zero, and as exact as those allow.
        centred = (centred - centred.sum(dim=1, keepdim=True) / number) * real
        spread = centred.square().sum(dim=1, keepdim=True) / (number - 1)
        return centred / (spread + VARIANCE_FLOOR).sqrt(), counts
