"""A progress bar in bytes for downloads, drawn on terminals only."""

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from clser_engine.runtime import RunContext


@contextlib.contextmanager
def download_progress() -> Iterator[RunContext]:
    """Yield a context whose reports of bytes move a bar on stderr."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def show(stage: str, done: float, total: float) -> None:
            progress.update(task, description=stage, completed=done, total=total)

        yield RunContext(show)
