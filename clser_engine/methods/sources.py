"""The sources of a run: labelled recordings, speakers held out of them, and what a model says.

Early stopping and calibration hear speakers of the sources that training does not; nothing here
reads a target.

Shapes: N recordings, D embedding size, C classes.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from clser_engine.backbones.backbone import Backbone, EncodedFrames
from clser_engine.backbones.lora import LoraSettings
from clser_engine.backbones.registry import load_backbone
from clser_engine.bundle import hash_bytes
from clser_engine.config.sections import BackboneSettings, ModelSettings
from clser_engine.data.decoded_audio import SAMPLE_RATE_HZ, DecodedAudio, decode_audio
from clser_engine.data.manifest import Utterance, read_manifest
from clser_engine.data.splits import require_classes, split_by_speaker
from clser_engine.errors import ConfigError
from clser_engine.methods.kept_frames import (
    MOST_BYTES,
    KeptFrames,
    bytes_needed,
    keep_frames,
    whole_samples,
)
from clser_engine.methods.method import Batch, Embedded, Processes, RunSettings
from clser_engine.methods.waveform_batches import WaveformBatches
from clser_engine.models.encoder_classifier import EncoderClassifier
from clser_engine.runtime import RunContext
from clser_engine.types import FloatArray

EMBED_BATCH_S = 60.0  # seconds of audio, padding included, that are embedded at once


class EncoderRun(RunSettings, Protocol):
    """A run with one backbone."""

    @property
    def backbone(self) -> BackboneSettings:
        """The frame encoder."""


class Sources:
    """Decoded recordings of the sources with their frames, if these were kept.

    Args:
        audio: Training and held-out recordings.
        num_train: The first so many are for training.
        classes: Emotion names, length C.
        batches: Training batches.
        kept: Frames of all recordings.
        data_hashes: Of manifests and audio.
        notes: What the run folder keeps.
    """

    def __init__(
        self,
        audio: DecodedAudio,
        num_train: int,
        classes: Sequence[str],
        *,
        batches: WaveformBatches,
        kept: KeptFrames | None,
        data_hashes: dict[str, str],
        notes: dict[str, Any],
    ) -> None:
        self.audio = audio
        self.classes = tuple(classes)
        self.batches = batches
        self.data_hashes = data_hashes
        self.notes = notes
        self._num_train = num_train
        self._kept = kept

    def encode(self, backbone: Backbone, batch: Batch) -> EncodedFrames:
        """Return the frames of a batch, kept ones where there are any."""
        if self._kept is not None:
            return self._kept.encoded(batch["frames"], batch["num_frames"])
        encoded: EncodedFrames = backbone(batch["waveform"], batch["lengths"])
        return encoded

    def class_weights(self) -> FloatArray:
        """Return (C,) weights so that each class counts alike, however often it is drawn.

        Counted over the first epoch; 1 on average over what is drawn. Batches that are balanced
        over emotions have weights near 1.
        """
        drawn = Counter(
            self.audio.utterances[index].emotion
            for batch in self.batches.draw(0)
            for index in batch
        )
        total = sum(drawn.values())
        weights = [total / (len(self.classes) * max(1, drawn[name])) for name in self.classes]
        return np.array(weights, dtype=np.float32)

    @torch.no_grad()
    def embed(
        self, model: EncoderClassifier, which: Literal["train", "validation"], processes: Processes
    ) -> Embedded:
        """Return what a model says about whole recordings; the processes share the work.

        Args:
            model: In evaluation mode.
            which: The recordings for training or the held-out ones.
            processes: Those of the run.
        """
        first = 0 if which == "train" else self._num_train
        last = self._num_train if which == "train" else len(self.audio)
        size, num_classes = model.num_functionals, len(self.classes)
        rows = torch.zeros(last - first, size + 2 * num_classes, device=processes.device)
        longest = whole_samples(model.backbone)
        shares = self._by_length(first, last, longest)[processes.rank :: processes.count]
        for indices in shares:
            batch = self.batches.load_whole(indices, longest)
            batch = {name: values.to(processes.device) for name, values in batch.items()}
            encoded = self.encode(model.backbone, batch)
            scores = model.score(encoded)
            frames = scores.frame_logits.masked_fill(~encoded.mask[:, :, None], 0.0).sum(dim=1)
            frames = frames / encoded.mask.sum(dim=1, keepdim=True)  # (B, C)
            found = torch.cat([scores.embedding, scores.logits, frames], dim=1).float()
            rows[torch.tensor(indices, device=processes.device) - first] = found
        found_rows: FloatArray = processes.sum(rows).cpu().numpy()
        utterances = self.audio.utterances[first:last]
        return Embedded(
            utterances=utterances,
            embeddings=found_rows[:, :size],
            logits=found_rows[:, size : size + num_classes],
            frame_logits=found_rows[:, size + num_classes :],
            emotions=class_indices(utterances, self.classes),
        )

    def _by_length(self, first: int, last: int, longest: int) -> list[list[int]]:
        """Return recordings in batches of like length and of a bounded number of seconds."""
        batches: list[list[int]] = [[]]
        for index in sorted(range(first, last), key=self.audio.num_samples):
            seconds = min(self.audio.num_samples(index), longest) / SAMPLE_RATE_HZ
            if batches[-1] and seconds * (len(batches[-1]) + 1) > EMBED_BATCH_S:
                batches.append([])
            batches[-1].append(index)
        return batches


def class_indices(utterances: Sequence[Utterance], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return the class (N,) of each recording."""
    return np.array([list(classes).index(u.emotion) for u in utterances], dtype=np.int64)


