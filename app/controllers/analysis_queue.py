"""Which recording is analysed next; no Qt."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MAX_CRASHES = 2  # a recording that ended the engine twice would do so again
MAX_KILLS = 50  # ends that another program caused are not the recording's fault


@dataclass(slots=True)
class QueuedClip:
    """One recording and how its analysis went so far.

    Args:
        clip_id: Its clip.
        path: The file.
        crashes: Engines that crashed while they analysed it.
        kills: Engines that were ended from outside meanwhile.
        life: The engine process that had it last, 0 for none.
    """

    clip_id: str
    path: str | Path
    crashes: int = 0
    kills: int = 0
    life: int = 0


class AnalysisQueue:
    """What the person looks at comes first, newest before oldest; the rest in its order."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, QueuedClip] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def put_first(self, clip: QueuedClip) -> None:
        """Put a clip before all others, also if it waits already."""
        self._waiting[clip.clip_id] = clip
        self._waiting.move_to_end(clip.clip_id, last=False)

    def put_last(self, clips: Iterable[QueuedClip]) -> None:
        """Put clips behind all others; those that wait keep their place."""
        for clip in clips:
            self._waiting.setdefault(clip.clip_id, clip)

    def take(self) -> QueuedClip | None:
        """Remove and return the next clip."""
        if not self._waiting:
            return None
        return self._waiting.popitem(last=False)[1]

    def remove(self, clip_id: str) -> bool:
        """Remove a clip; return whether it waited."""
        return self._waiting.pop(clip_id, None) is not None

    def clear(self) -> None:
        """Remove all."""
        self._waiting.clear()
