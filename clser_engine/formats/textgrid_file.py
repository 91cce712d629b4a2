"""Praat TextGrids as plain tiers, read and written through praatio."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from praatio import textgrid as praat
from praatio.data_classes.interval_tier import IntervalTier

from clser_engine.errors import FormatError
from clser_engine.formats.atomic_write import write_atomically
from clser_engine.formats.text_file import read_bytes, read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A tier of intervals that do not overlap, in order.

    Args:
        name: Of the tier.
        intervals: Start and end in seconds (half-open) and text; stretches between them are empty.
    """

    name: str
    intervals: tuple[tuple[float, float, str], ...]


def write_tiers(path: Path, tiers: Sequence[Tier], duration_s: float, *, overwrite: bool) -> None:
    """Write a TextGrid in Praat's long text form.

    Args:
        path: The file.
        tiers: At least one.
        duration_s: Length of the recording in seconds, above 0.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FormatError: If the file exists and may not be replaced, or cannot be written.
    """
    grid = praat.Textgrid(0.0, duration_s)
    for tier in tiers:
        intervals = [(start, end, _to_valid_text(text)) for start, end, text in tier.intervals]
        grid.addTier(IntervalTier(tier.name, intervals, 0.0, duration_s))
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.TextGrid"
        grid.save(str(draft), "long_textgrid", includeBlankSpaces=True, reportingMode="silence")
        data = draft.read_bytes()
    write_atomically(path, data, overwrite=overwrite)


def read_tiers(path: Path) -> list[Tier]:
    """Read the interval tiers of a TextGrid, long or short, without empty intervals.

    Raises:
        FormatError: If it cannot be read or is no TextGrid.
    """
    if read_bytes(path).startswith(b"ooBinaryFile"):
        raise FormatError(
            f"{path} is a binary Praat file; open it in Praat and save it as a text file."
        )
    text = read_text(path)
    if "ooTextFile" not in text[:200] or "TextGrid" not in text[:200]:
        raise FormatError(f"{path} is not a TextGrid; choose a file that Praat saved as one.")
    try:
        grid = praat.openTextgrid(
            str(path),
            includeEmptyIntervals=False,
            reportingMode="silence",
            duplicateNamesMode="rename",
        )
        return [
            Tier(
                name=tier.name,
                intervals=tuple((entry.start, entry.end, entry.label) for entry in tier.entries),
            )
            for tier in grid.tiers
            if isinstance(tier, IntervalTier)
        ]
    except Exception as error:  # the parser fails in as many ways as a file can be damaged
        raise FormatError(
            f"{path} is a damaged TextGrid; open it in Praat, correct it and save it again."
        ) from error


def _to_valid_text(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
