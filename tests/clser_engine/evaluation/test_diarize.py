"""Tests of clser_engine.evaluation.diarize, with a model that is known instead of trained."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from clser_engine.data.manifest import Utterance
from clser_engine.evaluation.diarize import (
    DiarizeFold,
    Draw,
    Hypotheses,
    _read_partial,
    draw_recordings,
    settings_of,
    sliding_windows,
    summarise_diarize,
    true_segments,
)
from clser_engine.inference.outputs import Outputs
from clser_engine.inference.smoothing import Smoothing
from clser_engine.training.concatenations import Concatenation, Span
from clser_engine.types import EmotionSegment

CLASSES = ("anger", "sadness")


@pytest.fixture
def utterances():
    return [
        Utterance(
            path=Path(f"/corpora/c/s{i % 4}/{i}.wav"), corpus="c", language="qaa",
            speaker=f"s{i % 4}", emotion=CLASSES[i // 4 % 2],
        )
        for i in range(24)
    ]  # fmt: skip


class LoudIsAnger:
    """Judges by the level of the samples alone."""

    def analyze(self, samples):
        return Outputs(None, None, np.float32([np.abs(samples).mean()]))

    def heads(self, functionals):
        logits = np.concatenate([functionals - 0.5, 0.5 - functionals], axis=1) * 20
        return logits, logits


def segment(start_s, end_s, emotion):
    return EmotionSegment(start_s=start_s, end_s=end_s, emotion=emotion)


def test_equal_seeds_draw_the_same_recordings(utterances):
    first, again = (draw_recordings(utterances, 5, 3) for _ in range(2))

    assert first == again
    assert first != draw_recordings(utterances, 5, 4)
    assert len({draw.seed for draw in first}) == 5


def test_the_truth_is_cut_at_pauses_and_keeps_the_ends_of_clips():
    speech = np.zeros(100, bool)
    speech[10:30] = speech[35:50] = speech[65:80] = True  # pauses of 0.2 s and 0.6 s
    made = Concatenation(
        samples=np.zeros(64_000, np.float32),
        spans=(
            Span(start=6500, end=23_000, label=0),
            Span(start=23_000, end=51_100, label=1),
        ),
        speech=speech,
    )

    found = true_segments(made, CLASSES)

    assert [(s.emotion, s.start_s, s.end_s) for s in found] == [
        ("anger", pytest.approx(6500 / 16_000), pytest.approx(23_000 / 16_000)),
        ("sadness", pytest.approx(23_000 / 16_000), pytest.approx(2.0)),
        ("sadness", pytest.approx(2.6), pytest.approx(51_100 / 16_000)),
    ]


def test_windows_say_of_each_frame_what_the_windows_over_it_say():
    samples = np.concatenate([np.ones(32_000), np.zeros(32_000)]).astype(np.float32)

    labels = sliding_windows(LoudIsAnger(), samples, 100, 1.0)

    # Starts 0, 0.5 … 3 s; the one from 1.5 s is as loud as quiet.
    assert (labels[:45] == 0).all()
    assert (labels[55:] == 1).all()
    assert (sliding_windows(LoudIsAnger(), samples[:8000], 13, 1.0) == 0).all()


def fold(target, errors):
    """Two speakers, one recording each; `errors` seconds of ten are wrong in ours."""
    reference = (segment(0, 5, "anger"), segment(5, 10, "sadness"))
    hypotheses = []
    for wrong_s in errors:
        ours = (segment(0, 5 + wrong_s, "anger"), segment(5 + wrong_s, 10, "sadness"))
        found = {"ours": ours, "frames": ours, "oracle": reference, "oracle_relative": reference}
        found["majority"] = (segment(0, 10, "anger"),)
        for number, name in enumerate(("1", "1.5", "2", "3", "4")):
            edge_s = 7 + number * 0.1
            found[f"windows_{name}s"] = (
                segment(0, edge_s, "anger"), segment(edge_s, 10, "sadness"),
            )  # fmt: skip
        hypotheses.append(Hypotheses(duration_s=12.5, reference=reference, found=found))
    draws = [
        Draw(clips=("/x/c/a.wav", "/x/c/b.wav"), speaker=f"s{i}", seed=i)
        for i in range(len(errors))
    ]
    return DiarizeFold(target=target, training_hash="0", draws=draws, hypotheses=hypotheses)


def test_figures_are_means_over_corpora_with_intervals_over_speakers():
    folds = [fold("one", [0.1, 1.0]), fold("two", [0.0, 0.0])]

    figures, rows = summarise_diarize(folds, resamples=200)

    assert rows[0]["eder"] == pytest.approx(4.4)  # 1.1 of two recordings of 12.5 s
    assert rows[0]["confusion"] == pytest.approx(4.4)
    assert rows[0]["eder_of_speech"] == pytest.approx(5.5)
    assert (rows[0]["missed"], rows[0]["false_alarm"]) == (0, 0)
    assert rows[1]["eder"] == 0
    assert figures["eder"] == pytest.approx(2.2)
    assert figures["eder_majority"] == pytest.approx(40)
    assert figures["eder_windows"] == pytest.approx(16)
    assert figures["eder_windows_of_speech"] == pytest.approx(20)
    assert rows[0]["window"] == "1s"
    assert figures["eder_oracle_boundaries"] == 0
    assert figures["gain"] == pytest.approx(13.8)
    assert 0 <= figures["eder_low"] <= figures["eder"] <= figures["eder_high"] <= 4.0 + 1e-9
    # Of the two changes of corpus one the first is within 200 ms; in corpus two both are.
    assert figures["boundary_f1_200ms"] == pytest.approx((50 + 100) / 2)


def test_the_settings_hold_the_draws():
    folds = [fold("one", [0.1]), fold("two", [0.0])]

    settings = settings_of(Smoothing(), folds, 7)

    assert settings["draws"]["one"][0]["clips"] == ["c/a.wav", "c/b.wav"]
    assert settings["draw_seed"] == 7
    assert settings["draws_sha256"] == settings_of(Smoothing(), folds, 7)["draws_sha256"]
    assert settings["draws_sha256"] != settings_of(Smoothing(), folds[:1], 7)["draws_sha256"]


def test_a_fold_that_was_written_is_read_again_and_a_cut_line_is_not(tmp_path):
    path = tmp_path / "x.partial.jsonl"
    kept = fold("one", [0.1, 1.0])
    lines = [json.dumps({"key": key, **asdict(kept)}) for key in ("a", "b")]
    path.write_text("\n".join([lines[0], lines[1].replace('"one"', '"two"'), lines[0][:60]]))

    found = _read_partial(path, "a")

    assert found.keys() == {"one"}
    assert found["one"].draws == kept.draws
    assert found["one"].hypotheses[1].found == kept.hypotheses[1].found
    assert found["one"].hypotheses[1].reference == kept.hypotheses[1].reference
    assert _read_partial(tmp_path / "none", "a") == {}
