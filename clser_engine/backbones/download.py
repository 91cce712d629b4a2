"""Download of one file that goes on where it stopped, and is kept only if its hash is right.

The download of huggingface_hub begins anew after an interruption since its version 2, which is a
long wait for a checkpoint of gigabytes; this one asks for the rest.
"""

import errno
import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO

from clser_engine.errors import CheckpointError
from clser_engine.runtime import RunContext

CHUNK_BYTES = 1 << 18  # a quarter of a second at 1 MB/s: how often progress is told
TIMEOUT_S = 20.0
ATTEMPTS = 4  # connections in a row that bring nothing before it is given up
PAUSE_S = 0.5
PARTIAL = ".partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file that can be downloaded.

    Args:
        name: Its name in the folder.
        url: Where it is.
        size: Bytes.
        sha256: Its SHA-256 if that is known, else empty.
        git_hash: Its hash as a blob of git if that is known, else empty.
        token: Shown to the host of `url` and to no other; empty for none.
    """

    name: str
    url: str
    size: int
    sha256: str = ""
    git_hash: str = ""
    token: str = ""


def download(file: RemoteFile, folder: Path, context: RunContext) -> Path:
    """Download a file, or the rest of it, and check it.

    Args:
        file: What to download.
        folder: Where to; the unfinished file is kept there until it is whole.
        context: Gets the bytes so far; a cancelled download goes on later.

    Raises:
        CheckpointError: If the host cannot be reached, the disk is full, or what came is not what
            was promised even after it was fetched anew.
    """
    target, partial = folder / file.name, folder / f"{file.name}{PARTIAL}"
    if target.is_file() and is_intact(file, target):
        return target
    target.unlink(missing_ok=True)
    for begun_anew in (False, True):
        _fill(file, partial, context)
        if is_intact(file, partial):
            partial.replace(target)
            return target
        if begun_anew:
            break
        partial.unlink()
    partial.unlink()
    raise CheckpointError(
        f"{file.name} came damaged from {_host(file.url)} twice (its hash is not the promised one);"
        f" try again later."
    )


def size_of(url: str) -> int:
    """Return the bytes of a file on the web.

    Raises:
        CheckpointError: If its host cannot be reached or does not tell.
    """
    request = urllib.request.Request(url, method="HEAD", headers={"Accept-Encoding": "identity"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            return int(response.headers["Content-Length"])
    except (OSError, http.client.HTTPException, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{_host(url)} cannot be reached to fetch {url.rpartition('/')[2]}; check the network."
        ) from error


def is_intact(file: RemoteFile, path: Path) -> bool:
    """Whether a file has the size and the hash that were promised."""
    size = path.stat().st_size
    if size != file.size:
        return False
    with path.open("rb") as stream:
        if file.sha256:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
        if file.git_hash:
            digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
            digest.update(stream.read())
            return digest.hexdigest() == file.git_hash
    return True


def check_room(folder: Path, needed: int) -> None:
    """Check that the disk has room.

    Raises:
        CheckpointError: If it does not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise CheckpointError(
            f"The disk of {folder} has {megabytes(free)} free and {megabytes(needed)} are needed; "
            f"free some space, or set CLSER_HOME to a folder on another disk."
        )


def megabytes(size: int) -> str:
    """Return a size as a person reads it."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _fill(file: RemoteFile, partial: Path, context: RunContext) -> None:
    """Append to the unfinished file until it is whole."""
    attempts = 0
    while True:
        begun = partial.stat().st_size if partial.exists() else 0
        if begun == file.size and partial.exists():
            return
        if begun > file.size:
            partial.unlink()
            begun = 0
        try:
            _append(file, partial, begun, context)
            reason = "the connection ended early"
        except urllib.error.HTTPError as error:
            error.close()  # it holds the connection
            raise CheckpointError(
                f"{_host(file.url)} refuses {file.name} (HTTP {error.code}); try again later."
            ) from error
        except (OSError, http.client.HTTPException) as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                check_room(partial.parent, file.size)
                raise CheckpointError(
                    f"The disk of {partial.parent} is full; free some space."
                ) from error
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        gained = partial.exists() and partial.stat().st_size > begun
        if gained and partial.stat().st_size >= file.size:
            return
        attempts = 0 if gained else attempts + 1
        if attempts == ATTEMPTS:
            raise CheckpointError(
                f"{_host(file.url)} cannot be reached ({reason}); check the network and run the "
                f"same command again, which goes on where this one stopped."
            )
        context.sleep(PAUSE_S)


def _append(file: RemoteFile, partial: Path, begun: int, context: RunContext) -> None:
    headers = {"Accept-Encoding": "identity"}
    if begun:
        headers["Range"] = f"bytes={begun}-"
    if file.token:
        headers["Authorization"] = f"Bearer {file.token}"
    opener = urllib.request.build_opener(_SafeRedirect)
    request = urllib.request.Request(file.url, headers=headers)
    with opener.open(request, timeout=TIMEOUT_S) as response:
        # A host that knows no ranges sends everything again.
        goes_on = begun and response.status == http.client.PARTIAL_CONTENT
        with partial.open("ab" if goes_on else "wb") as stream:
            done, told = (begun if goes_on else 0), 0.0
            while chunk := response.read(CHUNK_BYTES):
                stream.write(chunk)
                done += len(chunk)
                if time.monotonic() - told > 0.1:
                    told = time.monotonic()
                    context.report(f"Downloading {file.name}", done, file.size)
    context.report(f"Downloading {file.name}", done, file.size)


class _SafeRedirect(urllib.request.HTTPRedirectHandler):
    """Follows to another host without showing it the token."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        if request is not None and _host(request.full_url) != _host(req.full_url):
            request.remove_header("Authorization")
        return request


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).netloc
