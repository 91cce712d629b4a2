"""The script that draws the README's pictures draws them, light and dark."""

import subprocess
import sys
from pathlib import Path

from PySide6.QtGui import QImage

PROJECT = Path(__file__).resolve().parents[2]


def brightness(path: Path) -> float:
    """Mean lightness of a picture, 0 to 255."""
    return QImage(str(path)).scaled(1, 1).pixelColor(0, 0).lightness()


def test_both_pictures_are_drawn(tmp_path):
    finished = subprocess.run(
        [sys.executable, PROJECT / "packaging" / "make_screenshots.py", tmp_path],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert finished.returncode == 0, finished.stderr
    light, dark = tmp_path / "window-light.png", tmp_path / "window-dark.png"
    assert QImage(str(light)).size() == QImage(str(dark)).size()
    assert brightness(light) > 150 > 100 > brightness(dark)
