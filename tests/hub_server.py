"""A small server in the place of the hub: enough of its protocol to find and download checkpoints.

Use it through the fixture `hub` of `tests/conftest.py`, which sets `HF_ENDPOINT` to it.
"""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

API = re.compile(r"/api/models/([^/]+/[^/?]+)(?:/revision/([^?]+))?(?:\?.*)?")
RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/([^?]+)")
LFS_SUFFIXES = (".safetensors", ".bin", ".pth")


class HubServer:
    """Serves folders as repositories, and misbehaves where it is told to.

    Attributes:
        cut_after: Connections end after so many bytes of a large file; None for never.
        corrupts: How many more downloads of a large file have one wrong byte.
        is_down: Whether it answers every request with 503.
        requests: Method, path and `Range` of each request so far.
    """

    def __init__(self) -> None:
        self.cut_after: int | None = None
        self.corrupts = 0
        self.is_down = False
        self.requests: list[tuple[str, str, str]] = []
        self.tokens: list[str] = []
        self._repositories: dict[str, dict[str, Path]] = {}
        self._licences: dict[str, str] = {}
        self._gated: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = False
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )

    @property
    def address(self) -> str:
        """What `HF_ENDPOINT` is set to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def add(
        self, name: str, folder: Path, *, licence: str = "apache-2.0", gated: bool = False
    ) -> str:
        """Publish a folder as the newest commit of a repository; return the commit."""
        commits = self._repositories.setdefault(name, {})
        commit = hashlib.sha1(f"{name}{folder}{len(commits)}".encode()).hexdigest()
        commits[commit] = folder
        self._licences[name] = licence
        if gated:
            self._gated.add(name)
        return commit

    def ranges(self, file: str) -> list[str]:
        """Return the `Range` of each download of a file, empty for the whole of it."""
        return [asked for method, path, asked in self.requests if method == "GET" and file in path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def commit_of(self, name: str, revision: str) -> str | None:
        """Return the commit that a branch or a commit names."""
        commits = self._repositories.get(name, {})
        if revision in ("", "main"):
            return list(commits)[-1] if commits else None
        return revision if revision in commits else None

    def info(self, name: str, commit: str) -> dict[str, object]:
        """Return what the hub tells of a repository."""
        folder = self._repositories[name][commit]
        config = folder / "config.json"
        values = json.loads(config.read_text()) if config.is_file() else {}
        return {
            "id": name,
            "sha": commit,
            "gated": False,
            "cardData": {"license": self._licences[name]},
            "config": {"model_type": values["model_type"]} if "model_type" in values else {},
            "siblings": [_sibling(path) for path in sorted(folder.iterdir())],
        }

    def is_gated(self, name: str) -> bool:
        """Whether a repository is given only to those who accepted its terms."""
        return name in self._gated

    def has(self, name: str) -> bool:
        """Whether there is such a repository."""
        return name in self._repositories

    def file(self, name: str, commit: str, file: str) -> Path | None:
        """Return a file of a repository."""
        folder = self._repositories.get(name, {}).get(commit)
        path = folder / file if folder else None
        return path if path and path.is_file() else None


def _sibling(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    values: dict[str, object] = {"rfilename": path.name, "size": len(content)}
    if path.suffix in LFS_SUFFIXES:
        sha256 = hashlib.sha256(content).hexdigest()
        values["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 134}
        values["blobId"] = hashlib.sha1(sha256.encode()).hexdigest()
    else:
        values["blobId"] = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    return values


def _handler_of(hub: HubServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, *arguments: object) -> None:
            """Keep the terminal quiet."""

        def _answer(self, *, with_body: bool) -> None:
            hub.requests.append((self.command, self.path, self.headers.get("Range", "")))
            hub.tokens.append(self.headers.get("Authorization", ""))
            self.close_connection = True
            if hub.is_down:
                self._refuse(503, "")
            elif found := API.fullmatch(self.path):
                self._api(found[1], found[2] or "")
            elif found := RESOLVE.fullmatch(self.path):
                self._resolve(found[1], found[2], found[3], with_body)
            else:
                self._refuse(404, "EntryNotFound")

        def _api(self, name: str, revision: str) -> None:
            commit = hub.commit_of(name, revision)
            if not hub.has(name):
                self._refuse(401, "RepoNotFound")  # as the real one says to strangers
            elif hub.is_gated(name):
                self._refuse(401, "GatedRepo")
            elif commit is None:
                self._refuse(404, "RevisionNotFound")
            else:
                body = json.dumps(hub.info(name, commit)).encode()
                self._send(200, body, {"Content-Type": "application/json"}, True)

        def _resolve(self, name: str, revision: str, file: str, with_body: bool) -> None:
            commit = hub.commit_of(name, revision)
            path = hub.file(name, commit, file) if commit else None
            if path is None:
                self._refuse(404, "EntryNotFound")
                return
            content = path.read_bytes()
            headers = {
                "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
                "X-Repo-Commit": commit or "",
                "Accept-Ranges": "bytes",
            }
            status, begin = 200, 0
            if asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
                status, begin = 206, int(asked[1])
                headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            is_large = path.suffix in LFS_SUFFIXES
            if is_large and with_body and hub.corrupts:
                hub.corrupts -= 1
                content = content[:-1] + bytes([content[-1] ^ 1])
            cut = hub.cut_after if is_large else None
            self._send(status, content[begin:], headers, with_body, cut)

        def _refuse(self, status: int, code: str) -> None:
            self._send(status, b"", {"X-Error-Code": code} if code else {}, True)

        def _send(
            self,
            status: int,
            body: bytes,
            headers: dict[str, str],
            with_body: bool,
            cut_after: int | None = None,
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if with_body:
                self.wfile.write(body if cut_after is None else body[:cut_after])

    return Handler
