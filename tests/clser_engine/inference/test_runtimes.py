"""Tests of clser_engine.inference.runtimes: what happens when a card's memory is full."""

import numpy as np
import pytest

from clser_engine.inference.outputs import Outputs
from clser_engine.inference.runtimes import CardRuntime, build_runtime


class Double:
    """Runs at most `room` samples at once, as a card does."""

    words = "double 1.0"
    notice = ""

    def __init__(self, device, room=10**9, words="CUDA out of memory."):
        self.device = device
        self.room = room
        self.error = words
        self.batches = []

    def _check(self, size):
        if size > self.room:
            raise RuntimeError(self.error)

    def analyze(self, waveforms):
        self._check(len(waveforms) * max(map(len, waveforms)))
        self.batches.append(len(waveforms))
        return [Outputs(w[:1, None], w[:1], w[:1]) for w in waveforms]

    def summarise(self, parts):
        self._check(sum(part.size for part in parts))
        return np.stack([part.sum(axis=0) for part in parts])

    def frames(self, waveform):
        self._check(len(waveform))
        return waveform[:1, None], waveform[:1]

    def heads(self, functionals, mean, std, count):
        self._check(functionals.size)
        return functionals, functionals


def waveforms(*first):
    return [np.full(10, value, np.float32) for value in first]


def test_a_batch_that_does_not_fit_is_halved_until_it_does():
    card = Double("NVIDIA A", room=20)
    runtime = CardRuntime(card, lambda: pytest.fail("the processor is not needed"))

    found = runtime.analyze(waveforms(1, 2, 3, 4, 5))

    assert [float(one.functionals[0]) for one in found] == [1, 2, 3, 4, 5]
    assert card.batches == [2, 1, 2]
    assert (runtime.device, runtime.notice) == ("NVIDIA A", "")


@pytest.mark.parametrize("call", ["analyze", "summarise", "frames", "heads"])
def test_the_processor_takes_over_where_nothing_fits_and_says_so(call):
    processor = Double("CPU")
    runtime = CardRuntime(Double("NVIDIA A", room=5), lambda: processor)
    arguments = {
        "analyze": (waveforms(1, 2),),
        "summarise": ([np.ones((3, 4), np.float32)],),
        "frames": (waveforms(7)[0],),
        "heads": (np.ones((3, 4), np.float32), None, None, 0),
    }

    getattr(runtime, call)(*arguments[call])

    assert runtime.device == "CPU"
    assert runtime.notice == (
        "The memory of NVIDIA A is full; the processor runs the model from here on."
    )
    if call == "analyze":
        assert processor.batches == [1, 1]


def test_another_error_is_not_taken_for_full_memory():
    runtime = CardRuntime(Double("NVIDIA A", room=5, words="a bug"), lambda: Double("CPU"))

    with pytest.raises(RuntimeError, match="a bug"):
        runtime.analyze(waveforms(1, 2))


def test_a_full_processor_has_nowhere_to_go():
    runtime = CardRuntime(Double("CPU", room=5), lambda: pytest.fail("it is there already"))

    with pytest.raises(RuntimeError, match="out of memory"):
        runtime.frames(waveforms(1)[0])


def test_both_runtimes_give_a_batch_what_each_recording_gets_alone(predictor, speech):
    recordings = [speech(seconds, seed=i) for i, seconds in enumerate((1.3, 0.02, 4.0))]

    for name in ("onnx", "torch"):
        runtime = build_runtime(predictor.card, name, "cpu")
        together = runtime.analyze(recordings)
        for samples, found in zip(recordings, together, strict=True):
            [alone] = runtime.analyze([samples])
            assert len(found[0]) == len(found[1]) == -(-len(samples) // 640)
            for batched, single in zip(found, alone, strict=True):
                np.testing.assert_allclose(batched, single, atol=1e-3, rtol=1e-4)


def test_phrases_have_the_functionals_that_their_descriptors_give(predictor, speech):
    for name in ("onnx", "torch"):
        runtime = build_runtime(predictor.card, name, "cpu")
        [found] = runtime.analyze([speech(3.0)])
        assert found.descriptors.shape[0] == 2 * len(found.posteriors)

        whole, part = runtime.summarise([found.descriptors, found.descriptors[40:90]])

        np.testing.assert_allclose(whole, found.functionals, atol=1e-3, rtol=1e-4)
        [alone] = runtime.summarise([found.descriptors[40:90]])
        np.testing.assert_allclose(part, alone, atol=1e-3, rtol=1e-4)
        assert np.abs(whole - part).max() > 0.1
