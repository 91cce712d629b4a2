"""Tests of app.services.audio_files and app.services.probing."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.domain.clips import Probe
from app.services.audio_files import find_audio, natural_key
from app.services.probing import (
    file_stamp,
    find_unknown,
    hash_files,
    is_missing,
    locate,
    needs_probe,
    probe_files,
)
from clser_engine.errors import Cancelled
from clser_engine.runtime import RunContext


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "k_1.wav"
    soundfile.write(path, np.zeros(800, np.float32), 8000)
    return path


def probe(path):
    [found] = hash_files(probe_files([str(path)], {}, RunContext()), RunContext())
    return found


def test_names_sort_as_people_count():
    names = ["k 10", "k 9", "K 1", "a", "10", "9", "k 1b"]

    assert sorted(names, key=natural_key) == ["9", "10", "a", "K 1", "k 1b", "k 9", "k 10"]


def test_a_file_that_is_named_is_taken_whatever_its_ending(tmp_path):
    (tmp_path / "talk.xyz").write_text("")

    found = find_audio([tmp_path / "talk.xyz", tmp_path / "talk.xyz"], RunContext())

    assert [file.path for file in found.files] == [str(tmp_path / "talk.xyz")]


def test_a_manifest_may_be_named_itself_and_gives_only_what_is_there(tmp_path, recording):
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("path,speaker\nk_1.wav,A\ngone.wav,B\n,C\n")

    found = find_audio([manifest], RunContext())

    assert [(file.path, file.speaker) for file in found.files] == [(str(recording), "A")]


@pytest.mark.parametrize("content", [b"path,speaker\n\xff\xfe,A\n", b'path\n"\x00'])
def test_a_bad_manifest_is_said_and_the_recordings_come(tmp_path, recording, content):
    (tmp_path / "manifest.csv").write_bytes(content)

    found = find_audio([tmp_path], RunContext())

    assert [file.path for file in found.files] == [str(recording)]
    for problem in found.problems:
        assert problem.startswith(f"The manifest {tmp_path}/manifest.csv cannot be read (")
    assert bool(found.problems) == (b"\xff" in content)


def test_a_folder_that_cannot_be_read_is_said(tmp_path, recording, monkeypatch):
    listed = os.scandir

    def scandir(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    (tmp_path / "secret").mkdir()
    monkeypatch.setattr(os, "scandir", scandir)

    found = find_audio([tmp_path], RunContext())

    assert len(found.files) == 1
    assert found.problems == (
        (
            f"The folder {tmp_path}/secret cannot be read (Permission denied); make it readable and"
            " add it again."
        ),
    )


def test_searching_can_be_cancelled(tmp_path, recording):
    context = RunContext()
    context.cancel()

    with pytest.raises(Cancelled):
        find_audio([tmp_path], context)


def test_a_probe_is_valid_until_the_file_changes_or_goes(recording):
    path, known = str(recording), probe(recording)
    assert (known.duration_s, known.sample_rate_hz, known.channels) == (0.1, 8000, 1)
    assert not needs_probe(path, known)
    assert needs_probe(path, None)

    os.utime(recording, ns=(1, 1))
    assert needs_probe(path, known)
    recording.unlink()
    assert needs_probe(path, known)
    [gone] = probe_files([path], {path: known}, RunContext())
    assert is_missing(gone)
    assert not needs_probe(path, gone)
    assert (gone.sha256, gone.duration_s) == (known.sha256, 0.1)
    recording.write_bytes(b"x")
    assert needs_probe(path, gone)


def test_what_is_unknown_is_told_apart(recording, tmp_path):
    known = probe(recording)
    other = str(tmp_path / "never seen.wav")
    gone = Probe(path="gone.wav", problem="It is gone.")

    unknown = find_unknown(
        [
            (known.path, known),
            (other, None),
            (known.path, replace(known, sha256="")),
            ("gone.wav", gone),
        ],
        RunContext(),
    )

    assert unknown.unprobed == (other,)
    assert unknown.unhashed == (known.path,)


def test_a_file_that_cannot_be_hashed_stays_without(tmp_path):
    gone = Probe(path=str(tmp_path / "gone.wav"))

    assert hash_files([gone], RunContext()) == [gone]


def test_moved_files_are_found_by_content_only(recording, tmp_path):
    known = probe(recording)
    size = recording.stat().st_size
    target = tmp_path / "deep" / "renamed"
    target.parent.mkdir()
    recording.rename(target)
    (tmp_path / "k_1.wav").write_bytes(b"y" * size)  # the same name and size, another content
    (tmp_path / "a.wav").symlink_to(tmp_path / "nowhere")
    never_hashed = Probe(path="b.wav", size_bytes=size)

    assert locate([known, never_hashed], tmp_path, RunContext()) == {known.path: str(target)}
    assert locate([never_hashed], tmp_path, RunContext()) == {}
    old_format = replace(known, size_bytes=None)
    assert locate([old_format], tmp_path, RunContext()) == {known.path: str(target)}


def test_a_file_that_may_not_be_read_is_passed_over(recording, tmp_path, monkeypatch):
    known = probe(recording)
    monkeypatch.setattr("os.open", _refuse(os.open, str(recording)))

    assert locate([known], tmp_path, RunContext()) == {}


def _refuse(open_file, path):
    def refuse(name, *args, **options):
        if os.fspath(name) == path:
            raise PermissionError(13, "Permission denied")
        return open_file(name, *args, **options)

    return refuse


def test_a_name_that_cannot_be_one_has_no_stamp():
    assert file_stamp("a\0b") is None
    assert file_stamp(str(Path("/nowhere/at/all"))) is None


def test_a_recording_that_ends_early_is_usable_and_says_so(tmp_path):
    path = tmp_path / "cut.flac"
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 32_000)
    soundfile.write(path, samples, 16_000)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    found = probe(path)

    assert found.problem == ""
    assert 0.5 < found.duration_s < 1.2
    assert found.notice == (
        f"{path} claims to last 2.0 s but only {found.duration_s:.1f} s could be read; if more is"
        " missed, copy it again from where it came."
    )
