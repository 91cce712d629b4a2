"""Tests of clser_engine.methods.sources: how much each class weighs."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from clser_engine.data.manifest import Utterance
from clser_engine.methods.sources import Sources


def test_a_class_weighs_the_more_the_more_rarely_it_is_drawn():
    spoken = [
        Utterance(path=Path("a.wav"), emotion=emotion, speaker="s", language="deu", corpus="c")
        for emotion in ("anger", "sadness", "sadness")
    ]
    batches = SimpleNamespace(draw=lambda epoch: [[0, 0, 1], [0, 2, 0]])  # anger four times of six
    sources = Sources(
        SimpleNamespace(utterances=spoken),
        3,
        ("sadness", "anger", "fear"),
        batches=batches,
        kept=None,
        data_hashes={},
        notes={},
    )

    sadness, anger, fear = sources.class_weights()

    assert (sadness, anger) == pytest.approx((6 / (3 * 2), 6 / (3 * 4)))
    assert fear == pytest.approx(6 / 3)  # nobody shows it: finite all the same
