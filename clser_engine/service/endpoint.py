"""Where the engine listens: a socket that only this user can reach, or a public one with TLS.

The private endpoint is a Unix socket in a folder of mode 0700; on Windows it is a random port of
the loopback interface, where the token alone keeps others out.
"""

import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from clser_engine.errors import ServiceError

if sys.platform != "win32":
    import fcntl

logger = logging.getLogger(__name__)

FOLDER_PREFIX = "clser-engine-"
SOCKET_NAME = "engine.sock"
LOCK_NAME = "lock"
MAX_SOCKET_PATH = 100  # bytes; the kernel's limit is 107 on Linux and 103 on macOS
MIN_TOKEN_LENGTH = 16
MIN_STALE_AGE_S = 60.0  # a younger folder may belong to an engine that has not locked it yet


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicEndpoint:
    """An endpoint that other computers can reach.

    Args:
        address: `host:port`.
        certificate: PEM chain of the server.
        key: PEM private key.
    """

    address: str
    certificate: Path | None
    key: Path | None


def listen_publicly(server: grpc.Server, endpoint: PublicEndpoint, token: str) -> str:
    """Listen with TLS and return the address.

    Raises:
        ServiceError: If certificate, key or token are missing or the port cannot be had.
    """
    if endpoint.certificate is None or endpoint.key is None or len(token) < MIN_TOKEN_LENGTH:
        raise ServiceError(
            f"The engine listens on {endpoint.address} only with a TLS certificate, its key and a "
            f"token of at least {MIN_TOKEN_LENGTH} characters; give --certificate, --key and "
            "--token-file."
        )
    try:
        pair = (endpoint.key.read_bytes(), endpoint.certificate.read_bytes())
    except OSError as error:
        raise ServiceError(
            f"The file {error.filename} cannot be read ({error.strerror}); "
            "give a certificate and a key in PEM form."
        ) from error
    return _bind(server, endpoint.address, grpc.ssl_server_credentials([pair]))


@contextmanager
def private_address() -> Iterator[str]:
    """Give an address that only this user can reach and remove its folder at the end."""
    if sys.platform == "win32":
        yield "127.0.0.1:0"
        return
    root = _socket_root()
    _remove_stale(root)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=root))  # mode 0700
    try:
        with _locked(folder):
            yield f"unix:{folder / SOCKET_NAME}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def listen_privately(server: grpc.Server, address: str) -> str:
    """Listen on a private address and return it, with the port that it got.

    Raises:
        ServiceError: If it cannot be had.
    """
    return _bind(server, address, None)


def _bind(server: grpc.Server, address: str, credentials: grpc.ServerCredentials | None) -> str:
    try:
        if credentials is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise ServiceError(
            f"The engine cannot listen on {address} ({error}); choose another address or port."
        ) from error
    return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"


def _socket_root() -> Path:
    """Return the first folder for sockets whose path is short enough for the kernel."""
    candidates = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"]
    for candidate in candidates:
        longest = Path(candidate) / (FOLDER_PREFIX + "x" * 8) / SOCKET_NAME
        if candidate and os.access(candidate, os.W_OK) and len(bytes(longest)) <= MAX_SOCKET_PATH:
            return Path(candidate)
    raise ServiceError(
        f"There is no writable folder with a short path for the engine's socket among "
        f"{', '.join(filter(None, candidates))}; set TMPDIR to one."
    )


if sys.platform != "win32":

    @contextmanager
    def _locked(folder: Path) -> Iterator[None]:
        """Hold the lock by which others see that the folder is in use, also from a container."""
        with (folder / LOCK_NAME).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _remove_stale(root: Path) -> None:
        """Remove the folders of engines that were killed."""
        for folder in root.glob(f"{FOLDER_PREFIX}*"):
            try:
                status = folder.stat()
                is_young = time.time() - status.st_mtime < MIN_STALE_AGE_S
                if status.st_uid != os.getuid() or is_young:
                    continue
                with (folder / LOCK_NAME).open("r+") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
                    logger.info("Removed %s, which a killed engine left behind", folder)
            except OSError:  # in use, not ours or just being made: leave it
                continue
