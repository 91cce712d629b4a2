"""What every decoder offers: the facts about a recording and any stretch of its samples."""

from pathlib import Path
from typing import Protocol

from clser_engine.types import AudioInfo, FloatArray


class AudioSource(Protocol):
    """An opened recording."""

    info: AudioInfo

    def read(self, start_frame: int, num_frames: int) -> FloatArray:
        """Return (frames, channels) float32; fewer frames than asked for at the end."""

    def close(self) -> None:
        """Give the file and any process back; may be called twice."""


class CannotDecodeError(Exception):
    """This decoder finds nothing to read; another may.

    Args:
        claimed_s: Length in seconds that the file claims, or None where its kind is unknown.
    """

    def __init__(self, claimed_s: float | None = None) -> None:
        super().__init__(claimed_s)
        self.claimed_s = claimed_s


def cut_off_notice(path: Path, claimed_s: float, read_s: float) -> str:
    """Return a sentence where clearly less could be read than the file claims, else nothing."""
    if claimed_s - read_s < max(0.5, 0.02 * claimed_s):  # codecs pad and trim that much
        return ""
    return (
        f"{path} claims to last {claimed_s:.1f} s but only {read_s:.1f} s could be read; "
        "if more is missed, copy it again from where it came."
    )
