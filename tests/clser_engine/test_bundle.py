"""Tests of clser_engine.bundle."""

import json
import shutil

import pytest

from clser_engine.bundle import find_bundle, load_card, verify_files, write_card
from clser_engine.errors import BundleError


@pytest.fixture
def bundle(tmp_path):
    """A copy of the shipped bundle that a test may damage."""
    folder = tmp_path / "copy.clser-model"
    shutil.copytree(find_bundle("default"), folder)
    return folder


def change_card(folder, **changes):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **changes}))


def test_the_shipped_bundle_is_whole_small_and_honest():
    folder = find_bundle("default")

    card = load_card(folder)
    verify_files(card)

    assert set(card.files) == {
        "familiarity.safetensors",
        "functionals.onnx",
        "groups.safetensors",
        "head.onnx",
        "model.onnx",
        "weights.safetensors",
    }
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 10_000_000
    assert card.licence == "CC-BY-NC-SA-4.0"
    assert set(card.corpora) == {"emodb", "ravdess", "nemo"}
    assert set(card.languages) == {"deu", "eng", "pol"}
    assert card.values["metrics"]["onnx_max_difference"] < 1e-4
    assert (card.frame_rate_hz, card.sample_rate_hz) == (25, 16_000)


def test_a_bundle_is_found_by_name_folder_and_installation(bundle, home):
    assert find_bundle(bundle) == bundle
    installed = home / "data" / "models" / "mine.clser-model"
    shutil.copytree(bundle, installed)

    assert find_bundle("mine") == installed
    assert find_bundle("default").name == "default.clser-model"


def test_an_unknown_name_is_named():
    with pytest.raises(BundleError) as raised:
        find_bundle("nothing")

    assert str(raised.value) == (
        "No model 'nothing': expected 'default', the name of an installed model "
        "or a folder ending in .clser-model."
    )


def test_a_damaged_file_is_named(bundle):
    raw = bytearray((bundle / "model.onnx").read_bytes())
    raw[1000] ^= 1
    (bundle / "model.onnx").write_bytes(raw)

    with pytest.raises(BundleError) as raised:
        verify_files(load_card(bundle))

    assert str(raised.value) == (
        f"{bundle / 'model.onnx'} is damaged (its SHA-256 is not the card's); "
        f"install the model again."
    )


def test_a_missing_file_is_named(bundle):
    (bundle / "head.onnx").unlink()

    with pytest.raises(BundleError) as raised:
        verify_files(load_card(bundle))

    assert str(raised.value) == f"{bundle / 'head.onnx'} is missing; install the model again."


def test_a_newer_format_is_refused(bundle):
    change_card(bundle, format_version=3)

    with pytest.raises(BundleError) as raised:
        load_card(bundle)

    assert str(raised.value) == (
        f"{bundle} has format 3, and this program reads up to 2; install a newer CLSER Studio."
    )


def test_a_card_cannot_reach_outside_its_folder(bundle):
    change_card(bundle, files={"../secret": "0"})

    with pytest.raises(BundleError) as raised:
        verify_files(load_card(bundle))

    assert str(raised.value) == (
        f"{bundle / 'card.json'} names '../secret', which lies outside the model."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "{folder} is no model: it has no readable card.json."),
        ("{", "{card} is damaged (no JSON); install the model again."),
        ("[]", "{folder} is no model: its card.json has no format_version."),
        ('{"format_version": 1}', "{card} is damaged: it lacks 'name'."),
    ],
)
def test_what_is_no_bundle_is_named(tmp_path, text, message):
    if text is not None:
        (tmp_path / "card.json").write_text(text)

    with pytest.raises(BundleError) as raised:
        load_card(tmp_path)

    assert str(raised.value) == message.format(folder=tmp_path, card=tmp_path / "card.json")


def test_a_written_card_names_the_hash_of_each_file(tmp_path, bundle):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "model.onnx").write_bytes(b"graph")
    values = json.loads((bundle / "card.json").read_text())

    write_card(tmp_path / "new", values)

    card = load_card(tmp_path / "new")
    assert list(card.files) == ["model.onnx"]
    verify_files(card)