def put_heads_on_backbone(
    backbone: BackboneSettings,
    model: ModelSettings,
    classes: Sequence[str],
    seed: int,
    context: RunContext,
) -> EncoderClassifier:
    """Return new heads on a pretrained backbone; their numbers depend on the seed alone."""
    lora = backbone.lora
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = load_backbone(
            backbone.name,
            revision=backbone.revision,
            offline=True,  # `clser models fetch` shows licence and size before it downloads
            tuning=backbone.tuning,
            lora=LoraSettings(
                rank=lora.rank,
                alpha=lora.alpha,
                dropout=lora.dropout,
                feed_forward=lora.feed_forward,
            ),
            context=context,
        )
        return EncoderClassifier(
            encoder,
            classes,
            pooling=model.pooling,
            layer=backbone.layer,
            embedding_size=model.embedding_size,
            dropout=model.dropout,
        )


def read_utterances(run: RunSettings) -> tuple[list[Utterance], dict[str, str]]:
    """Return the recordings of the run's classes, and the hash of each manifest.

    Raises:
        ManifestError: If a manifest is wrong.
        ConfigError: If there is no manifest.
    """
    if not run.data.manifests:
        raise ConfigError("Bad data.manifests: got none, expected at least one manifest.")
    utterances: list[Utterance] = []
    hashes: dict[str, str] = {}
    for name in run.data.manifests:
        path = Path(run.data.root) / name
        rows = read_manifest(path, emotions=run.classes, check_files=True)
        utterances += [utterance for utterance in rows if utterance.emotion in run.classes]
        hashes[name] = hash_bytes(path)
    return utterances, hashes


def load_sources(
    run: EncoderRun, model: EncoderClassifier, processes: Processes, context: RunContext
) -> Sources:
    """Read, split and decode the sources, and keep the frames of a frozen backbone.

    Raises:
        ManifestError: If a manifest is wrong, a class has no recording or no speaker can be held
            out.
        AudioError: If a recording cannot be read.
        ConfigError: If there is no manifest, or stretches are longer than the backbone takes.
        EngineError: If the cache cannot be written.
    """
    longest_s = float(model.backbone.encoder.window_s)
    if run.data.longest_s > longest_s:
        raise ConfigError(
            f"Bad data.longest_s: got {run.data.longest_s:g}, expected at most {longest_s:g} with "
            f"the backbone {model.backbone.name}."
        )
    utterances, hashes = read_utterances(run)
    require_classes({"the manifests": utterances}, run.classes)
    split = split_by_speaker(utterances, run.data.validation_share, run.seed)
    require_classes({"training": split.train}, run.classes)
    backbone = model.backbone
    with processes.first_alone():
        audio = decode_audio([*split.train, *split.validation], context)
        kept = None
        needed = bytes_needed(audio, backbone, run.backbone.layer)
        may_keep = run.backbone.keep_frames and run.backbone.tuning == "frozen"
        if may_keep and needed <= MOST_BYTES:
            backbone.to(processes.device)
            kept = keep_frames(audio, backbone, run.backbone.layer, processes.device, context)
    emotions = class_indices(audio.utterances, run.classes)
    num_train = len(split.train)
    batches = WaveformBatches(
        audio,
        emotions,
        run.data,
        num_train=num_train,
        batch_size=run.training.batch_size,
        seed=run.seed,
        least_samples=backbone.least_samples,
        kept=kept,
    )
    return Sources(
        audio,
        num_train,
        run.classes,
        batches=batches,
        kept=kept,
        data_hashes=hashes | {f"audio/{k}": v for k, v in audio.corpus_hashes().items()},
        notes={
            "training_recordings": num_train,
            "validation_recordings": len(split.validation),
            "validation_speakers": sorted({u.speaker_key for u in split.validation}),
            "seconds": round(sum(map(audio.num_samples, range(len(audio)))) / SAMPLE_RATE_HZ, 1),
            "frames_kept_bytes": needed if kept is not None else 0,
            "backbone": {
                "name": backbone.name,
                "fingerprint": backbone.fingerprint,
                "licence": backbone.licence,
                "tuning": run.backbone.tuning,
            },
        },
    )
