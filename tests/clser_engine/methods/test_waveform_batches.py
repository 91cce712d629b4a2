"""Tests of clser_engine.methods.waveform_batches, kept_frames and what lies on disk below them."""

import itertools
from collections import Counter

import numpy as np
import pytest
import soundfile
import torch

from clser_engine.backbones.registry import load_backbone
from clser_engine.config.sections import DataSettings
from clser_engine.data.decoded_audio import decode_audio
from clser_engine.data.manifest import Utterance
from clser_engine.data.row_store import make_store, store_folder
from clser_engine.data.samplers import BalancedBatches
from clser_engine.errors import AudioError, EngineError
from clser_engine.methods.kept_frames import bytes_needed, keep_frames
from clser_engine.methods.method import Part
from clser_engine.methods.waveform_batches import WaveformBatches
from clser_engine.runtime import RunContext

RATE = 16_000
NUM = 40


@pytest.fixture(scope="module")
def utterances(tmp_path_factory):
    """Forty recordings of 0.2 to 2 s, in two emotions and two languages of unequal size."""
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    found = []
    for index in range(NUM):
        path = folder / f"{index:02d}.wav"
        samples = 0.1 * rng.standard_normal(round(RATE * rng.uniform(0.2, 2.0)))
        soundfile.write(path, samples, RATE, subtype="FLOAT")
        language = "deu" if index % 4 else "pol"
        emotion = "anger" if index % 3 else "neutral"
        found.append(
            Utterance(path=path, emotion=emotion, speaker=str(index % 5), language=language,
                      corpus=language)
        )  # fmt: skip
    return found


@pytest.fixture
def audio(utterances):
    return decode_audio(utterances, RunContext())


def batches_of(audio, *, longest_s=1.0, num_train=NUM, kept=None, seed=3):
    emotions = np.array([int(u.emotion == "neutral") for u in audio.utterances])
    settings = DataSettings(longest_s=longest_s, balance=("emotion", "language"))
    return WaveformBatches(
        audio, emotions, settings, num_train=num_train, batch_size=8, seed=seed, least_samples=6000,
        kept=kept,
    )  # fmt: skip


def test_decoded_samples_are_those_of_the_file_to_16_bits(audio, utterances):
    for index in (0, 7):
        expected, _ = soundfile.read(utterances[index].path, dtype="float32")
        np.testing.assert_allclose(audio.samples(index), expected, atol=0.6 / 32767)
        np.testing.assert_array_equal(audio.samples(index, 100, 50), audio.samples(index)[100:150])
        assert audio.num_samples(index) == len(expected)


def test_recordings_beyond_full_scale_are_not_clipped(tmp_path):
    path = tmp_path / "loud.wav"
    soundfile.write(path, np.array([0.0, 2.5, -3.0]), RATE, subtype="FLOAT")
    loud = [Utterance(path=path, emotion="a", speaker="s", language="deu", corpus="c")]

    np.testing.assert_allclose(
        decode_audio(loud, RunContext()).samples(0), [0.0, 2.5, -3.0], atol=1e-4
    )


def test_files_are_decoded_once_and_again_when_they_change(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full(100, 0.5), RATE)
    one = [Utterance(path=path, emotion="a", speaker="s", language="deu", corpus="c")]
    told = []
    context = RunContext(lambda stage, done, total: told.append(stage))

    first = decode_audio(one, context)
    decode_audio(one, context)
    assert told == ["decoding"]
    soundfile.write(path, np.full(101, 0.25), RATE)
    changed = decode_audio(one, context)

    assert told == ["decoding"] * 2
    assert changed.num_samples(0) == 101
    assert first.sha256(0) != changed.sha256(0)
    assert first.corpus_hashes() != changed.corpus_hashes()
    path.unlink()
    with pytest.raises(AudioError, match=r"a\.wav cannot be read \(No such file"):
        decode_audio(one, context)


def test_an_empty_recording_is_named(tmp_path):
    path = tmp_path / "none.wav"
    soundfile.write(path, np.zeros(0), RATE)
    none = [Utterance(path=path, emotion="a", speaker="s", language="deu", corpus="c")]

    with pytest.raises(AudioError, match=r"none\.wav holds no audio"):
        decode_audio(none, RunContext())


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CLSER_HOME", str(tmp_path / "file"))

    with pytest.raises(EngineError) as raised:
        make_store(store_folder("audio", "k"), iter([(np.zeros(3), None)]), np.int16)

    assert "cannot be written (Not a directory); free some space or set CLSER_HOME" in str(
        raised.value
    )


def test_a_batch_keeps_its_balance_when_recordings_change_places(audio, utterances):
    source = batches_of(audio)
    sampler = BalancedBatches(utterances, 8, 3, ("emotion", "language"))

    def cells(batch):
        return frozenset(
            Counter((utterances[i].emotion, utterances[i].language) for i in batch).items()
        )

    for epoch in (0, 1):
        dealt = sampler.epoch(epoch)
        drawn = source.draw(epoch)
        assert Counter(map(cells, drawn)) == Counter(map(cells, dealt))
        assert Counter(i for b in drawn for i in b) == Counter(i for b in dealt for i in b)
        assert drawn != dealt


def test_parts_are_sorted_by_length_and_waste_less(audio):
    source = batches_of(audio, longest_s=3)

    whole, parts = source.parts(0, 1, 1), source.parts(0, 1, 3)

    assert [len(part.indices) for part in parts] == [3, 3, 2]
    assert sorted(i for p in parts for i in p.indices) == sorted(whole[0].indices)
    lengths = [audio.num_samples(i) for p in parts for i in p.indices]
    assert lengths == sorted(lengths)
    padded = [sum(source.seconds(part)[1] for part in some) for some in (whole, parts)]
    assert padded[1] < padded[0]


