"""A progress bar for work that reports stages; silent where there is no terminal."""

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from clser_engine.runtime import RunContext


@contextlib.contextmanager
def stage_progress(*, in_bytes: bool = False) -> Iterator[RunContext]:
    """Yield a context whose reports move a bar on stderr.

    Args:
        in_bytes: Whether bytes are reported, as a download does; size and speed are shown then.
    """
    console = Console(stderr=True)
    facts = (
        (DownloadColumn(), TransferSpeedColumn())
        if in_bytes
        else (TimeElapsedColumn(), TextColumn("left"))
    )
    columns = (TextColumn("{task.description}"), BarColumn(), *facts, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def show(stage: str, done: float, total: float) -> None:
            progress.update(task, description=stage, completed=done, total=total)

        yield RunContext(show)
