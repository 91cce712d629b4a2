"""Tests of clser_engine.export.quantise."""

import json

import numpy as np
import onnx
import pytest
import soundfile

from clser_engine.bundle import find_bundle, load_card, verify_files
from clser_engine.cli.main import main
from clser_engine.errors import BadValueError, BundleError, ExportError
from clser_engine.export import quantise
from clser_engine.export.quantise import quantise_bundle, quantise_graph
from clser_engine.inference.predictor import load_predictor
from clser_engine.runtime import RunContext

EIGHT_BITS = "MatMulInteger"


@pytest.fixture
def manifest(tmp_path):
    """Six recordings of two classes."""
    rng = np.random.default_rng(0)
    lines = ["path,emotion,speaker,language"]
    for number in range(6):
        soundfile.write(tmp_path / f"{number}.wav", 0.1 * rng.standard_normal(8_000), 16_000)
        lines.append(f"{number}.wav,{('anger', 'neutral')[number % 2]},{number},xyz")
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def kinds(path):
    return [(node.op_type, node.name) for node in onnx.load(path).graph.node]


def test_products_are_in_eight_bits_and_convolutions_are_not(tiny_bundle, tmp_path):
    quantise_graph(tiny_bundle("wav2vec2") / "model.onnx", tmp_path / "small.onnx")

    found = [kind for kind, _ in kinds(tmp_path / "small.onnx")]

    assert EIGHT_BITS in found
    assert "Conv" in found
    assert not {"ConvInteger", "QLinearConv"} & set(found)


def test_the_transforms_of_the_compact_model_stay_exact(tmp_path):
    quantise_graph(find_bundle("default") / "model.onnx", tmp_path / "small.onnx")

    found = kinds(tmp_path / "small.onnx")

    assert EIGHT_BITS in [kind for kind, _ in found]
    exact = [n for kind, n in found if kind == "MatMul" and "/descriptors/" in n]
    assert len(exact) >= 4
    assert not [n for kind, n in found if kind == EIGHT_BITS and "/descriptors/" in n]


def test_a_bundle_in_eight_bits_says_what_it_cost(tiny_bundle, manifest, tmp_path, capsys):
    model, out = tiny_bundle("wav2vec2"), tmp_path / "small.clser-model"

    command = ["export", str(model), "--int8", str(out), "--check", str(manifest), "--json"]
    assert main(command) == 0

    values = json.loads(capsys.readouterr().out)
    assert (values["model"], values["clips"]) == (str(out), 6)
    assert values["uar_after"] >= values["uar_before"] - 0.5
    card = load_card(out)
    verify_files(card)
    assert set(card.files) == set(load_card(model).files) - {"weights.safetensors"}
    assert card.kind == "encoder"
    assert card.values["quantised"]["uar_after"] == pytest.approx(values["uar_after"], abs=0.01)
    assert card.values["quantised"]["from"] == str(load_card(model).model_id)
    samples = np.random.default_rng(1).standard_normal(20_000).astype(np.float32) / 10
    before, after = (load_predictor(f).analyze_samples(samples).functionals for f in (model, out))
    assert before @ after / np.linalg.norm(before) / np.linalg.norm(after) > 0.98
    with pytest.raises(BundleError) as raised:
        load_predictor(out, runtime="torch")
    assert str(raised.value) == (
        f"{out} has no weights for torch, because its graphs are in eight bits; run it in "
        f"onnxruntime, or take the model it was made from."
    )


def test_a_bundle_that_judges_worse_is_refused_with_the_figures(
    tiny_bundle, manifest, tmp_path, monkeypatch
):
    from clser_engine.data.manifest import read_manifest

    monkeypatch.setattr(quantise, "MOST_LOSS", -101.0)  # nothing is that much better

    with pytest.raises(ExportError) as raised:
        quantise_bundle(
            tiny_bundle("wav2vec2"),
            tmp_path / "small.clser-model",
            read_manifest(manifest),
            RunContext(),
        )

    text = str(raised.value)
    assert text.startswith("Eight bits lower the UAR of 'wav2vec2' from ")
    assert text.endswith(" on 6 recordings, more than -101.0; small.clser-model was not written.")
    assert not list(tmp_path.glob("*.clser-model"))


def test_a_folder_that_exists_or_has_another_name_is_refused(tmp_path):
    (tmp_path / "there.clser-model").mkdir()

    with pytest.raises(BadValueError) as raised:
        quantise_bundle("default", tmp_path / "there.clser-model", [], RunContext())
    assert str(raised.value) == (
        f"The folder {tmp_path / 'there.clser-model'} exists; name another one."
    )
    with pytest.raises(BadValueError, match=r"got 'x', expected a name ending in .clser-model"):
        quantise_bundle("default", tmp_path / "x", [], RunContext())


def test_int8_needs_recordings_to_be_judged_on(tmp_path, capsys):
    assert main(["export", "default", "--int8", str(tmp_path / "a.clser-model")]) == 2
    assert capsys.readouterr().err == (
        "clser: --int8 needs --check MANIFEST, because eight bits may cost accuracy.\n"
    )
