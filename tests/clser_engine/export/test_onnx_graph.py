"""Tests of clser_engine.export.onnx_graph."""

import numpy as np
import onnxruntime
import pytest
import torch

from clser_engine.errors import ExportError
from clser_engine.export import onnx_graph, parity
from clser_engine.export.onnx_graph import (
    export_heads,
    export_model,
    export_summary,
    export_waveform_graph,
)
from clser_engine.export.parity import compare, speech_batch, speech_like
from clser_engine.inference.waveform_batch import pad_rows
from clser_engine.models.compact import CompactModel


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return CompactModel(("a", "b", "c")).eval()


def load(path):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def test_graphs_give_the_numbers_of_torch_at_any_length_and_batch(model, tmp_path):
    assert export_model(model, tmp_path / "model.onnx") < 1e-4
    assert export_heads(model, tmp_path / "head.onnx") < 1e-4

    session = load(tmp_path / "model.onnx")
    for lengths in ((7,), (12_345,), (99_999,), (7_000, 33_333, 20_000)):
        waveform, samples = speech_batch(lengths)
        found = session.run(None, {"waveform": waveform.numpy(), "lengths": samples.numpy()})
        assert found[0].shape == (len(lengths), -(-max(lengths) // 640), 3)
        for row, length in enumerate(lengths):  # each as if it were alone
            with torch.inference_mode():
                alone = model(speech_like(length))
            steps = -(-length // 640)
            for of_batch, of_one in zip(found[:2], alone[:2], strict=True):
                np.testing.assert_allclose(of_batch[row, :steps], of_one[0], atol=1e-4)
            for of_batch, of_one in zip(found[2:4], alone[2:4], strict=True):
                np.testing.assert_allclose(of_batch[row], of_one[0], atol=1e-3, rtol=1e-4)
            rows = found[4][row, : 2 * steps]
            np.testing.assert_allclose(rows, alone[4][0], atol=1e-3, rtol=1e-4)


def test_functionals_of_stretches_are_those_of_each_alone(model, tmp_path):
    assert export_summary(model, tmp_path / "functionals.onnx") < 1e-4

    session = load(tmp_path / "functionals.onnx")
    with torch.inference_mode():
        _, _, whole, _, descriptors = model(speech_like(40_000))
    stretches = [descriptors[0], descriptors[0, 11:12], descriptors[0, 20:77]]
    batch, lengths = pad_rows([stretch.numpy() for stretch in stretches])

    [found] = session.run(None, {"descriptors": batch, "lengths": lengths})

    np.testing.assert_allclose(found[0], whole[0], atol=1e-3, rtol=1e-4)
    for row, stretch in zip(found, stretches, strict=True):
        with torch.inference_mode():
            alone = model.summarise(stretch[None], torch.tensor([len(stretch)]))
        np.testing.assert_allclose(row, alone[0], atol=1e-3, rtol=1e-4)


def test_an_unfaithful_graph_is_refused_with_its_shape(model, tmp_path):
    path = tmp_path / "model.onnx"
    export_waveform_graph(model, path)
    other = CompactModel(("a", "b", "c")).eval()
    with torch.no_grad():
        other.frames.head.output.bias[0] += 0.5
    waveform, lengths = speech_batch((16_000, 9_000))

    with pytest.raises(ExportError) as raised:
        compare(other, path, [{"waveform": waveform, "lengths": lengths}])

    text = str(raised.value)
    assert text.startswith("model.onnx differs from the model by ")
    assert text.endswith(" on waveform (2, 16000), lengths (2,), more than 1e-04; it was not kept.")
    assert not path.exists()


def test_a_graph_with_a_baked_shape_is_refused(tmp_path):
    class OfOneLength(torch.nn.Module):
        def forward(self, waveform):
            return (waveform.reshape(1, int(waveform.shape[1])),)

    path = tmp_path / "model.onnx"
    example = torch.zeros(1, 640)
    axes = {"waveform": {1: "samples"}}
    onnx_graph.write_graph(OfOneLength(), {"waveform": example}, path, ("same",), axes=axes)

    with pytest.raises(ExportError) as raised:
        compare(OfOneLength(), path, [{"waveform": example}, {"waveform": torch.zeros(1, 700)}])

    text = str(raised.value)
    assert text.startswith("model.onnx fails in onnxruntime on waveform (1, 700) (")
    assert text.endswith("); it was not kept.")


def test_heads_are_compared_too(model, tmp_path, monkeypatch):
    monkeypatch.setattr(parity, "TOLERANCE", 0.0)

    with pytest.raises(ExportError) as raised:
        export_heads(model, tmp_path / "head.onnx")

    assert str(raised.value).startswith("head.onnx differs from the model by ")
    assert "functionals (1, " in str(raised.value)
    assert not (tmp_path / "head.onnx").exists()
