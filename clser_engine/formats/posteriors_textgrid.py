"""What a model says of one recording, as a TextGrid to look at in Praat.

Tier `model emotion` holds runs of frames with the same most probable class, tier
`model utterance` the class of the whole recording with its confidence. The posteriors themselves
are lost; CSV and JSON keep them. The names say `model`, so that nobody imports them as labels.
"""

from itertools import groupby
from pathlib import Path

from clser_engine.formats.textgrid_file import Tier, write_tiers
from clser_engine.types import Analysis, Posteriors


def write_posteriors(path: Path, analysis: Analysis, audio_path: Path, *, overwrite: bool) -> None:
    """Write the most probable classes of one recording.

    Args:
        path: The TextGrid.
        analysis: What the model said.
        audio_path: The recording; a TextGrid has no place for it.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FormatError: If the file exists and may not be replaced, or cannot be written.
    """
    del audio_path
    utterance = analysis.utterance
    text = f"{utterance.emotion} {utterance.confidence:.2f}"
    tiers = [
        Tier(
            name="model emotion",
            intervals=_to_runs(analysis.posteriors, analysis.duration_s),
        ),
        Tier(name="model utterance", intervals=((0.0, analysis.duration_s, text),)),
    ]
    write_tiers(path, tiers, analysis.duration_s, overwrite=overwrite)


def _to_runs(posteriors: Posteriors, duration_s: float) -> tuple[tuple[float, float, str], ...]:
    """Return start, end and class of each run, cut at the end of the recording."""
    runs: list[tuple[float, float, str]] = []
    frame = 0
    for index, members in groupby(posteriors.values.argmax(axis=1).tolist()):
        start_s = frame / posteriors.frame_rate_hz
        frame += len(list(members))
        end_s = min(frame / posteriors.frame_rate_hz, duration_s)
        if start_s < end_s:
            runs.append((start_s, end_s, posteriors.classes[index]))
    return tuple(runs)
