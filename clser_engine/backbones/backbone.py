"""The one interface of all frame encoders: waveforms in, the frames of every layer out.

Shapes: B recordings, N samples, T frames, H hidden size.
"""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

from torch import Tensor, nn

from clser_engine.errors import BadValueError

Tuning = Literal["frozen", "lora", "full"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EncodedFrames:
    """What a backbone says about waveforms.

    Args:
        layers: Frames of each layer, (B, T, H): the first enters the first block, then come the
            outputs of the blocks, the last after the final norm if there is one.
        mask: (B, T) bool, True where a frame lies inside its recording. The others hold numbers
            without meaning.
        frame_rate_hz: Frames per second; frame `t` stands for `[t, t + 1) / frame_rate_hz`.
    """

    layers: tuple[Tensor, ...]
    mask: Tensor
    frame_rate_hz: float


class FrameEncoder(Protocol):
    """What an architecture gives to `Backbone`: a module with these and a `forward`.

    `forward(waveform, lengths)` must give each recording of a batch what it gives it alone, and
    hold no Python decision that depends on numbers or shapes, so that it can be exported.
    """

    hidden_size: int
    num_layers: int
    """Layers in `EncodedFrames`: the blocks and one."""
    hop_samples: int
    """Samples per frame."""
    least_samples: int
    """The shortest recording that has a frame."""
    window_s: float
    """Longest stretch to encode at once; longer recordings go through `encode_in_windows`."""
    context_s: float
    """Audio on either side of a window whose frames are thrown away."""

    def front_end(self) -> list[nn.Module]:
        """Return the modules that stay fixed in full tuning unless asked for."""

    def adapted_modules(self, feed_forward: bool) -> list[str]:
        """Return the names of the linear maps that LoRA adapts."""


class Backbone(nn.Module):
    """A frame encoder with its name, licence and way of tuning.

    In the tuning `frozen` nothing of it trains and it stays in evaluation mode, whatever `train`
    is called with: no dropout, and the same frames each time.

    Args:
        encoder: The architecture with its weights: a module that is a `FrameEncoder`.
        name: What it was asked for by, for example `facebook/wav2vec2-xls-r-300m`.
        fingerprint: Hash of weights and settings; caches of its frames are kept under it.
        licence: Licence of the weights as their card tells it, or `unknown`.
        description: What `build_backbone` needs to build the same architecture without weights.
        tuning: What trains.
    """

    def __init__(
        self,
        encoder: Any,
        *,
        name: str,
        fingerprint: str,
        licence: str,
        description: dict[str, Any],
        tuning: Tuning = "frozen",
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.name = name
        self.fingerprint = fingerprint
        self.licence = licence
        self.description = description
        self.tuning = tuning
        self.hidden_size: int = encoder.hidden_size
        self.num_layers: int = encoder.num_layers
        self.least_samples: int = encoder.least_samples
        self.frame_rate_hz: float = 16_000 / encoder.hop_samples
        if tuning == "frozen":
            self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Switch dropout on or off; a frozen backbone has none."""
        return super().train(mode and self.tuning != "frozen")

    def forward(self, waveform: Tensor, lengths: Tensor | None = None) -> EncodedFrames:
        """Encode waveforms.

        Args:
            waveform: (B, N) at 16 kHz, N at least `least_samples`.
            lengths: (B,) samples of each that are real, the rest padding; None means all N.

        Returns:
            The frames of every layer. A recording shorter than `least_samples` has one frame, as
            if silence followed it.

        Raises:
            BadValueError: If the waveform has another shape or is too short.
        """
        if waveform.ndim != 2 or waveform.shape[1] < self.least_samples:
            raise BadValueError(
                f"Bad waveform for {self.name}: got shape {tuple(waveform.shape)}, expected "
                f"(recordings, samples) with at least {self.least_samples} samples; "
                f"pad it with silence."
            )
        layers, mask = self.encoder(waveform, lengths)
        return EncodedFrames(layers=layers, mask=mask, frame_rate_hz=self.frame_rate_hz)
