"""Writes NOTICE.md and packaging/constraints.txt from what is installed.

    .venv/bin/python packaging/make_notices.py

Run it after a change of the dependencies in pyproject.toml, in an environment made by
packaging/test.sh on Linux. Tests compare both files with what it would write.
"""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = Path(__file__).resolve().parent.parent
NOTICE = PROJECT / "NOTICE.md"
CONSTRAINTS = PROJECT / "packaging" / "constraints.txt"

# What packages without an SPDX expression write instead, and what it means.
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0 License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache": "Apache-2.0",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "NVIDIA Proprietary Software": "LicenseRef-NVIDIA-Proprietary",
}

# Packages whose metadata name no licence, or hold its whole text, with where it is stated.
STATED_ELSEWHERE = {
    "cuda-toolkit": "LicenseRef-NVIDIA-Proprietary",  # an empty package that requires the others
    "praatio": "MIT",  # LICENSE
    "scipy": "BSD-3-Clause",  # LICENSE.txt
}

HEAD = """\
# Notices

The code of CLSER Studio is under the Apache License 2.0, see [LICENSE](LICENSE).

## The default model

The weights in `resources/models/default.clser-model/` were trained on recordings whose terms
forbid commercial use. They are therefore **not** under the Apache License: they are under [CC
BY-NC-SA 4.0](https://creativecommons.org/licenses/by-nc-sa/4.0/), and the model's card says so
too. They were trained on

- EmoDB: F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier and B. Weiss, "A Database of German
  Emotional Speech", Interspeech 2005; free download from the authors;
- RAVDESS: S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of Emotional
  Speech and Song", PLoS ONE 13(5), 2018; CC BY-NC-SA 4.0;
- nEMO: I. Christop, "nEMO: Dataset of Emotional Speech in Polish", LREC-COLING 2024; CC BY-NC-SA
  4.0.

None of these recordings ships with the program. For commercial use, train a model on recordings
whose terms allow it; `clser train` is the command that made this one.

## The demo project

The recordings in `resources/demo/` are synthetic speech, made for this project with espeak-ng
(GPL-3.0, a program that the project runs and does not ship; its output is not covered by its
licence).

## What is installed beside the program

None of it is part of this repository: pip fetches it. PySide6 and Qt are used under the LGPL 3.0
and soxr under the LGPL 2.1, as shared libraries that can be replaced; the wheel of soundfile
brings libsndfile, LGPL 2.1, likewise. NVIDIA's libraries come with torch on Linux, under NVIDIA's
own terms. ffmpeg, where it is installed, is run as a program of its own.

| package | version | licence |
|---|---|---|
"""


def normalise(name: str) -> str:
    """Return the name that the index compares, as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def find_requirements(*, tools: bool = False) -> dict[str, metadata.Distribution]:
    """Return everything installed that pyproject.toml asks for, directly or not, by name.

    Args:
        tools: Take what the checks need too.
    """
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    extra = project["optional-dependencies"]["dev"] if tools else []
    waiting = [(line, "") for line in (*project["dependencies"], *extra)]
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()
    while waiting:
        line, wanted_by = waiting.pop()
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": wanted_by}):
            continue
        name = normalise(requirement.name)
        found[name] = metadata.distribution(name)
        for part in {"", *requirement.extras} - {part for key, part in seen if key == name}:
            seen.add((name, part))
            waiting += [(line, part) for line in found[name].requires or ()]
    return dict(sorted(found.items()))


def find_licence(name: str, distribution: metadata.Distribution) -> str:
    """Return the SPDX expression of a package's licence.

    Raises:
        SystemExit: If its metadata do not tell; then a person has to read its files.
    """
    if name in STATED_ELSEWHERE:
        return STATED_ELSEWHERE[name]
    about = distribution.metadata
    classifiers = [
        line.rsplit("::", 1)[-1].strip()
        for line in about.get_all("Classifier") or ()
        if line.startswith("License ::")
    ]
    stated = [about["License-Expression"], about["License"], *classifiers]
    for text in filter(None, stated):
        if text in SPDX:
            return SPDX[text]
        if re.fullmatch(r"[A-Za-z0-9.+-]+( (AND|OR) [A-Za-z0-9.+-]+)*", text):
            return str(text)
    raise SystemExit(f"{name}: cannot tell its licence from {stated}; read it and state it here.")


def compose_notice() -> str:
    """Return the text of NOTICE.md."""
    rows = [
        f"| {name} | {distribution.version} | {find_licence(name, distribution)} |\n"
        for name, distribution in find_requirements().items()
    ]
    return HEAD + "".join(rows)


def compose_constraints() -> str:
    """Return the text of constraints.txt: the tested release of everything, tools included."""
    rows = [
        f"{name}=={distribution.version}\n"
        for name, distribution in find_requirements(tools=True).items()
    ]
    return "# The releases that the tests ran with, by packaging/make_notices.py.\n" + "".join(rows)


if __name__ == "__main__":
    NOTICE.write_text(compose_notice(), "utf-8")
    CONSTRAINTS.write_text(compose_constraints(), "utf-8")
