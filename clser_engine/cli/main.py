"""The command line program `clser`: one sub-command per file of this package.

A sub-command is a module `clser_engine/cli/<name>.py` with exactly this form:

    NAME = "analyze"                         # as typed
    HELP = "Recognise emotions in recordings."   # one sentence for `clser --help`

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.epilog = "example: clser analyze interview.wav --out results"
        parser.add_argument(...)

    def run(args: argparse.Namespace) -> int:
        ...                                  # returns the exit code

and one line in `COMMANDS` below. The module is imported only when its command is asked for, so
`clser --help` stays fast; torch and onnxruntime are imported inside `run`, so that `--help` of
the command is fast too.

Exit codes: 0 all inputs succeeded, 1 something failed (one line on stderr each), 2 wrong usage,
130 interrupted. `run` raises `EngineError` for what a person can cause: it is shown as one line.
Results go to stdout, everything else to stderr. `args.debug` shows tracebacks.
"""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from clser_engine.cli.log_file import divert_native_messages, start_log
from clser_engine.errors import Cancelled, EngineError
from clser_engine.version import program_version

logger = logging.getLogger(__name__)

OK, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


class Command(NamedTuple):
    """Where a sub-command lives and what `clser --help` says of it (the module's `HELP`).

    `keeps_stderr`: who started it reads what libraries print there, so it is not sent to the log.
    """

    module: str
    help: str
    keeps_stderr: bool = False


COMMANDS = {
    "analyze": Command(
        "clser_engine.cli.analyze", "Recognise emotions in recordings and write them to files."
    ),
    "serve": Command(
        "clser_engine.cli.serve",
        "Run the engine for the studio, on this computer or for others.",
        keeps_stderr=True,
    ),
    "train": Command(
        "clser_engine.cli.train", "Train a model from labelled recordings and write it as a bundle."
    ),
    "data": Command(
        "clser_engine.cli.data", "Read corpora into manifests, check them, split them."
    ),
    "models": Command(
        "clser_engine.cli.models",
        "List, fetch, show, add and remove models and pretrained backbones.",
    ),
    "evaluate": Command("clser_engine.cli.evaluate", "Measure a model on labelled recordings."),
    "export": Command(
        "clser_engine.cli.export",
        "Write a model as one ONNX graph, or as a smaller bundle in eight bits.",
    ),
    "doctor": Command(
        "clser_engine.cli.doctor",
        "Check what is installed and works, and say how to repair what does not.",
    ),
    "bench": Command(
        "clser_engine.cli.bench", "Measure what the project claims and write the figures as JSON."
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `clser` and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # file names need not be valid text
    try:
        args = build_parser(arguments).parse_args(arguments)
    except SystemExit as stop:  # argparse exits by itself: 0 for --help, 2 for wrong usage
        return stop.code if isinstance(stop.code, int) else WRONG_USAGE
    log_path = start_log(args.debug)
    is_program = argv is None  # and not a call from Python
    if is_program and not args.debug and not args.keeps_stderr:
        divert_native_messages(log_path)
    try:
        return int(args.run(args))
    except EngineError as error:
        logger.info("Failed", exc_info=error)
        print(f"clser: {error}", file=sys.stderr)
        return FAILED
    except (KeyboardInterrupt, Cancelled):
        print("clser: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        logger.exception("Unexpected error")
        print(
            f"clser: an unexpected {type(error).__name__} stopped the command; "
            f"please report it with the log {log_path}",
            file=sys.stderr,
        )
        return FAILED


def build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser with the arguments of the command that `arguments` ask for, no other's."""
    parser = argparse.ArgumentParser(
        prog="clser",
        description="Cross-lingual speech emotion recognition, on this computer.",
        epilog="example: clser analyze interview.wav --out results",
    )
    parser.add_argument("--version", action="version", version=f"clser {program_version()}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    for name, command in COMMANDS.items():
        subparser = subparsers.add_parser(
            name,
            help=command.help,
            description=command.help,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        subparser.add_argument(
            "--debug", action="store_true", help="log everything, and tracebacks, to the terminal"
        )
        if name == wanted:
            module = importlib.import_module(command.module)
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run, keeps_stderr=command.keeps_stderr)
    return parser


if __name__ == "__main__":
    sys.exit(main())
