"""A pretrained frame encoder with heads: emotion of every frame and of the recording.

Shapes: B recordings, N samples, T frames, H hidden size, D embedding size, C classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clser_engine.backbones.backbone import Backbone, EncodedFrames
from clser_engine.models.embedding_heads import EmbeddingHeads
from clser_engine.models.layer_mix import LayerMix
from clser_engine.models.pooling import Pooling, build_pooling

ACTIVE_BELOW_PEAK_DB = 35.0
SILENCE_DB = -80.0
POWER_FLOOR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """What the heads say about encoded frames.

    Args:
        frame_logits: (B, T, C).
        embedding: (B, D) of the recording.
        logits: (B, C) of the recording by itself.
    """

    frame_logits: Tensor
    embedding: Tensor
    logits: Tensor


class EncoderClassifier(nn.Module):
    """Backbone, mixture of its layers, a head on frames and two on the pooled embedding.

    The embedding takes the place of the compact model's functionals: the head `project` reads it in
    deviations from the statistics of the recordings around it.

    Args:
        backbone: The encoder.
        classes: Emotion names, length C.
        pooling: How frames become one vector.
        layer: Layer of the backbone to read; None learns a mixture of all.
        embedding_size: D.
        dropout: Share of embedding and frames left out in training.
    """

    frame_temperature: Tensor

    def __init__(
        self,
        backbone: Backbone,
        classes: Sequence[str],
        *,
        pooling: Pooling = "mean_std",
        layer: int | None = None,
        embedding_size: int = 256,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.classes = tuple(classes)
        self.settings: dict[str, Any] = {
            "pooling": pooling,
            "layer": layer,
            "embedding_size": embedding_size,
            "dropout": dropout,
        }
        """What builds this network again around the same backbone."""
        self.backbone = backbone
        self.mix = LayerMix(backbone.num_layers, layer)
        self.norm = nn.LayerNorm(backbone.hidden_size)
        self.pooling = build_pooling(pooling, backbone.hidden_size)
        self.project = nn.Sequential(
            nn.Linear(self.pooling.size, embedding_size), nn.GELU(), nn.LayerNorm(embedding_size)
        )
        self.dropout = nn.Dropout(dropout)
        self.frame_head = nn.Linear(backbone.hidden_size, len(classes))
        self.register_buffer("frame_temperature", torch.ones(1))
        self.heads = EmbeddingHeads(embedding_size, len(classes))

    @property
    def num_functionals(self) -> int:
        """D."""
        return int(self.settings["embedding_size"])

    @property
    def least_samples(self) -> int:
        """The shortest recording that can be analysed."""
        return self.backbone.least_samples

    @property
    def frame_rate_hz(self) -> float:
        """Posteriors per second."""
        return self.backbone.frame_rate_hz

    def forward(
        self, waveform: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Analyse whole recordings.

        Args:
            waveform: (B, N) at 16 kHz.
            lengths: (B,) real samples of each; None means all N.

        Returns:
            Frame posteriors (B, T, C), speech of each frame (B, T), embedding (B, D) and calibrated
            utterance logits (B, C) of each recording by itself.
        """
        encoded = self.backbone(waveform, lengths)
        scores = self.score(encoded)
        posteriors = (scores.frame_logits / self.frame_temperature).softmax(dim=2)
        speech = self.speech(waveform, encoded.mask)
        return posteriors, speech, scores.embedding, scores.logits

    def score(self, encoded: EncodedFrames) -> Scores:
        """Apply the heads to frames that are encoded already."""
        frames = self.norm(self.mix(encoded.layers))  # (B, T, H)
        frame_logits = self.frame_head(self.dropout(frames))
        embedding = self.project(self.pooling(frames, encoded.mask))  # (B, D)
        logits = self.heads.classify(self.dropout(embedding))
        return Scores(frame_logits=frame_logits, embedding=embedding, logits=logits)

    def speech(self, waveform: Tensor, mask: Tensor) -> Tensor:
        """Return 1 where a frame is within 35 dB of the recording's loudest and 0 elsewhere.

        This is loudness, not a voice activity model: music and noise count as speech.

        Args:
            waveform: (B, N).
            mask: (B, T) frames that lie inside their recording.
        """
        hop = round(16_000 / self.backbone.frame_rate_hz)
        power = F.pad(waveform, (0, 2 * hop)).square()  # the last frame may reach over the end
        energy = F.avg_pool1d(power[:, None], hop, stride=hop)[:, 0, : mask.shape[1]]  # (B, T)
        level_db = 10 * torch.log10(energy + POWER_FLOOR)
        peak = level_db.masked_fill(~mask, -200.0).amax(dim=1, keepdim=True)
        is_active = mask & (level_db > peak - ACTIVE_BELOW_PEAK_DB) & (level_db > SILENCE_DB)
        return is_active.to(waveform.dtype)
