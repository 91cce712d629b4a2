"""Finds out about the files of a project: length, rate, hash, and whether they are still there."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.domain.clips import Probe
from clser_engine.audio.read import hash_file, probe_audio
from clser_engine.errors import AudioError
from clser_engine.runtime import RunContext


def probe_files(
    paths: Sequence[str], known: Mapping[str, Probe], context: RunContext
) -> list[Probe]:
    """Return what is found out about files, without their hashes; a bad one has its sentence.

    Args:
        paths: Absolute paths.
        known: What was known before, by path: of a file that is gone its hash is kept.
        context: Progress and cancellation.
    """
    probes = []
    for done, path in enumerate(paths):
        context.report("read recordings", done, len(paths))
        probes.append(probe_file(path, known.get(path), context))
    return probes


def probe_file(path: str, known: Probe | None, context: RunContext) -> Probe:
    """Return what is found out about one file, without its hash."""
    stamp = file_stamp(path)
    if stamp is None:
        before = Probe(path=path) if known is None else known
        problem = (
            f"{path} is not there any more; put it back, or show the folder it was moved to with"
            " File, Locate missing files."
        )
        return replace(before, problem=problem, size_bytes=before.size_bytes, modified_ns=None)
    size_bytes, modified_ns = stamp
    try:
        info = probe_audio(Path(path), context)
    except AudioError as error:
        return Probe(path=path, problem=str(error), size_bytes=size_bytes, modified_ns=modified_ns)
    return Probe(
        path=path,
        duration_s=info.duration_s,
        sample_rate_hz=info.sample_rate_hz,
        channels=info.channels,
        size_bytes=size_bytes,
        modified_ns=modified_ns,
        notice=info.notice,
    )


def hash_files(probes: Sequence[Probe], context: RunContext) -> list[Probe]:
    """Return the same probes with the hashes of their files; one that cannot be read stays."""
    hashed = []
    for done, probe in enumerate(probes):
        context.report("remember contents", done, len(probes))
        try:
            hashed.append(replace(probe, sha256=hash_file(Path(probe.path), context)))
        except AudioError:
            hashed.append(probe)
    return hashed


@dataclass(frozen=True, slots=True)
class Unknown:
    """Files of which something is not known, by path."""

    unprobed: tuple[str, ...]
    unhashed: tuple[str, ...]


def find_unknown(known: Sequence[tuple[str, Probe | None]], context: RunContext) -> Unknown:
    """Return the files that must be read, and those that are the same but have no hash yet.

    Args:
        known: Each path with what is known of it.
        context: Progress and cancellation.
    """
    unprobed, unhashed = [], []
    for done, (path, probe) in enumerate(known):
        context.report("look at recordings", done, len(known))
        if needs_probe(path, probe):
            unprobed.append(path)
        elif probe is not None and not probe.sha256 and not is_missing(probe):
            unhashed.append(path)
    return Unknown(tuple(unprobed), tuple(unhashed))


def needs_probe(path: str, known: Probe | None) -> bool:
    """Whether a file was never probed, has changed since, has gone or has come back."""
    if known is None:
        return True
    stamp = file_stamp(path)
    if stamp is None:
        return not is_missing(known)
    return stamp != (known.size_bytes, known.modified_ns)


def is_missing(probe: Probe) -> bool:
    """Whether the file was not there when it was last looked for."""
    return bool(probe.problem) and probe.modified_ns is None


def file_stamp(path: str) -> tuple[int, int] | None:
    """Return size and time of the last change, None where there is no such file."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def locate(missing: Iterable[Probe], folder: Path, context: RunContext) -> dict[str, str]:
    """Search a folder for files that were moved, by their content.

    Args:
        missing: What is known of the files that are gone; those without a hash cannot be found.
        folder: Where to search, however deep.
        context: Progress and cancellation.

    Returns:
        The new path of each old one that was found.
    """
    wanted: dict[str, list[str]] = {}
    sizes: set[int | None] = set()
    for probe in missing:
        if probe.sha256:
            wanted.setdefault(probe.sha256, []).append(probe.path)
            sizes.add(probe.size_bytes)
    found: dict[str, str] = {}
    looked_at = 0
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            if len(found) == len(wanted):
                break
            path = os.path.join(parent, name)
            looked_at += 1
            context.report("search for moved recordings", looked_at, 0)
            stamp = file_stamp(path)
            # Hashing reads the whole file, so only one of the right size is hashed.
            if stamp is None or not (stamp[0] in sizes or None in sizes):
                continue
            try:
                content = hash_file(Path(path), context)
            except AudioError:
                continue
            if content in wanted and content not in found:
                found[content] = path
    return {old: found[content] for content in found for old in wanted[content]}
