"""Recordings that tests of reading make for themselves."""

import shutil
import subprocess

import numpy as np
import psutil
import pytest
import soundfile


@pytest.fixture
def make_wav(tmp_path):
    """Write noise (or the samples given) to a file; returns its path."""

    def make(name="a.wav", *, seconds=1.0, rate=16000, channels=1, samples=None, **options):
        if samples is None:
            rng = np.random.default_rng(0)
            samples = rng.uniform(-0.5, 0.5, (round(seconds * rate), channels)).astype(np.float32)
        path = tmp_path / name
        soundfile.write(path, samples, rate, **options)
        return path

    return make


@pytest.fixture
def ffmpeg(tmp_path):
    """Convert a recording with ffmpeg; skips where it is not installed."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs the ffmpeg program")

    def convert(source, name, *options):
        target = tmp_path / name
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-i", source, *options, f"file:{target}"],
            check=True,
            stdin=subprocess.DEVNULL,
        )
        return target

    return convert


@pytest.fixture
def no_ffmpeg(monkeypatch, tmp_path):
    """Hide ffmpeg."""
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))


@pytest.fixture
def fake_ffmpeg(monkeypatch, tmp_path):
    """Put shell scripts in the place of ffprobe and ffmpeg."""
    folder = tmp_path / "programs"
    folder.mkdir()

    def install(*, ffmpeg, ffprobe=None):
        answer = (
            '{"streams": [{"codec_name": "aac", "sample_rate": "8000", "channels": 1, '
            '"duration": "1.0"}], "format": {"format_name": "aac"}}'
        )
        scripts = {"ffmpeg": ffmpeg, "ffprobe": ffprobe or f"echo '{answer}'"}
        for name, script in scripts.items():
            program = folder / name
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    return install


@pytest.fixture(autouse=True)
def no_process_left():
    """Fail a test that leaves a decoder running or unreaped."""
    yield
    left = psutil.Process().children()
    assert not left, [process.name() for process in left]
