"""Draws the pictures of the window that README.md shows, light and dark, from the demo project.

    .venv/bin/python packaging/make_screenshots.py [FOLDER]

It needs no display. FOLDER is resources/docs/pictures unless another is named.
"""

import argparse
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
DEMO = PROJECT / "resources" / "demo"
PICTURES = PROJECT / "resources" / "docs" / "pictures"
CLIP = "en_all"  # the longest recording of the demo: several emotions, so the lanes show something


def main() -> None:
    """Draw each theme in a process of its own: a process has one application."""
    parser = argparse.ArgumentParser(description="Draw the pictures that README.md shows.")
    parser.add_argument("folder", nargs="?", type=Path, default=PICTURES)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        picture = folder / f"window-{theme}.png"
        options = ("--theme", theme, "--clip", CLIP)
        command = (sys.executable, "-m", "app.picture", DEMO, picture, *options)
        subprocess.run(command, cwd=PROJECT, check=True)


if __name__ == "__main__":
    main()
