"""Tests of app.services.settings and app.services.recent."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import SettingsError
from app.services import folders, settings
from app.services.recent import CAPACITY, RecentList, RecentPaths
from app.services.settings import Settings, SettingsFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "settings.json"


def test_without_a_file_the_defaults_hold(path):
    file = SettingsFile(path)

    assert file.load() == Settings()
    assert file.notes == ()
    assert not path.exists()


def test_what_is_saved_is_loaded_and_unknown_keys_are_kept(path):
    path.write_text('{"of_a_newer_version": [1]}')
    file = SettingsFile(path)
    changed = replace(file.load(), annotator="Wanjirũ", gain_db=-6.0, auto_play=True)

    file.save(changed)

    assert SettingsFile(path).load() == changed
    assert json.loads(path.read_text())["of_a_newer_version"] == [1]
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("text", ["{", "[]", "\xff", '{"a": '])
def test_a_damaged_file_is_kept_aside_and_said(path, text):
    path.write_bytes(text.encode("latin-1"))
    file = SettingsFile(path)

    assert file.load() == Settings()

    [note] = file.notes
    assert note.startswith(f"The settings in {path} cannot be read (")
    assert note.endswith(
        "), so the defaults are used and the file was kept as settings-damaged-1.json."
    )
    kept = path.with_name("settings-damaged-1.json")
    assert kept.read_bytes() == text.encode("latin-1")
    path.write_text("{")
    file.load()
    assert path.with_name("settings-damaged-2.json").exists()


def test_a_wrong_value_is_said_and_the_others_hold(path):
    path.write_text('{"theme": "pink", "gain_db": 3, "loop": "yes", "annotator": "A"}')
    file = SettingsFile(path)

    assert file.load() == replace(Settings(), gain_db=3.0, annotator="A")
    assert file.notes == (
        (
            f"The setting theme in {path} is 'pink' where one of system, light, dark is allowed, so"
            " its default is used; set it again in the window."
        ),
        (
            f"The setting loop in {path} is 'yes' where a value like False is allowed, so its"
            " default is used; set it again in the window."
        ),
    )


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("annotator", " ", "a name"),
        ("theme", "pink", "one of system, light, dark"),
        ("engine_device", "tpu", "one of auto, cpu, cuda"),
        ("gain_db", 21.0, "a number from -60 to 20"),
        ("speed", 0.0, "a number from 0.25 to 4"),
    ],
)
def test_a_bad_value_is_not_saved(path, name, value, allowed):
    with pytest.raises(SettingsError) as raised:
        SettingsFile(path).save(replace(Settings(), **{name: value}))

    assert str(raised.value) == f"Bad setting {name}: got {value!r}, expected {allowed}."
    assert not path.exists()


def test_where_settings_cannot_be_written_the_way_out_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "settings.json"

    with pytest.raises(SettingsError) as raised:
        SettingsFile(path).save(Settings())

    assert str(raised.value).startswith(f"The settings could not be written to {path} (")
    assert str(raised.value).endswith("so make that folder writable to keep them.")


def test_where_a_damaged_file_cannot_be_moved_the_defaults_hold(path, monkeypatch):
    path.write_text("{")

    def fail(path):
        raise OSError

    monkeypatch.setattr(settings, "set_aside", fail)
    file = SettingsFile(path)

    assert file.load() == Settings()
    assert file.notes[0].endswith("so the defaults are used; correct or delete the file.")


def test_a_user_without_a_name_gets_one(monkeypatch):
    def fail():
        raise KeyError

    monkeypatch.setattr(settings.getpass, "getuser", fail)
    assert Settings().annotator == "me"


def test_all_folders_lie_below_the_home_that_is_set(home, monkeypatch):
    names = ("config", "cache", "log", "data")
    found = [getattr(folders, f"{name}_folder")() for name in names]
    assert found == [home / name for name in names]
    assert SettingsFile()._path == home / "config" / "settings.json"

    monkeypatch.delenv("CLSER_HOME")
    assert all("clser-studio" in str(getattr(folders, f"{name}_folder")()) for name in names)


def test_the_recent_list_begins_with_the_newest_and_forgets_what_is_gone(tmp_path):
    recent = RecentList(tmp_path / "recent.json")
    paths = [tmp_path / f"{number}.clser-project" for number in range(CAPACITY + 2)]
    for path in paths:
        path.mkdir()
        recent.add_project(path)
    (tmp_path / "a.wav").write_text("")
    recent.add_project(paths[5])
    recent.add_file(tmp_path / "a.wav")

    assert len(recent.load().projects) == CAPACITY
    assert recent.load().projects[:2] == (paths[5], paths[-1])
    assert recent.load().files == (tmp_path / "a.wav",)
    paths[5].rmdir()
    assert recent.load().projects[0] == paths[-1]
    assert recent.clear() == recent.load() == RecentPaths()


@pytest.mark.parametrize("text", ["{", "[]", '{"projects": 1, "files": [2, "\\u0000"]}'])
def test_a_damaged_recent_list_is_empty(tmp_path, text):
    (tmp_path / "recent.json").write_text(text)

    assert RecentList(tmp_path / "recent.json").load() == RecentPaths()


def test_a_recent_list_that_cannot_be_written_disturbs_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    recent = RecentList(tmp_path / "file" / "recent.json")

    assert recent.add_file(tmp_path).files == (tmp_path,)
    assert isinstance(RecentList()._path, Path)
