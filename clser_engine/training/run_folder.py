"""The folder of a training run: what it was made from, what happened, and what came out.

config.toml        the whole effective configuration
run.json           versions, device, hashes of data and backbone, speakers held out
events.jsonl       what happened, and tensorboard/ the same as curves
checkpoints/       from which the run goes on after a stop
best.safetensors   the weights of the best validation
<name>.clser-model the finished model
result.json        figures; a folder with this file is finished and never written again
running.json       who is writing now
"""

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from clser_engine.bundle import SUFFIX
from clser_engine.config.reader import differences
from clser_engine.errors import ConfigError, TrainingError
from clser_engine.formats.atomic_write import write_atomically
from clser_engine.methods.registry import CONFIG, Run, load_run
from clser_engine.training.checkpoint import list_checkpoints
from clser_engine.version import program_version

RUN, RESULT, RUNNING, BEST = "run.json", "result.json", "running.json", "best.safetensors"
LIBRARIES = (
    "torch",
    "transformers",
    "accelerate",
    "peft",
    "numpy",
    "safetensors",
    "onnxruntime-gpu",
)


class RunFolder:
    """A run folder that this process writes; opened with `with`, so that it is given back.

    Args:
        folder: Where.
        run: What is trained in it.
        resume: Go on with a run that was stopped.

    Raises:
        TrainingError: If it holds a finished run, one that another process is writing, or one that
            was stopped and is not to be resumed.
        ConfigError: If it is to be resumed with other settings than it began with.
        FormatError: If it cannot be written.
    """

    def __init__(self, folder: Path, run: Run, *, resume: bool) -> None:
        self.folder = folder
        self.run = run
        self.bundle = folder / f"{run.settings.name}{SUFFIX}"
        self._check(resume)
        self._take()
        try:
            if not resume:
                write_atomically(folder / CONFIG, run.to_toml().encode(), overwrite=True)
        except BaseException:
            self.close()
            raise

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Keep what the run is made from; a run that goes on must be made from the same.

        Args:
            facts: `data_hashes` and `backbone` among them, where there are such.

        Raises:
            TrainingError: If data or backbone are not those that the run began with.
        """
        path = self.folder / RUN
        if path.exists() and list_checkpoints(self.folder):
            before = json.loads(path.read_text(encoding="utf-8"))
            for key in ("data_hashes", "backbone"):
                if key in facts and before.get(key) != facts[key]:
                    raise TrainingError(
                        f"{self.folder} was begun with other {_WORDS[key]}; bring that back or "
                        "begin anew in another folder."
                    )
        values = {
            "program": program_version(),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "versions": {name: _version(name) for name in LIBRARIES},
            **facts,
        }
        self._write_json(RUN, values)

    def finish(self, result: Mapping[str, Any]) -> None:
        """Write the result; from now on the folder is finished."""
        self._write_json(RESULT, result)

    def close(self) -> None:
        """Let others write."""
        (self.folder / RUNNING).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check(self, resume: bool) -> None:
        if (self.folder / RESULT).exists():
            raise TrainingError(
                f"{self.folder} holds a finished run and is left as it is; choose another folder."
            )
        if not (self.folder / CONFIG).exists():
            if resume:
                raise TrainingError(f"{self.folder} holds no run that could be resumed.")
            if self.folder.exists() and any(self.folder.iterdir()):
                raise TrainingError(
                    f"{self.folder} holds other files and no run; choose an empty or new folder."
                )
            return
        if not resume:
            self._refuse_second()
            if not list_checkpoints(self.folder):
                return  # it failed before it had learned anything
            raise TrainingError(
                f"{self.folder} holds a run that was stopped; go on with `clser train "
                f"{self.folder} --resume`, or choose another folder."
            )
        begun = load_run(self.folder)
        if begun.method != self.run.method:
            raise ConfigError(
                f"{self.folder} was begun with the method {begun.method!r}, not "
                f"{self.run.method!r}; choose another folder."
            )
        changed = differences(begun.settings, self.run.settings)
        if changed:
            raise ConfigError(
                f"{self.folder} was begun with another {changed[0]}; resume it with the settings "
                "that it has, or choose another folder."
            )

    def _take(self) -> None:
        """Become the one that writes."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(
                f"{self.folder} cannot be made ({error.strerror}); choose another folder."
            ) from error
        self._refuse_second()
        me = psutil.Process()
        facts = {"host": platform.node(), "process": me.pid, "started": me.create_time()}
        write_atomically(self.folder / RUNNING, json.dumps(facts).encode(), overwrite=True)

    def _refuse_second(self) -> None:
        try:
            writer = json.loads((self.folder / RUNNING).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return
        if writer["host"] != platform.node():
            raise TrainingError(
                f"{self.folder} is being written on the computer {writer['host']}; wait for it, "
                f"or delete {RUNNING} in it if that computer was switched off."
            )
        try:
            started = psutil.Process(writer["process"]).create_time()
        except psutil.NoSuchProcess:
            return
        if abs(started - writer["started"]) < 1.0 and writer["process"] != os.getpid():
            raise TrainingError(
                f"{self.folder} is being written by process {writer['process']}; wait for it or "
                "choose another folder."
            )

    def _write_json(self, name: str, values: Mapping[str, Any]) -> None:
        text = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
        write_atomically(self.folder / name, text.encode(), overwrite=True)


_WORDS = {"data_hashes": "recordings or labels", "backbone": "weights of the backbone"}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
