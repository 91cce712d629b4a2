"""Audio that was sent from another computer, stored under the hash of its bytes alone."""

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from clser_engine.errors import AudioError, ServiceError
from clser_engine.service import engine_pb2 as pb
from clser_engine.service.folder_budget import FolderBudget

logger = logging.getLogger(__name__)

SHA256_BYTES = 32
MAX_UPLOAD_BYTES = 2 * 1024**3
MAX_STORED_BYTES = 20 * 1024**3


class Uploads:
    """Receives and finds uploaded recordings.

    Args:
        folder: Made when first written to.
        max_upload_bytes: Largest recording that is taken.
        max_stored_bytes: Size above which the recordings not used for longest are removed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_upload_bytes: int = MAX_UPLOAD_BYTES,
        max_stored_bytes: int = MAX_STORED_BYTES,
    ) -> None:
        self.max_upload_bytes = max_upload_bytes
        self._folder = folder
        self._budget = FolderBudget(folder, max_stored_bytes)

    def find(self, sha256: bytes) -> Path:
        """Return the file of an uploaded recording.

        Raises:
            ServiceError: If it was never uploaded, or removed since.
        """
        path = self._path(sha256)
        if not path.is_file():
            raise ServiceError(
                f"The engine does not have the recording {sha256.hex()[:12]}…; upload it first."
            )
        self._budget.touch(path)
        return path

    def receive(self, parts: Iterable[pb.UploadPart]) -> bool:
        """Store a recording; return False if it was there already.

        Raises:
            ServiceError: If it is too large or does not arrive as announced.
            AudioError: If the disk has no room for it.
        """
        remaining = iter(parts)
        header = _header(remaining)
        if header.size > self.max_upload_bytes:
            raise ServiceError(
                f"The recording has {header.size} bytes, the engine takes at most "
                f"{self.max_upload_bytes}; cut it into shorter ones."
            )
        path = self._path(header.sha256)
        if path.is_file():
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".partial")
            partial = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    _write(file.write, remaining, header)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
            self._budget.add(path)
        except OSError as error:
            raise AudioError(
                f"The engine cannot store the recording in {self._folder} ({error.strerror}); "
                "make room on that disk."
            ) from error
        return True

    def _path(self, sha256: bytes) -> Path:
        if len(sha256) != SHA256_BYTES:
            raise ServiceError(
                f"A recording's hash has {SHA256_BYTES} bytes, got {len(sha256)}; "
                "install the same version of the engine and the studio."
            )
        return self._folder / sha256.hex()


def _header(parts: Iterator[pb.UploadPart]) -> pb.UploadHeader:
    first = next(parts, None)
    if first is None or first.WhichOneof("part") != "header":
        raise ServiceError(
            "An upload starts with the recording's hash and size, which are missing; "
            "install the same version of the engine and the studio."
        )
    return first.header


def _write(
    write: Callable[[bytes], int], parts: Iterator[pb.UploadPart], header: pb.UploadHeader
) -> None:
    hasher, size = hashlib.sha256(), 0
    for part in parts:
        size += len(part.data)
        if size > header.size:  # never more on disk than was announced and allowed
            break
        hasher.update(part.data)
        write(part.data)
    if size != header.size or hasher.digest() != header.sha256:
        raise ServiceError(
            f"The upload did not arrive as announced ({size} of {header.size} bytes, hash "
            f"{'right' if hasher.digest() == header.sha256 else 'wrong'}); send it again."
        )
