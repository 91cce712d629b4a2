"""How frames of the compact model become stretches of one emotion.

The numbers were chosen on recordings put together from EMO-DB, nEMO and RAVDESS, each by a model
trained without it (`resources/docs/results/frames_study.json`), not on what is reported.
"""

from dataclasses import replace
from typing import Final

from clser_engine.inference.smoothing import Smoothing

COMPACT: Final = Smoothing(
    stay=0.99,
    trust=0.11,
    lag_s=1.0,
    speech_threshold=0.5,
    shortest_pause_s=0.4,
    shortest_speech_s=0.12,
    delay_s=0.32,
    centring=0.8,
    phrase_weight=0.9,
    phrase_pause_s=0.2,
    shortest_phrase_s=1.0,
)


def calibrated(smoothing: Smoothing, temperature: float) -> Smoothing:
    """Return what does to posteriors of a temperature what `smoothing` does to those of 1.

    Calibration divides the logits of frames, and trust multiplies their log-posteriors: so the one
    takes back the other, up to a trust of 1.
    """
    return replace(smoothing, trust=min(1.0, smoothing.trust * temperature))