def test_a_place_in_the_run_always_has_the_same_batch(audio):
    one, other = batches_of(audio), batches_of(audio)
    other.draw(5)

    for place in ((0, 0), (3, 1)):
        part = one.parts(*place, 2)[1]
        assert part == other.parts(*place, 2)[1]
        first, second = one.load(part), other.load(part)
        assert all(torch.equal(first[name], second[name]) for name in first)
    assert one.draw(0) != one.draw(1)
    assert one.draw(0) != batches_of(audio, seed=4).draw(0)


def test_a_long_recording_is_cut_elsewhere_each_time_it_comes(audio):
    source = batches_of(audio)
    longest = max(range(len(audio)), key=audio.num_samples)

    heard = [
        source.load(Part(indices=(longest,), place=(epoch, number)))["waveform"]
        for epoch in range(2)
        for number in range(2)
    ]

    for one, other in itertools.combinations(heard, 2):
        assert not torch.equal(one, other)


def test_waveforms_are_stretches_of_the_recordings_then_silence(audio):
    source = batches_of(audio)
    offsets = set()
    for number in range(source.batches_per_epoch):
        (part,) = source.parts(0, number, 1)
        batch = source.load(part)
        for row, index in enumerate(part.indices):
            length = int(batch["lengths"][row])
            heard = batch["waveform"][row].numpy()
            whole = audio.samples(index)
            assert length == min(len(whole), RATE)
            start = next(s for s in range(len(whole)) if whole[s] == heard[0]
                         and (whole[s : s + length] == heard[:length]).all())  # fmt: skip
            offsets.add(start)
            assert not heard[length:].any()
            assert int(batch["emotions"][row]) == (audio.utterances[index].emotion == "neutral")
            assert int(batch["indices"][row]) == index
        assert source.names(part) == [str(audio.utterances[i].path) for i in part.indices]
    assert len(offsets) > 5, "long recordings are cut at random places"


def test_short_recordings_are_padded_to_what_the_encoder_needs(audio):
    source = batches_of(audio)
    shortest = min(range(NUM), key=audio.num_samples)

    waveform = source.load_whole([shortest], RATE)["waveform"]

    assert waveform.shape == (1, 6000)


def test_held_out_recordings_are_never_drawn(audio):
    source = batches_of(audio, num_train=25)

    assert {i for epoch in range(4) for b in source.draw(epoch) for i in b} <= set(range(25))


@pytest.mark.parametrize("layer", [None, 1])
def test_kept_frames_are_those_of_the_encoder(audio, tiny_checkpoint, layer):
    backbone = load_backbone(tiny_checkpoint("wav2vec2"))
    kept = keep_frames(audio, backbone, layer, torch.device("cpu"), RunContext())
    source = batches_of(audio, kept=kept, longest_s=60)
    (part,) = source.parts(0, 0, 1)

    batch = source.load(part)
    found = kept.encoded(batch["frames"], batch["num_frames"])
    waveforms = source.load_waveforms(part.indices, [0] * 8, 60 * RATE)
    with torch.inference_mode():
        expected = backbone(waveforms["waveform"], waveforms["lengths"])

    frames = int(batch["num_frames"].max())
    assert torch.equal(found.mask, expected.mask[:, :frames])
    assert len(found.layers) == len(expected.layers)
    for number, layer_frames in enumerate(found.layers):
        wanted = expected.layers[number if layer is None else layer][:, :frames]
        real = found.mask[:, :, None]
        torch.testing.assert_close(layer_frames * real, wanted * real, atol=4e-3, rtol=1e-3)
    assert bytes_needed(audio, backbone, layer) > 0


def test_a_stretch_of_kept_frames_is_cut_where_the_waveform_would_be(audio, tiny_checkpoint):
    backbone = load_backbone(tiny_checkpoint("wav2vec2"))
    kept = keep_frames(audio, backbone, 1, torch.device("cpu"), RunContext())
    longest = max(range(NUM), key=audio.num_samples)

    whole = kept.load([longest], [0], 60 * RATE)["frames"]
    stretch = kept.load([longest], [RATE // 2], RATE // 2)["frames"]

    assert torch.equal(stretch[0], whole[0, 25:50])


def test_stretches_of_kept_frames_lie_within_what_was_encoded(audio, tiny_checkpoint):
    """Whisper's tiny window is 1.5 s, shorter than some of the recordings."""
    backbone = load_backbone(tiny_checkpoint("whisper"))
    kept = keep_frames(audio, backbone, 1, torch.device("cpu"), RunContext())
    source = batches_of(audio, kept=kept, longest_s=1.0)

    for number in range(source.batches_per_epoch):
        (part,) = source.parts(0, number, 1)
        counts = source.load(part)["num_frames"].tolist()
        for index, count in zip(part.indices, counts, strict=True):
            assert count >= min(audio.num_samples(index) / RATE, 1.0) * 50 - 2


def test_frames_are_computed_once_for_a_backbone(audio, tiny_checkpoint):
    told = []
    context = RunContext(lambda stage, done, total: told.append(stage))
    for name in ("wav2vec2", "wav2vec2", "hubert"):
        backbone = load_backbone(tiny_checkpoint(name))
        keep_frames(audio, backbone, None, torch.device("cpu"), context)

    assert len(told) == 2 * NUM
