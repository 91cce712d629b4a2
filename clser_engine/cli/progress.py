"""A progress bar for recordings, drawn on terminals only."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from clser_engine.runtime import RunContext


class AnalysisProgress:
    """How many recordings are done and how far the present one is; silent in a pipe.

    Args:
        num_recordings: How many there are.
    """

    def __init__(self, num_recordings: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
        self._task = self._progress.add_task("Analysing", total=num_recordings)
        self._begun = 0

    def next_recording(self, name: str) -> RunContext:
        """Begin the next recording; return the context through which its progress is reported."""
        done = self._begun
        self._begun += 1
        self._progress.update(self._task, completed=done, description=name)

        def show(stage: str, part: float, total: float) -> None:
            fraction = min(part / total, 1.0) if total > 0 else 0.0
            self._progress.update(self._task, completed=done + fraction, description=name)

        return RunContext(show)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()
