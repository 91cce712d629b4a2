"""Frame posteriors as a CSV table: `start_s`, `end_s`, one column a class and `speech`, by frame.

`speech` is the probability that somebody speaks, empty where the model cannot tell.
Times are rounded to the microsecond; posteriors are the shortest decimals that read back as the
same float32, so that rows sum to 1 as they did.
"""

import csv
import io
from pathlib import Path

from clser_engine.formats.atomic_write import write_atomically
from clser_engine.formats.numbers import to_float_lists
from clser_engine.types import Analysis


def write_posteriors(path: Path, analysis: Analysis, audio_path: Path, *, overwrite: bool) -> None:
    """Write the frame posteriors of one recording.

    Args:
        path: The CSV file.
        analysis: What the model said.
        audio_path: The recording; a table has no place for it.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FormatError: If the file exists and may not be replaced, or cannot be written.
    """
    del audio_path
    posteriors = analysis.posteriors
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["start_s", "end_s", *posteriors.classes, "speech"])
    speech: list[float] | list[str] = [""] * len(posteriors.values)
    if posteriors.speech is not None:
        [speech] = to_float_lists(posteriors.speech[None])
    rows = zip(to_float_lists(posteriors.values), speech, strict=True)
    for frame, (row, spoken) in enumerate(rows):
        start_s, end_s = (round((frame + i) / posteriors.frame_rate_hz, 6) for i in (0, 1))
        writer.writerow([start_s, end_s, *row, spoken])
    write_atomically(path, text.getvalue().encode("utf-8"), overwrite=overwrite)
