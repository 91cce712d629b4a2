"""A checkpoint on the hub before it is downloaded: revision, licence, files and their sizes.

The hub is that of Hugging Face or whatever `HF_ENDPOINT` names; who is logged in with
`hf auth login` or has `HF_TOKEN` set is recognised. The library huggingface_hub is asked for that
alone: its requests tell the hub which program surrounds them, and its downloads begin anew after an
interruption.
"""

import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from clser_engine.backbones.checkpoint import (
    CONFIG,
    PICKLES,
    PREPROCESSORS,
    WEIGHTS,
    WEIGHTS_INDEX,
    check_architecture,
)
from clser_engine.backbones.download import RemoteFile
from clser_engine.errors import CheckpointError

PUBLIC_HUB = "https://huggingface.co"
HUB_NAME = r"[\w.-]+/[\w.-]+"
PICKLED_WEIGHTS = "pytorch_model.bin"
TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCheckpoint:
    """What can be downloaded, and under which terms.

    Args:
        name: `owner/name`.
        revision: The commit.
        asked: Branch, tag or commit that was asked for; empty for the newest.
        licence: Licence as the card tells it, or `unknown`.
        files: Only what is needed: settings and weights.
        is_pickled: Whether the weights are pickle and are turned into safetensors on arrival.
    """

    name: str
    revision: str
    asked: str
    licence: str
    files: tuple[RemoteFile, ...]
    is_pickled: bool

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def is_offline() -> bool:
    """Whether the environment asks for no network, as `HF_HUB_OFFLINE=1` does."""
    return os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in ("1", "true", "yes", "on")


def hub_address() -> str:
    """Return where the hub is."""
    return os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or PUBLIC_HUB


def inspect_checkpoint(
    name: str, revision: str | None = None, *, convert: bool = False
) -> RemoteCheckpoint:
    """Ask the hub what a checkpoint consists of; nothing is downloaded.

    Args:
        name: `owner/name`.
        revision: Branch, tag or commit; None means the newest.
        convert: Accept weights that exist only as pickle.

    Raises:
        CheckpointError: If the hub cannot be reached, has no such checkpoint or does not give it to
            this person, or if it is none that can be used.
    """
    address, token = hub_address(), _token()
    if not re.fullmatch(HUB_NAME, name):
        raise CheckpointError(f"Bad hub name: got {name!r}, expected owner/name.")
    info = _ask(address, name, revision, token)
    commit, config = str(info.get("sha", "")), info.get("config") or {}
    if "model_type" in config:
        check_architecture(config, name)
    siblings = {str(one["rfilename"]): one for one in info.get("siblings", ())}
    names, is_pickled = _needed(name, list(siblings), convert)
    card = info.get("cardData") or {}
    return RemoteCheckpoint(
        name=name,
        revision=commit,
        asked=revision or "",
        licence=str(card.get("license") or "unknown"),
        is_pickled=is_pickled,
        files=tuple(
            _remote_file(siblings[file], f"{address}/{name}/resolve/{commit}/{file}", token)
            for file in names
        ),
    )


def _remote_file(sibling: dict[str, Any], url: str, token: str) -> RemoteFile:
    large = sibling.get("lfs") or {}
    return RemoteFile(
        name=sibling["rfilename"],
        url=url,
        size=int(large.get("size", sibling.get("size")) or 0),
        sha256=large.get("sha256", ""),
        git_hash="" if large else sibling.get("blobId", ""),
        token=token,
    )


def _ask(address: str, name: str, revision: str | None, token: str) -> dict[str, Any]:
    """Return what the hub tells of a repository, each file with its size and hash."""
    at = f"/revision/{urllib.parse.quote(revision, safe='')}" if revision else ""
    url = f"{address}/api/models/{name}{at}?blobs=true"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            values: dict[str, Any] = json.load(response)
            return values
    except urllib.error.HTTPError as error:
        error.close()  # it holds the connection
        raise CheckpointError(_refusal(error, address, name, revision)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CheckpointError(
            f"{address} cannot be reached to fetch {name}; check the network, or use a folder."
        ) from error


def _refusal(error: urllib.error.HTTPError, address: str, name: str, revision: str | None) -> str:
    """Return what a refusal of the hub means."""
    code = error.headers.get("X-Error-Code", "")
    if code == "GatedRepo":
        return (
            f"{name} is given only to those who accept its terms; accept them on "
            f"{address}/{name}, log in with `hf auth login` and try again."
        )
    if code == "RevisionNotFound":
        return (
            f"{name} has no revision {revision!r} on {address}; give a branch, a tag or a commit."
        )
    if code == "RepoNotFound" or error.code in (401, 403, 404):  # strangers get 401 for nothing
        return (
            f"{address} has no checkpoint {name!r}, or shows it only to those who may see it; "
            f"check the spelling (owner/name), or log in with `hf auth login`."
        )
    return f"{address} refuses {name} (HTTP {error.code}); try again later."


def _token() -> str:
    """Return who this person is to the hub; empty if not logged in."""
    from huggingface_hub import get_token

    return get_token() or ""


def _needed(name: str, present: list[str], convert: bool) -> tuple[list[str], bool]:
    """Return the files to download, and whether the weights among them are pickle."""
    if CONFIG not in present:
        raise CheckpointError(
            f"{name} is no checkpoint of transformers: it has no {CONFIG} on the hub."
        )
    settings = [CONFIG, *(file for file in PREPROCESSORS if file in present)]
    if WEIGHTS in present:
        return [*settings, WEIGHTS], False
    if WEIGHTS_INDEX in present:
        shards = sorted(f for f in present if f.startswith("model-") and f.endswith(".safetensors"))
        return [*settings, WEIGHTS_INDEX, *shards], False
    pickles = sorted(file for file in present if file.endswith(PICKLES))
    if PICKLED_WEIGHTS in pickles and convert:
        return [*settings, PICKLED_WEIGHTS], True
    if PICKLED_WEIGHTS in pickles:
        raise CheckpointError(
            f"{name} offers its weights only as pickle ({PICKLED_WEIGHTS}), which can run code "
            f"when it is opened; add --convert to read its numbers without running anything and "
            f"keep them as safetensors."
        )
    raise CheckpointError(
        f"{name} has no weights that can be used: expected {WEIGHTS}"
        f"{', found ' + ', '.join(pickles[:3]) if pickles else ''}."
    )
