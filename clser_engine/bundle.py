"""Model bundles: a folder `<name>.clser-model` with a card and the files it names by hash.

Nothing in a bundle is executed: weights are safetensors, graphs are ONNX, the card is JSON.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs

from clser_engine.errors import BundleError, EngineError
from clser_engine.resources import resource_path
from clser_engine.types import ModelId

FORMAT_VERSION = 2  # 1 had graphs of one recording, and no encoders
SUFFIX = ".clser-model"
CARD = "card.json"
_HASHED = (".onnx", ".safetensors", ".json")
Kind = Literal["compact", "encoder"]
_REQUIRED = (
    "name", "classes", "sample_rate_hz", "frame_rate_hz", "look_ahead_ms", "receptive_field_ms",
    "corpora", "languages", "licence", "summary", "metrics", "files", "architecture", "graphs",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelCard:
    """What a bundle says of itself.

    Args:
        folder: The bundle.
        model_id: Name, and hash of the card (which holds the hash of each file).
        kind: `compact`, or `encoder`: a pretrained backbone with heads.
        classes: Emotion names in the order of the outputs.
        sample_rate_hz: Rate of the waveform that the graph takes.
        frame_rate_hz: Posteriors per second.
        look_ahead_ms: Audio after the end of a frame that its posterior needs.
        receptive_field_ms: Audio before a frame that its posterior may depend on.
        window_ms: The longest stretch that goes through the graph at once, context included; None
            where the model can be cut anywhere, with the same numbers.
        least_samples: The shortest waveform that the graph takes.
        corpora: Corpora that it was trained on.
        languages: Their languages.
        licence: Licence of the weights.
        summary: One sentence for a person.
        files: SHA-256 of each file by name.
        architecture: What the network is built with.
        values: The whole card as read.
    """

    folder: Path
    model_id: ModelId
    kind: Kind
    classes: tuple[str, ...]
    sample_rate_hz: int
    frame_rate_hz: float
    look_ahead_ms: float
    receptive_field_ms: float
    window_ms: float | None
    least_samples: int
    corpora: tuple[str, ...]
    languages: tuple[str, ...]
    licence: str
    summary: str
    files: dict[str, str]
    architecture: dict[str, Any]
    values: dict[str, Any]

    @property
    def hop_samples(self) -> int:
        """Samples per posterior."""
        return round(self.sample_rate_hz / self.frame_rate_hz)

    def count_frames(self, samples: int) -> int:
        """Return how many posteriors the graph gives for a recording of that many samples."""
        return max(0, samples - self.least_samples) // self.hop_samples + 1


def installed_bundles_folder() -> Path:
    """Return where installed bundles are; `CLSER_HOME` moves it."""
    home = os.environ.get("CLSER_HOME")
    root = Path(home) / "data" if home else platformdirs.user_data_path("clser-studio")
    return root / "models"


def find_bundle(name: str | Path) -> Path:
    """Return the folder of a model.

    Args:
        name: `default`, the name of an installed bundle, or a folder.

    Raises:
        BundleError: If there is none.
    """
    folder = Path(name)
    if folder.is_dir():
        return folder
    installed = installed_bundles_folder() / f"{name}{SUFFIX}"
    if installed.is_dir():
        return installed
    try:
        return resource_path("models", f"{name}{SUFFIX}")
    except EngineError:
        raise BundleError(
            f"No model {str(name)!r}: expected 'default', the name of an installed model "
            f"or a folder ending in {SUFFIX}."
        ) from None


def load_card(folder: Path) -> ModelCard:
    """Read and check the card of a bundle, without reading its other files.

    Raises:
        BundleError: If the folder holds no bundle, or one of a newer version.
    """
    try:
        raw = (folder / CARD).read_bytes()
    except OSError as error:
        raise BundleError(f"{folder} is no model: it has no readable {CARD}.") from error
    try:
        values = json.loads(raw)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BundleError(
            f"{folder / CARD} is damaged (no JSON); install the model again."
        ) from error
    if not isinstance(values, dict) or not isinstance(values.get("format_version"), int):
        raise BundleError(f"{folder} is no model: its {CARD} has no format_version.")
    if values["format_version"] > FORMAT_VERSION:
        raise BundleError(
            f"{folder} has format {values['format_version']}, and this program reads up to "
            f"{FORMAT_VERSION}; install a newer CLSER Studio."
        )
    missing = [key for key in _REQUIRED if key not in values]
    if missing:
        raise BundleError(f"{folder / CARD} is damaged: it lacks {missing[0]!r}.")
    kind = values.get("kind", "compact")
    if kind not in ("compact", "encoder"):
        raise BundleError(
            f"{folder / CARD} has the kind {kind!r}, and this program knows 'compact' and "
            f"'encoder'; install a newer CLSER Studio."
        )
    return ModelCard(
        folder=folder,
        model_id=ModelId(name=values["name"], sha256=hashlib.sha256(raw).hexdigest()),
        kind=kind,
        classes=tuple(values["classes"]),
        sample_rate_hz=values["sample_rate_hz"],
        frame_rate_hz=values["frame_rate_hz"],
        look_ahead_ms=values["look_ahead_ms"],
        receptive_field_ms=values["receptive_field_ms"],
        window_ms=values.get("window_ms"),
        least_samples=values.get("least_samples", 1),
        corpora=tuple(values["corpora"]),
        languages=tuple(values["languages"]),
        licence=values["licence"],
        summary=values["summary"],
        files=dict(values["files"]),
        architecture=dict(values["architecture"]),
        values=values,
    )


def verify_files(card: ModelCard) -> None:
    """Compare every file of a bundle with its hash.

    Raises:
        BundleError: If a file is missing or differs.
    """
    for name, expected in card.files.items():
        # A card must not reach out of its folder.
        if Path(name).name != name:
            raise BundleError(f"{card.folder / CARD} names {name!r}, which lies outside the model.")
        try:
            found = hash_bytes(card.folder / name)
        except OSError as error:
            raise BundleError(
                f"{card.folder / name} is missing; install the model again."
            ) from error
        if found != expected:
            raise BundleError(
                f"{card.folder / name} is damaged (its SHA-256 is not the card's); "
                f"install the model again."
            )


def hash_bytes(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_card(folder: Path, values: dict[str, Any]) -> None:
    """Add the hashes of the files in the folder and write the card, whole or not at all.

    Args:
        folder: Holds the other files already.
        values: Everything but `files` and `format_version`.
    """
    names = sorted(
        path.name for path in folder.iterdir() if path.suffix in _HASHED and path.name != CARD
    )
    card = {
        "kind": "encoder" if "backbone" in values else "compact",
        **values,  # a card read before may carry a version and hashes of its own
        "format_version": FORMAT_VERSION,
        "files": {name: hash_bytes(folder / name) for name in names},
    }
    partial = folder / f"{CARD}.partial"
    partial.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(folder / CARD)
