"""The whole way from manifests to a bundle."""

from functools import partial
from pathlib import Path
from typing import Any

from clser_engine.config.model_config import RunConfig
from clser_engine.data.features_cache import compute_features, join
from clser_engine.data.manifest import Utterance, read_manifest
from clser_engine.errors import ConfigError
from clser_engine.runtime import RunContext
from clser_engine.training.calibration import calibrate, describe
from clser_engine.training.compact import TrainingData, train_model
from clser_engine.training.familiarity import fit_familiarity, make_examples
from clser_engine.training.scoring import functionals_of
from clser_engine.training.write_bundle import write_bundle


def read_training_utterances(config: RunConfig) -> list[Utterance]:
    """Return the recordings of the run's manifests that have one of its classes.

    Raises:
        ManifestError: If a manifest is wrong.
        ConfigError: If there is no manifest or a class has no recording.
    """
    if not config.manifests:
        raise ConfigError("Bad manifests: got none, expected at least one.")
    root = Path(config.data_root)
    utterances = [
        utterance
        for name in config.manifests
        for utterance in read_manifest(root / name, emotions=config.classes, check_files=True)
    ]
    kept = [u for u in utterances if u.emotion in config.classes]
    for emotion in config.classes:
        if not any(u.emotion == emotion for u in kept):
            raise ConfigError(f"Bad classes: no recording of {emotion!r} is in the manifests.")
    return kept


def load_training_data(config: RunConfig, context: RunContext) -> TrainingData:
    """Return the features of the run's recordings as recorded, then as heard elsewhere."""
    utterances = read_training_utterances(config)
    # One corpus at a time, so that each is in the cache for every run that uses it.
    names = sorted({utterance.corpus for utterance in utterances})
    corpora = [[u for u in utterances if u.corpus == name] for name in names]
    versions = [
        join([compute_features(corpus, alteration, context) for corpus in corpora])
        for alteration in range(config.alterations + 1)
    ]
    return TrainingData(versions=versions, classes=config.classes)


def train_bundle(config: RunConfig, folder: Path, context: RunContext) -> dict[str, Any]:
    """Train, calibrate and write a bundle.

    Returns:
        The figures of the calibration, as they stand in the card.
    """
    data = load_training_data(config, context)
    model = train_model(data, config, context)
    recorded = data.versions[0]
    groups = describe(data)
    metrics: dict[str, Any] = {}
    examples = make_examples(
        partial(functionals_of, model),
        recorded.utterances,
        recorded.functionals,
        config.sounds,
        config.seed,
        context,
        altered=[version.functionals for version in data.versions[1:]],
    )
    familiarity, kept = fit_familiarity(examples)
    if config.calibrate and len(set(data.corpora)) > 1:
        calibration = calibrate(model, data, config, context)
        groups = calibration.groups
        metrics = {
            "protocol": "each training corpus held out in turn, the rest trained on; percent",
            **{k: round(v, 3) for k, v in (calibration.report | kept).items()},
        }
    write_bundle(
        model, config, recorded.utterances, metrics, folder, groups=groups, familiarity=familiarity
    )
    return metrics
