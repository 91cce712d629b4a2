"""Labels as Praat TextGrids: a folder with one TextGrid per recording, `<stem>.TextGrid`.

Tier `emotion` holds the labels of stretches; gaps are empty, labels that overlap go to further
tiers `emotion 2`, `emotion 3`, …. Tier `utterance` holds the label of the whole recording as one
interval from 0 to its end, further ones (of other annotators) `utterance 2`, ….

Kept: the answer, the times, and the stem of the recording's file name. Lost, because a TextGrid
has no place for them: the folder and suffix of the recording, its language and speaker, annotator,
time and origin of a label, and the suggestion behind it. CSV and JSON keep everything.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath

from clser_engine.errors import FormatError
from clser_engine.formats.rows import LabelRow
from clser_engine.formats.stems import unique_stems
from clser_engine.formats.textgrid_file import Tier, read_tiers, write_tiers

SUFFIX = ".TextGrid"
STRETCHES, WHOLE = "emotion", "utterance"

_OUR_TIER = re.compile(rf"({STRETCHES}|{WHOLE})( \d+)?", re.IGNORECASE)


def write_labels(path: Path, rows: Sequence[LabelRow], *, overwrite: bool) -> list[Path]:
    """Write one TextGrid per labelled recording.

    Args:
        path: The folder; made where it is missing.
        rows: The labels.
        overwrite: Whether existing TextGrids may be replaced.

    Raises:
        FormatError: If a file exists and may not be replaced (then none is written), cannot be
            written, or the length of a recording is not known.
    """
    rows_of: dict[str, list[LabelRow]] = defaultdict(list)
    for row in rows:
        rows_of[row.path].append(row)
    files = {
        recording: path / f"{stem}{SUFFIX}"
        for recording, stem in unique_stems([PurePath(name) for name in rows_of]).items()
    }
    grids = []
    for name, own_rows in rows_of.items():
        duration_s = _duration_s(name, own_rows)
        grids.append((files[PurePath(name)], _to_tiers(own_rows, duration_s), duration_s))
    for file, _, _ in grids:
        if file.exists() and not overwrite:
            raise FormatError(
                f"{file} exists already and nothing was written; choose another folder or allow "
                "replacing."
            )
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FormatError(
            f"The folder {path} cannot be made because the system says '{error.strerror}'; "
            "choose another."
        ) from error
    for file, tiers, duration_s in grids:
        write_tiers(file, tiers, duration_s, overwrite=overwrite)
    return [file for file, _, _ in grids]


def read_labels(path: Path) -> list[LabelRow]:
    """Read the labels of one TextGrid, or of all in a folder.

    Each label's `path` is the stem of its TextGrid's name: the recording of that name is meant.

    Raises:
        FormatError: If a TextGrid cannot be read or has no tier of ours.
    """
    if not path.is_dir():
        return _read_file(path)
    files = sorted(file for file in path.iterdir() if file.suffix.lower() == SUFFIX.lower())
    if not files:
        raise FormatError(f"{path} holds no TextGrid; choose another folder.")
    return [row for file in files for row in _read_file(file)]


def _read_file(path: Path) -> list[LabelRow]:
    tiers = read_tiers(path)
    ours = [tier for tier in tiers if _OUR_TIER.fullmatch(tier.name.strip())]
    if not ours:
        found = ", ".join(repr(tier.name) for tier in tiers) or "none"
        raise FormatError(
            f"{path} has no tier named 'emotion' or 'utterance' (its interval tiers: {found}); "
            "rename the tier that holds the labels in Praat."
        )
    rows = []
    for tier in ours:
        is_whole = tier.name.strip().lower().startswith(WHOLE)
        for start_s, end_s, answer in tier.intervals:
            row = LabelRow(
                path=path.stem,
                answer=answer.strip(),
                start_s=None if is_whole else start_s,
                end_s=None if is_whole else end_s,
            )
            if problem := row.problem():
                raise FormatError(
                    f"{path}, tier '{tier.name}' at {start_s:g} s, {problem}; correct it in Praat."
                )
            rows.append(row)
    return rows


def _to_tiers(rows: Sequence[LabelRow], duration_s: float) -> list[Tier]:
    """Put labels that do not overlap into one tier, as few tiers as it takes."""
    stretches: list[list[tuple[float, float, str]]] = []
    wholes: list[str] = []
    for row in sorted(rows, key=lambda row: (row.start_s or 0.0, row.end_s or 0.0)):
        if row.start_s is None or row.end_s is None:
            wholes.append(row.answer)
            continue
        interval = (row.start_s, row.end_s, row.answer)
        free = next((tier for tier in stretches if tier[-1][1] <= row.start_s), None)
        if free is None:
            stretches.append([interval])
        else:
            free.append(interval)
    tiers = [Tier(name=_name(STRETCHES, i), intervals=tuple(t)) for i, t in enumerate(stretches)]
    tiers += [
        Tier(name=_name(WHOLE, i), intervals=((0.0, duration_s, answer),))
        for i, answer in enumerate(wholes)
    ]
    return tiers


def _name(base: str, index: int) -> str:
    return base if index == 0 else f"{base} {index + 1}"


def _duration_s(name: str, rows: Sequence[LabelRow]) -> float:
    known = [row.duration_s for row in rows if row.duration_s] + [
        row.end_s for row in rows if row.end_s
    ]
    if not known:
        raise FormatError(
            f"A TextGrid needs the length of {name}, which is not known; open the recording once "
            "or export to CSV."
        )
    return max(known)
