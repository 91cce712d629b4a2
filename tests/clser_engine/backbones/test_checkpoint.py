"""Folders that hold a checkpoint, and those that hold none that can be used."""

import json
import shutil

import pytest
import torch

from clser_engine.backbones.checkpoint import open_checkpoint
from clser_engine.backbones.registry import build_backbone, load_backbone
from clser_engine.backbones.transformers_encoders import quiet_transformers
from clser_engine.errors import CheckpointError


@pytest.fixture
def folder(tiny_checkpoint, tmp_path):
    """A copy of a tiny HuBERT that a test may damage."""
    return shutil.copytree(tiny_checkpoint("hubert"), tmp_path / "hubert")


def refusal(folder) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_backbone(folder)
    return str(caught.value)


def test_name_licence_and_fingerprint_are_told(folder):
    backbone = load_backbone(folder)

    assert backbone.name == "hubert"
    assert str(folder.parent) not in json.dumps(backbone.description)  # bundles carry it
    assert backbone.licence == "apache-2.0"  # from the heading of its README.md
    assert len(backbone.fingerprint) == 64
    assert backbone.fingerprint == load_backbone(folder).fingerprint


def test_a_checkpoint_without_a_card_has_an_unknown_licence(folder):
    (folder / "README.md").unlink()

    assert load_backbone(folder).licence == "unknown"


@pytest.mark.parametrize("change", ["weights", "config", "preprocessor"])
def test_fingerprint_changes_with_weights_and_settings(folder, change):
    before = load_backbone(folder).fingerprint
    if change == "weights":
        path = folder / "model.safetensors"
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    else:
        path = folder / ("config.json" if change == "config" else "preprocessor_config.json")
        key = {"config": "layer_norm_eps", "preprocessor": "do_normalize"}[change]
        values = json.loads(path.read_text())
        path.write_text(json.dumps(values | {key: 1e-4 if change == "config" else False}))

    assert load_backbone(folder).fingerprint != before


def test_half_precision_is_loaded_as_float32(folder):
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    halves = {key: value.to(torch.bfloat16) for key, value in load_file(path).items()}
    save_file(halves, path, metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "bfloat16"}))

    backbone = load_backbone(folder)

    assert {weight.dtype for weight in backbone.parameters()} == {torch.float32}
    rebuilt = build_backbone(backbone.description)
    assert {weight.dtype for weight in rebuilt.parameters()} == {torch.float32}


def test_code_that_a_checkpoint_names_is_never_run(folder):
    (folder / "evil.py").write_text("raise SystemExit('ran')")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}
    (folder / "config.json").write_text(json.dumps(config))

    backbone = load_backbone(folder)

    assert "auto_map" not in backbone.description["config"]


def test_code_that_a_description_names_is_never_fetched(folder):
    description = load_backbone(folder).description
    description["config"]["attn_implementation"] = "stranger/kernel"
    description["config"]["auto_map"] = {"AutoModel": "stranger/code--evil.Model"}

    rebuilt = build_backbone(description)

    rebuilt.load_state_dict(load_backbone(folder).state_dict())


def test_a_description_of_another_architecture_is_refused(folder):
    description = load_backbone(folder).description
    description["config"]["model_type"] = "timm_wrapper"

    with pytest.raises(CheckpointError, match=r"^This backbone is of the architecture 'timm_w"):
        build_backbone(description)


def test_settings_inside_a_processor_are_found(folder):
    path = folder / "preprocessor_config.json"
    values = json.loads(path.read_text()) | {"do_normalize": False}
    path.unlink()
    (folder / "processor_config.json").write_text(json.dumps({"feature_extractor": values}))

    assert load_backbone(folder).encoder.variance_floor is None


def test_a_fine_tuned_recogniser_gives_its_encoder(folder, tmp_path):
    from transformers import HubertForCTC

    with quiet_transformers():
        recogniser = HubertForCTC.from_pretrained(folder, vocab_size=5)
        recogniser.save_pretrained(tmp_path / "recogniser")

    waveform = torch.randn(1, 8000)
    assert torch.equal(
        load_backbone(tmp_path / "recogniser")(waveform).layers[-1],
        load_backbone(folder)(waveform).layers[-1],
    )


def test_another_architecture_is_refused_naming_what_is_allowed(folder):
    (folder / "config.json").write_text('{"model_type": "bert"}')

    assert refusal(folder) == (
        f"{folder} is of the architecture 'bert', which is no speech encoder that can be used here;"
        f" choose a checkpoint of wav2vec 2.0, XLS-R and MMS, HuBERT, WavLM, data2vec-audio, "
        f"w2v-BERT 2.0, Whisper."
    )


def test_pickle_is_refused_with_the_way_to_convert(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    assert refusal(folder) == (
        f"{folder} holds its weights as pickle (pytorch_model.bin), which can run code when it is "
        f"opened; turn it into safetensors with `clser models convert {folder} --out FOLDER`."
    )


def test_missing_weights_are_told(folder):
    (folder / "model.safetensors").unlink()

    assert refusal(folder) == f"{folder} has no weights: expected model.safetensors."


def test_a_missing_part_of_the_weights_is_told(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "model-00001-of-00002.safetensors"}}'
    )

    assert refusal(folder) == (
        f"{folder} lacks the file model-00001-of-00002.safetensors; fetch it again."
    )


def test_damaged_weights_are_told(folder):
    (folder / "model.safetensors").write_bytes(b"no weights")

    assert refusal(folder) == (
        f"{folder} cannot be loaded as hubert: its files are damaged or do not fit its config.json;"
        f" fetch it again."
    )


def test_weights_that_do_not_fit_the_settings_are_told(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 64}))

    assert "do not fit its config.json" in refusal(folder)


def test_an_encoder_with_holes_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))

    message = refusal(folder)

    assert message.startswith(f"{folder} lacks 16 weights of hubert, 'encoder.layers.2.")
    assert message.endswith("choose a checkpoint with the whole encoder.")


def test_a_folder_without_settings_is_refused(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path} is no checkpoint: it has no readable config.json."


@pytest.mark.parametrize(("text", "what"), [("{", "no JSON"), ("[]", "no JSON object")])
def test_damaged_settings_are_told(folder, text, what):
    (folder / "config.json").write_text(text)

    assert refusal(folder) == f"{folder / 'config.json'} is damaged ({what}); fetch it again."


def test_another_sampling_rate_is_refused(folder):
    (folder / "preprocessor_config.json").write_text('{"sampling_rate": 8000}')

    assert refusal(folder) == (f"{folder} was trained on 8000 Hz, and backbones run at 16000 Hz.")


def test_settings_without_a_preprocessor_are_the_usual(folder):
    (folder / "preprocessor_config.json").unlink()

    assert open_checkpoint(folder).preprocessor == {}
    assert load_backbone(folder).encoder.variance_floor == 1e-7


def test_words_that_name_nothing_are_refused():
    assert refusal("my favourite model") == (
        "There is no backbone 'my favourite model': expected 'compact', a folder with a checkpoint,"
        " a hub name such as facebook/wav2vec2-xls-r-300m, or a pipeline such as "
        "torchaudio:WAVLM_BASE_PLUS."
    )


def test_a_description_of_something_else_is_refused():
    with pytest.raises(CheckpointError) as caught:
        build_backbone({"library": "keras"})

    assert str(caught.value) == (
        "Bad backbone: got the library 'keras', expected 'compact', 'torchaudio' or 'transformers'."
    )
