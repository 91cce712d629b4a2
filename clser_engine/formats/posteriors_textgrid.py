"""What a model says of one recording, as a TextGrid to look at in Praat.

Tier `model emotion` holds the stretches of one emotion, empty where nobody speaks, tier
`model utterance` the class of the whole recording with its confidence. The posteriors themselves
are lost; CSV and JSON keep them. The names say `model`, so that nobody imports them as labels.
"""

from pathlib import Path

from clser_engine.formats.textgrid_file import Tier, write_tiers
from clser_engine.types import Analysis


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
            intervals=tuple((s.start_s, s.end_s, s.emotion) for s in analysis.segments),
        ),
        Tier(name="model utterance", intervals=((0.0, analysis.duration_s, text),)),
    ]
    write_tiers(path, tiers, analysis.duration_s, overwrite=overwrite)
