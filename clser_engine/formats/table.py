"""The file formats for labels and posteriors; a new format is one file and one line here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clser_engine.formats import (
    analysis_json,
    labels_csv,
    labels_json,
    labels_textgrid,
    posteriors_csv,
    posteriors_textgrid,
)
from clser_engine.formats.rows import LabelRow
from clser_engine.types import Analysis


class WriteLabels(Protocol):
    """Write labels; returns the files that were written."""

    def __call__(self, path: Path, rows: Sequence[LabelRow], *, overwrite: bool) -> list[Path]:
        """Write `rows` to a file, or one file per recording to a folder."""


class WritePosteriors(Protocol):
    """Write what a model says of one recording."""

    def __call__(
        self, path: Path, analysis: Analysis, audio_path: Path, *, overwrite: bool
    ) -> None:
        """Write `analysis` of `audio_path` to a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFormat:
    """A file format for labels.

    Args:
        name: As in `--format`.
        title: As in a file dialog.
        suffix: Of its files, with the dot.
        writes_folder: Whether `write` takes a folder (one file per recording) and not a file.
        write: Writes labels to a path; raises FormatError.
        read: Reads a file (or a folder of them, if `writes_folder`); raises FormatError.
    """

    name: str
    title: str
    suffix: str
    writes_folder: bool
    write: WriteLabels
    read: Callable[[Path], list[LabelRow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PosteriorFormat:
    """A file format for posteriors, one file per recording.

    Args:
        name: As in `--format`.
        title: As in a file dialog.
        suffix: Of its files, with the dot.
        marker: Bytes near the start of every file that `write` makes and of no other: such a file
            may be replaced by a newer result.
        write: Writes an analysis to a file; raises FormatError.
    """

    name: str
    title: str
    suffix: str
    marker: bytes
    write: WritePosteriors


LABEL_FORMATS = (
    LabelFormat(
        name="csv",
        title="CSV table",
        suffix=".csv",
        writes_folder=False,
        write=labels_csv.write_labels,
        read=labels_csv.read_labels,
    ),
    LabelFormat(
        name="json",
        title="JSON",
        suffix=".json",
        writes_folder=False,
        write=labels_json.write_labels,
        read=labels_json.read_labels,
    ),
    LabelFormat(
        name="textgrid",
        title="Praat TextGrid, one per recording",
        suffix=".TextGrid",
        writes_folder=True,
        write=labels_textgrid.write_labels,
        read=labels_textgrid.read_labels,
    ),
)

POSTERIOR_FORMATS = (
    PosteriorFormat(
        name="json",
        title="JSON",
        suffix=".json",
        marker=b'"frame_rate_hz": ',
        write=analysis_json.write_analysis,
    ),
    PosteriorFormat(
        name="csv",
        title="CSV table",
        suffix=".csv",
        marker=b"start_s,end_s,",
        write=posteriors_csv.write_posteriors,
    ),
    PosteriorFormat(
        name="textgrid",
        title="Praat TextGrid",
        suffix=".TextGrid",
        marker=b'"model emotion"',
        write=posteriors_textgrid.write_posteriors,
    ),
)
