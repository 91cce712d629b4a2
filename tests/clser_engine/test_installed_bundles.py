"""Bundles come in whole or not at all, and nothing an archive says leads out of its place."""

import json
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from clser_engine.bundle import find_bundle, hash_bytes, load_card, verify_files
from clser_engine.errors import BundleError
from clser_engine.installed_bundles import add_bundle, list_bundles, remove_bundle


@pytest.fixture
def mine(tmp_path):
    """A bundle of another name than the shipped one, in a folder."""
    folder = shutil.copytree(find_bundle("default"), tmp_path / "downloads" / "x.clser-model")
    change_card(folder, name="mine")
    return folder


def change_card(folder: Path, **changes) -> None:
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **changes}))


def pack(folder: Path, path: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{prefix}{file.name}")
    return path


def refusal(source: Path, home: Path) -> str:
    with pytest.raises(BundleError) as caught:
        add_bundle(source)
    left = home / "data" / "models"
    assert not [path for path in left.iterdir() if path.name.startswith(".")]
    return str(caught.value)


def test_a_folder_is_installed_whole(mine, home):
    card = add_bundle(mine)

    assert card.folder == home / "data" / "models" / "mine.clser-model"
    assert find_bundle("mine") == card.folder
    verify_files(load_card(find_bundle("mine")))
    assert mine.is_dir()
    assert [path.name for path in card.folder.parent.iterdir()] == ["mine.clser-model"]


@pytest.mark.parametrize("prefix", ["", "mine.clser-model/"])
def test_a_zip_is_installed_from_its_root_or_one_folder(mine, tmp_path, prefix):
    add_bundle(pack(mine, tmp_path / "mine.zip", prefix))

    card = load_card(find_bundle("mine"))
    verify_files(card)
    assert {path.name for path in card.folder.iterdir()} == {"card.json", *card.files}


def test_what_a_card_does_not_name_is_left_out(mine, tmp_path):
    (mine / "run_me.py").write_text("raise SystemExit")
    with zipfile.ZipFile(pack(mine, tmp_path / "mine.zip"), "a") as archive:
        archive.writestr("../../escaped.txt", "out")
        archive.writestr("/absolute.txt", "out")

    card = add_bundle(tmp_path / "mine.zip")

    assert {path.name for path in card.folder.iterdir()} == {"card.json", *card.files}
    assert not list(tmp_path.rglob("escaped.txt"))
    assert not Path("/absolute.txt").exists()


def test_a_link_in_a_zip_leads_nowhere(mine, tmp_path, home):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (mine / "head.onnx").unlink()
    with zipfile.ZipFile(pack(mine, tmp_path / "mine.zip"), "a") as archive:
        entry = zipfile.ZipInfo("head.onnx")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, str(secret))

    assert "is damaged (its SHA-256 is not the card's)" in refusal(tmp_path / "mine.zip", home)


@pytest.mark.parametrize("name", ["../weights.safetensors", "/etc/passwd", "a\\b", ".."])
def test_a_card_that_names_files_elsewhere_is_refused(mine, tmp_path, home, name):
    change_card(mine, files={name: "0" * 64})

    path = pack(mine, tmp_path / "mine.zip")

    assert refusal(path, home) == f"{path} names {name!r}, which lies outside the model."


def test_a_damaged_file_is_refused(mine, tmp_path, home):
    (mine / "head.onnx").write_bytes(b"other")

    assert "is damaged (its SHA-256" in refusal(mine, home)
    assert "is damaged (its SHA-256" in refusal(pack(mine, tmp_path / "mine.zip"), home)


def test_a_missing_file_is_refused(mine, tmp_path, home):
    (mine / "head.onnx").unlink()
    path = pack(mine, tmp_path / "mine.zip")

    assert refusal(path, home) == f"{path} lacks head.onnx, which its card names."


def test_no_zip_and_no_model_are_told(tmp_path, home):
    text = tmp_path / "notes.txt"
    text.write_text("notes")
    empty = tmp_path / "empty.zip"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("a/b/card.json", "{}")

    assert refusal(text, home) == (
        f"{text} is no model: expected a folder ending in .clser-model, or a zip of one."
    )
    assert refusal(empty, home) == (
        f"{empty} is no model: expected one card.json at its root or in one folder, found 1."
    )
    missing = tmp_path / "missing.zip"
    assert refusal(missing, home) == (
        f"There is no {missing}; give a folder ending in .clser-model, or a zip."
    )


def test_a_card_that_is_none_is_told(mine, tmp_path, home):
    (mine / "card.json").write_text("[]")
    path = pack(mine, tmp_path / "mine.zip")

    assert refusal(path, home) == f"{path} is damaged: its card.json names no files."


def test_a_bomb_is_refused(mine, tmp_path, home):
    (mine / "card.json").write_bytes(b" " * (5 << 20))
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(mine / "card.json", "card.json")

    assert refusal(path, home) == "card.json is larger than a model's may be."


@pytest.mark.parametrize("name", ["default", "../mine", ".hidden", "", "a/b"])
def test_names_that_cannot_be_installed_are_refused(mine, home, name):
    change_card(mine, name=name)

    assert refusal(mine, home) == (
        f"{mine} calls itself {name!r}, which cannot be the name of an installed model; choose "
        f"letters, digits, '.', '_' and '-', and not 'default'."
    )


def test_another_model_of_the_name_stays(mine, home):
    before = add_bundle(mine)
    assert add_bundle(mine).model_id == before.model_id  # the same once more is fine

    change_card(mine, summary="another")

    assert refusal(mine, home) == (
        "Another model 'mine' is installed; run `clser models remove mine` first."
    )
    assert load_card(find_bundle("mine")).model_id == before.model_id


def test_listing_tells_what_ships_and_what_cannot_be_read(mine, home):
    add_bundle(mine)
    broken = home / "data" / "models" / "broken.clser-model"
    broken.mkdir()

    bundles, problems = list_bundles()

    assert [(one.card.model_id.name, one.is_shipped) for one in bundles] == [
        ("default", True),
        ("mine", False),
    ]
    assert bundles[0].size == sum(f.stat().st_size for f in find_bundle("default").iterdir())
    assert problems == [f"{broken} is no model: it has no readable card.json."]


def test_removing_leaves_nothing_of_it(mine, home):
    add_bundle(mine)

    remove_bundle("mine")

    assert not list((home / "data" / "models").iterdir())


def test_the_shipped_model_stays_and_unknown_ones_are_told(home):
    (home / "data" / "models").mkdir(parents=True)
    (home / "data" / "elsewhere.clser-model").mkdir()

    with pytest.raises(BundleError) as caught:
        remove_bundle("default")
    assert str(caught.value) == "The model 'default' came with the program and stays."
    with pytest.raises(BundleError) as caught:
        remove_bundle("../elsewhere")
    assert str(caught.value) == (
        "There is no installed model '../elsewhere'; `clser models list` tells which there are."
    )
    assert (home / "data" / "elsewhere.clser-model").is_dir()
    assert hash_bytes(find_bundle("default") / "card.json")
