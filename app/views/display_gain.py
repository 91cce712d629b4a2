"""How many times taller than it is a quiet recording is drawn; its sound is never changed."""

import math

from app.services.peaks import AudioSource

MAX_GAIN = 64  # 36 dB: beyond it the noise of the recorder would look like a voice


def display_gain(source: AudioSource | None) -> int:
    """Return a power of two by which the loudest moment fills at least half of a pane.

    It suits the whole recording, so that its parts can be compared at any zoom; a power of two,
    because it changes seldom while a recording is being read.
    """
    peak = source.peaks.peak if source is not None else 0.0
    if peak <= 0.0:
        return 1
    return min(1 << math.floor(math.log2(1.0 / peak)), MAX_GAIN)
