"""Names for result files: the stem of each recording, made unique."""

from collections.abc import Sequence
from pathlib import PurePath


def unique_stems(paths: Sequence[PurePath]) -> dict[PurePath, str]:
    """Return a file stem for each recording, such that no two are the same.

    The first recording of a stem keeps it, later ones get `_2`, `_3`, …. Stems that differ only
    in case count as the same, because some file systems cannot hold both.
    """
    stems: dict[PurePath, str] = {}
    natural = {path.stem.casefold() for path in paths}
    taken: set[str] = set()
    for path in dict.fromkeys(paths):
        stem, number = path.stem, 2
        while stem.casefold() in taken or (number > 2 and stem.casefold() in natural):
            stem = f"{path.stem}_{number}"
            number += 1
        taken.add(stem.casefold())
        stems[path] = stem
    return stems
