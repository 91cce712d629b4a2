"""Tests of clser_engine.training.speech and frames, on the toy corpus of tones."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from clser_engine.audio.features import FrameDescriptors
from clser_engine.audio.read import read_mono
from clser_engine.data.manifest import read_manifest
from clser_engine.models.frame_branch import FrameBranch
from clser_engine.models.speech_branch import SpeechBranch
from clser_engine.runtime import RunContext
from clser_engine.training import frames as frames_module
from clser_engine.training.concatenations import NOBODY, compose
from clser_engine.training.frames import _choose, train_frames
from clser_engine.training.speech import _draw, _step_power, examples_of, train_speech

CLASSES = ("anger", "sadness")


@pytest.fixture(scope="module")
def utterances(toy_corpora):
    return [
        u for name in ("one", "two") for u in read_manifest(toy_corpora / name / "manifest.csv")
    ]


def describe(samples):
    with torch.inference_mode():
        return FrameDescriptors().eval()(torch.from_numpy(samples)[None])


def test_a_trained_branch_hears_where_somebody_speaks(utterances):
    torch.manual_seed(0)
    branch = SpeechBranch()
    train_speech(branch, utterances, count=16, steps=150, seed=0, context=RunContext())
    silence = np.zeros(16_000, np.float32)
    voice = read_mono(utterances[0].path)[:9600]
    samples = np.concatenate([silence, voice, silence])

    with torch.inference_mode():
        found = branch(describe(samples))[0].sigmoid().numpy()

    assert found[2:23].max() < 0.5
    assert found[28:38].min() > 0.5
    assert found[45:].max() < 0.5
    assert not branch.training


def test_examples_of_speech_are_as_long_as_what_they_say(utterances):
    for example in examples_of(utterances[:16], 10, 3):
        assert example.descriptors.shape == (2 * len(example.speech), 69)
        assert example.clear.shape == example.speech.shape
    assert examples_of(utterances[:16], 10, 3) is examples_of(utterances[:16], 10, 3)


def test_some_examples_have_nobody_in_them(utterances):
    rng = np.random.default_rng(0)
    read = {}
    drawn = [_draw(utterances, read, rng) for _ in range(40)]

    silent = [samples for samples, speech, _ in drawn if not speech.any()]
    assert 6 <= len(silent) <= 26  # 16 are expected
    assert all(np.abs(samples).max() <= 1.001 for samples, _, _ in drawn)
    assert all(np.isfinite(samples).all() for samples, _, _ in drawn)


def test_only_speech_can_be_drowned(utterances):
    rng = np.random.default_rng(1)
    drawn = [_draw(utterances, {}, rng) for _ in range(40)]

    drowned = [(speech, ~clear) for _, speech, clear in drawn if not clear.all()]
    assert drowned
    assert all(speech[hidden].all() for speech, hidden in drowned)
    assert np.mean([clear.mean() for _, _, clear in drawn]) > 0.8


def test_the_power_of_a_step_is_the_mean_of_its_samples_and_of_nothing_after_the_end():
    samples = np.random.default_rng(0).standard_normal(1500).astype(np.float32)

    found = _step_power(samples)

    expected = [sum(float(x) ** 2 for x in samples[i : i + 640]) / 640 for i in (0, 640, 1280)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_drowned_speech_teaches_nothing(utterances, monkeypatch):
    made = examples_of(utterances[:16], 10, 3)
    trained = []
    for flip in ("none", "drowned", "clear"):
        changed = []
        for example in made:
            clear = np.arange(len(example.speech)) % 5 > 0
            flipped = {"none": np.zeros_like(clear), "drowned": ~clear, "clear": clear}[flip]
            changed.append(replace(example, speech=example.speech ^ flipped, clear=clear))
        monkeypatch.setattr("clser_engine.training.speech.examples_of", lambda *_, c=changed: c)
        torch.manual_seed(0)
        branch = SpeechBranch()
        train_speech(branch, utterances[:16], steps=3, seed=0, context=RunContext())
        trained.append(branch.input.weight.detach().clone())

    assert torch.equal(trained[0], trained[1])
    assert not torch.equal(trained[0], trained[2])


def test_a_trained_branch_follows_a_change(utterances):
    torch.manual_seed(0)
    branch = FrameBranch(2)
    train_frames(branch, utterances, CLASSES, count=25, shrinkage=0.7, seed=0, context=RunContext())
    clips = [
        np.concatenate([read_mono(u.path) for u in utterances if u.emotion == emotion][:3])
        for emotion in CLASSES
    ]
    made = compose(clips, [0, 1], np.random.default_rng(0))

    with torch.inference_mode():
        labels = branch(describe(made.samples))[0].argmax(dim=1).numpy()

    wanted = made.step_labels()
    assert (labels == wanted)[wanted != NOBODY].mean() > 0.75
    assert set(labels[wanted != NOBODY].tolist()) == {0, 1}


def test_frames_are_chosen_that_have_heard_enough():
    labels = np.array([NOBODY] * 4 + [0] * 40 + [1] * 40)
    active = np.ones(84, bool)
    active[30:34] = False

    for seed in range(8):
        chosen = _choose(labels, active, np.random.default_rng(seed))

        usable = [t for t in range(84) if (12 <= t < 30 or 34 <= t < 44 or t >= 52)]
        assert set(chosen.tolist()) <= set(usable)
        positions = [usable.index(t) for t in chosen]
        assert set(np.diff(positions)) == {frames_module.EVERY_STEPS}
