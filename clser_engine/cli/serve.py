"""`clser serve`: the engine as a process that the studio, or a person on a server, starts."""

import argparse
import faulthandler
import json
import logging
import os
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from clser_engine.cli.log_file import FORMAT
from clser_engine.errors import ConfigError
from clser_engine.service.endpoint import (
    PublicEndpoint,
    listen_privately,
    listen_publicly,
    private_address,
)
from clser_engine.service.folders import cache_folder
from clser_engine.service.lifetime import (
    die_with_parent,
    exit_soon,
    read_line_and_watch,
    yield_to_the_window,
)
from clser_engine.service.model_shelf import ModelShelf
from clser_engine.service.result_cache import ResultCache
from clser_engine.service.server import EngineService, make_server
from clser_engine.service.uploads import Uploads

logger = logging.getLogger(__name__)

NAME = "serve"
HELP = "Run the engine for the studio, on this computer or for others."

STOP_GRACE_S = 0.3  # calls that are open may hear of the end
EPILOG = """\
Without --listen the engine serves the program that started it, over a private socket: the first
line on standard input is the token, the first line on standard output says where it listens, and
the engine ends when standard input is closed.

example: clser serve --listen 0.0.0.0:7070 --certificate server.pem --key server.key \\
             --token-file token.txt
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("--listen", metavar="HOST:PORT", help="serve other computers, with TLS")
    parser.add_argument("--certificate", type=Path, metavar="PEM", help="certificate for --listen")
    parser.add_argument("--key", type=Path, metavar="PEM", help="private key for --listen")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="token for --listen")
    parser.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="what the models run on"
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="folder for results")


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop; return 0.

    Raises:
        ServiceError: If it cannot listen, or may not.
        ConfigError: If a file of the arguments cannot be read.
    """
    return serve(args, ModelShelf(device=args.device))


def serve(args: argparse.Namespace, shelf: ModelShelf) -> int:
    """Serve with the models of a shelf until told to stop; return 0."""
    stop = threading.Event()
    _stop_on_signals(stop)
    _log_to_stderr()
    is_public = args.listen is not None
    if is_public:
        token = _token_of(args.token_file)
    else:
        die_with_parent()
        yield_to_the_window()
        token = read_line_and_watch(sys.stdin.buffer, stop.set)
    cache = args.cache or cache_folder()
    service = EngineService(
        shelf=shelf,
        cache=ResultCache(cache / "results"),
        uploads=Uploads(cache / "uploads"),
        accepts_local_paths=not is_public,
    )
    with ExitStack() as stack:
        stack.callback(service.close)
        server = make_server(service, token)
        if is_public:
            endpoint = PublicEndpoint(
                address=args.listen, certificate=args.certificate, key=args.key
            )
            address = listen_publicly(server, endpoint, token)
        else:
            address = listen_privately(server, stack.enter_context(private_address()))
        server.start()
        stack.callback(lambda: server.stop(STOP_GRACE_S).wait())
        _announce(address)
        service.start_loading()
        stop.wait()
        exit_soon()
        service.board.close()
    return 0


def _stop_on_signals(stop: threading.Event) -> None:
    def on_signal(number: int, _frame: FrameType | None) -> None:
        logger.info("Signal %d: the engine stops", number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)


def _log_to_stderr() -> None:
    """Log to who started the engine instead of the commands' log, which has one writer only."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if handler.get_name() == "clser":
            root.removeHandler(handler)
            handler.close()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=FORMAT)
    faulthandler.enable(sys.stderr)  # says where native code crashed


def _announce(address: str) -> None:
    """Say where the engine listens; whatever a library prints later goes to the log."""
    print(json.dumps({"address": address, "pid": os.getpid()}), flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def _token_of(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The token file {path} cannot be read ({error}); give a text file of one line."
        ) from error
