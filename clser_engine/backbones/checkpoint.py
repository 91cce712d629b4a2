"""A folder with a checkpoint of transformers: what is checked before any of it is loaded.

Nothing in a checkpoint is executed: weights are safetensors, settings are JSON, and the code is
that of the installed transformers, chosen by the name of the architecture.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clser_engine.bundle import hash_bytes
from clser_engine.errors import CheckpointError

FAMILIES = {
    "wav2vec2": "wav2vec 2.0, XLS-R and MMS",
    "hubert": "HuBERT",
    "wavlm": "WavLM",
    "data2vec-audio": "data2vec-audio",
    "wav2vec2-bert": "w2v-BERT 2.0",
    "whisper": "Whisper",
}
"""What transformers calls an architecture, and what people do."""

CONFIG = "config.json"
PREPROCESSORS = ("preprocessor_config.json", "processor_config.json")
WEIGHTS, WEIGHTS_INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
RECORD = "checkpoint.json"
SAMPLE_RATE_HZ = 16_000
NAMES_CODE = (
    "auto_map", "custom_pipelines", "quantization_config", "attn_implementation",
    "_attn_implementation", "_attn_implementation_internal", "experts_implementation",
    "_experts_implementation", "use_kernels",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A checkpoint on disk whose settings have been read.

    Args:
        folder: Where it lies.
        config: Its `config.json`, without any mention of code.
        preprocessor: Its `preprocessor_config.json`; empty if it has none.
        weights: The files of weights.
        record: What was noted when it was fetched: name, revision, licence; empty if it was not.
    """

    folder: Path
    config: dict[str, Any]
    preprocessor: dict[str, Any]
    weights: tuple[Path, ...]
    record: dict[str, Any]

    @property
    def architecture(self) -> str:
        """What transformers calls its architecture."""
        return str(self.config["model_type"])

    @property
    def licence(self) -> str:
        """Licence as its card tells it, or `unknown`."""
        return str(self.record.get("licence") or licence_of_card(self.folder) or "unknown")

    def fingerprint(self) -> str:
        """Return the SHA-256 of weights and settings."""
        noted = self.record.get("files", {})  # compared with the files when it was opened
        return fingerprint_of(
            {"config": self.config, "preprocessor": self.preprocessor},
            [noted.get(path.name) or hash_bytes(path) for path in self.weights],
        )


def fingerprint_of(settings: dict[str, Any], hashes: list[str]) -> str:
    """Return the SHA-256 of settings and of the hashes of the weights."""
    text = json.dumps({"settings": settings, "weights": hashes}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def open_checkpoint(folder: Path) -> Checkpoint:
    """Read the settings of a checkpoint and check that it is a speech encoder.

    Raises:
        CheckpointError: If it is none, is of an architecture that is not supported, or has its
            weights only as pickle.
    """
    config = read_settings(folder / CONFIG)
    check_architecture(config, str(folder))
    preprocessor: dict[str, Any] = {}
    for name in PREPROCESSORS:
        if (folder / name).is_file():
            values = read_settings(folder / name)
            preprocessor = values.get("feature_extractor", values)
            break
    rate = preprocessor.get("sampling_rate", SAMPLE_RATE_HZ)
    if rate != SAMPLE_RATE_HZ:
        raise CheckpointError(
            f"{folder} was trained on {rate} Hz, and backbones run at {SAMPLE_RATE_HZ} Hz."
        )
    weights = _find_weights(folder)
    return Checkpoint(
        folder=folder,
        config=without_code(config),
        preprocessor=preprocessor,
        weights=weights,
        record=read_record(folder),
    )


def check_architecture(config: dict[str, Any], name: str) -> None:
    """Refuse what is no speech encoder.

    Raises:
        CheckpointError: If the configuration is of another architecture, or of none.
    """
    found = config.get("model_type")
    if found not in FAMILIES:
        allowed = ", ".join(FAMILIES.values())
        raise CheckpointError(
            f"{name} is of the architecture {found!r}, which is no speech encoder that can be "
            f"used here; choose a checkpoint of {allowed}."
        )


def without_code(config: dict[str, Any]) -> dict[str, Any]:
    """Return settings without those by which transformers would fetch and run code."""
    return {key: value for key, value in config.items() if key not in NAMES_CODE}


def read_settings(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        CheckpointError: If it is missing or damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(
            f"{path.parent} is no checkpoint: it has no readable {path.name}."
        ) from error
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged (no JSON); fetch it again.") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path} is damaged (no JSON object); fetch it again.")
    return values


def read_record(folder: Path) -> dict[str, Any]:
    """Return what was noted when a checkpoint was fetched, its files compared; empty if nothing.

    Raises:
        CheckpointError: If a file is missing or differs from its record.
    """
    if not (folder / RECORD).is_file():
        return {}
    record = read_settings(folder / RECORD)
    for name, expected in record.get("files", {}).items():
        path = folder / Path(name).name
        if not path.is_file() or hash_bytes(path) != expected:
            raise CheckpointError(
                f"{path} is damaged (its SHA-256 is not the recorded one); run `clser models "
                f"remove {record.get('name')}` and fetch it again."
            )
    return record


def licence_of_card(folder: Path) -> str:
    """Return the licence in the heading of `README.md`, or nothing."""
    try:
        lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    if not lines or lines[0].strip() != "---":
        return ""
    for line in lines[1:]:
        if line.strip() == "---":
            break
        key, _, value = line.partition(":")
        if key.strip() == "license":
            return value.strip().strip("\"'")
    return ""


def _find_weights(folder: Path) -> tuple[Path, ...]:
    if (folder / WEIGHTS).is_file():
        return (folder / WEIGHTS,)
    if (folder / WEIGHTS_INDEX).is_file():
        names = read_settings(folder / WEIGHTS_INDEX).get("weight_map", {}).values()
        paths = tuple(folder / Path(name).name for name in sorted(set(names)))
        missing = next((path.name for path in paths if not path.is_file()), None)
        if missing:
            raise CheckpointError(f"{folder} lacks the file {missing}; fetch it again.")
        return paths
    pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES)
    if pickles:
        raise CheckpointError(
            f"{folder} holds its weights as pickle ({pickles[0]}), which can run code when it is "
            f"opened; turn it into safetensors with `clser models convert {folder} --out FOLDER`."
        )
    raise CheckpointError(f"{folder} has no weights: expected {WEIGHTS}.")
