"""Recordings of any length through a backbone, window by window, in bounded memory.

Attention over a whole hour would need its square. Windows overlap by the context on either side,
whose frames are thrown away, so that a kept frame has heard what is around it; they begin on
multiples of a frame, so that frame `t` of the joined ones is where it would be in one pass. Each
window counts as a recording of its own: it is brought to zero mean and unit variance by itself,
as the utterances of the training were.

Shapes: N samples, T frames, H hidden size.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from clser_engine.backbones.backbone import Backbone, EncodedFrames
from clser_engine.errors import BadValueError
from clser_engine.runtime import RunContext

SAMPLE_RATE_HZ = 16_000


def encode_in_windows(
    backbone: Backbone,
    waveform: Tensor,
    *,
    window_s: float | None = None,
    context_s: float | None = None,
    context: RunContext | None = None,
) -> EncodedFrames:
    """Encode one recording window by window and join the frames; arguments as `encoded_parts`.

    A recording no longer than a window gives what `backbone(waveform[None])` gives. All layers of
    the whole recording are kept, which for 13 layers of 768 numbers are 2 MB for each second: of
    hours, take the parts one by one.

    Returns:
        The frames of every layer, (1, T, H) on the processor.

    Raises:
        BadValueError: If a window is longer than the architecture takes, or not longer than its
            context.
    """
    parts = list(
        encoded_parts(backbone, waveform, window_s=window_s, context_s=context_s, context=context)
    )
    return EncodedFrames(
        layers=tuple(
            torch.cat(layer, dim=1) for layer in zip(*(p.layers for p in parts), strict=True)
        ),
        mask=torch.cat([part.mask for part in parts], dim=1),
        frame_rate_hz=backbone.frame_rate_hz,
    )


def encoded_parts(
    backbone: Backbone,
    waveform: Tensor,
    *,
    window_s: float | None = None,
    context_s: float | None = None,
    context: RunContext | None = None,
) -> Iterator[EncodedFrames]:
    """Encode one recording of any length, without gradients, a part at a time.

    Args:
        backbone: In evaluation mode.
        waveform: (N,) at 16 kHz; a shorter one than `least_samples` is followed by silence.
        window_s: Longest stretch encoded at once; None means the architecture's.
        context_s: Audio on either side of a window whose frames are thrown away; None means the
            architecture's.
        context: Progress and cancellation.

    Yields:
        The frames of every layer for the next stretch of the recording, (1, part of T, H) on the
        processor; one after another they are all of its frames.

    Raises:
        BadValueError: If a window is longer than the architecture takes, or not longer than its
            context.
    """
    context = context or RunContext()
    encoder = backbone.encoder
    longest = float(encoder.window_s)
    window_s = longest if window_s is None else window_s
    context_s = min(encoder.context_s, window_s / 4) if context_s is None else context_s
    if not 0 < window_s <= longest:
        raise BadValueError(
            f"Bad window: got {window_s} s, expected more than 0 and at most {longest:g} s."
        )
    window, margin = (
        int(length * SAMPLE_RATE_HZ) // encoder.hop_samples for length in (window_s, context_s)
    )
    if not 0 <= 2 * margin < window:
        raise BadValueError(
            f"Bad context: got {context_s} s, expected 0 or more and less than half the window "
            f"of {window_s} s."
        )
    missing = encoder.least_samples - len(waveform)
    if missing > 0:
        waveform = torch.nn.functional.pad(waveform, (0, missing))
    place = next(backbone.parameters()).device
    for begin, end, skip, keep in window_spans(
        len(waveform), encoder.hop_samples, encoder.least_samples, window, margin
    ):
        context.report("Encoding", begin, len(waveform))
        with torch.inference_mode():
            encoded = backbone(waveform[None, begin:end].to(place))
        # Copies, so that the rest of the window is given back.
        layers = tuple(layer[:, skip:keep].cpu().clone() for layer in encoded.layers)
        mask = encoded.mask[:, skip:keep].cpu().clone()
        yield EncodedFrames(layers=layers, mask=mask, frame_rate_hz=backbone.frame_rate_hz)


def window_spans(
    num_samples: int, hop: int, least: int, window: int, margin: int
) -> Iterator[tuple[int, int, int, int | None]]:
    """Cut a recording into overlapping windows.

    Args:
        num_samples: N, at least `least`.
        hop: Samples per frame.
        least: Fewest samples that have a frame.
        window: Frames of a window.
        margin: Frames of context on either side.

    Yields:
        First and last sample of a window, how many of its frames to skip and at which to end; None
        keeps the rest. Kept frames join without gap or overlap.
    """
    step = (window - 2 * margin) * hop
    begin = 0
    while True:
        end = begin + window * hop + max(0, least - hop)  # so that it has `window` frames
        skip = margin if begin else 0
        # The next window would need a frame past its context.
        if end >= num_samples or begin + step + margin * hop + least > num_samples:
            yield begin, min(end, num_samples), skip, None
            return
        yield begin, end, skip, window - margin
        begin += step
