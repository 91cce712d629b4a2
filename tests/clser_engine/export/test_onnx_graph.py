"""Tests of clser_engine.export.onnx_graph."""

import onnxruntime
import pytest
import torch

from clser_engine.errors import ExportError
from clser_engine.export import onnx_graph
from clser_engine.export.onnx_graph import export_heads, export_model, speech_like
from clser_engine.models.compact import CompactModel


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return CompactModel(("a", "b", "c"), kernel_features=16).eval()


def test_graphs_give_the_numbers_of_torch_at_any_length(model, tmp_path):
    assert export_model(model, tmp_path / "model.onnx") < 1e-4
    assert export_heads(model, tmp_path / "head.onnx") < 1e-4

    session = onnxruntime.InferenceSession(
        tmp_path / "model.onnx", providers=["CPUExecutionProvider"]
    )
    for samples in (7, 12_345, 99_999):
        [posteriors] = session.run(["frame_posteriors"], {"waveform": speech_like(samples).numpy()})
        assert posteriors.shape == (1, -(-samples // 640), 3)


def test_an_unfaithful_graph_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graph, "TOLERANCE", 0.0)

    with pytest.raises(ExportError) as raised:
        export_heads(model, tmp_path / "head.onnx")

    assert str(raised.value).startswith("head.onnx differs from the model by ")
    assert str(raised.value).endswith(", more than 0e+00; it was not kept.")
    assert not (tmp_path / "head.onnx").exists()
