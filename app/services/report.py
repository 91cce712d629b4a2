"""A report of the program's state that holds no recording, no name and no label."""

import platform
from collections.abc import Iterable, Mapping

from app.services.versions import parts
from clser_engine.version import program_version

TELLING_SETTINGS = (
    "theme",
    "hide_suggestions",
    "auto_advance",
    "auto_play",
    "loop",
    "gain_db",
    "speed",
    "engine_device",
)


def report_text(
    *, engine: str, counts: Mapping[str, int], settings: object, log_lines: Iterable[str]
) -> str:
    """Return the report.

    Args:
        engine: State of the engine in words, without paths.
        counts: How many of what the project holds, for example clips.
        settings: The settings; only those that name nothing of the person's are told.
        log_lines: What was logged, without what was filled in.
    """
    lines = [
        f"CLSER Studio {program_version()}",
        f"{platform.system()} {platform.release()} {platform.machine()}",
        f"engine: {engine}",
        *(f"{name}: {count}" for name, count in counts.items()),
        "",
        "settings",
        *(f"  {name} = {getattr(settings, name)!r}" for name in TELLING_SETTINGS),
        "",
        "parts",
        *(f"  {part.name} {part.version}" for part in parts()),
        "",
        "log, without names",
        *(f"  {line}" for line in log_lines),
    ]
    return "\n".join(lines) + "\n"
