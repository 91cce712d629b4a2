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
        self.context = RunContext(self._show)
        """Takes reports in recordings, parts of one included."""

    def _show(self, stage: str, done: float, total: float) -> None:
        self._progress.update(self._task, completed=done, total=total)

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
