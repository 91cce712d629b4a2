"""Labelled recordings that exist on paper only."""

from pathlib import Path

import pytest

from clser_engine.data.manifest import Utterance


@pytest.fixture
def utterance():
    """Make one labelled recording; what is not named has a default."""

    def make(number=0, emotion="anger", speaker="s", language="deu", corpus="c", **extra):
        return Utterance(
            path=Path(f"/corpora/{language}/{corpus}/{number}.wav"),
            emotion=emotion,
            speaker=speaker,
            language=language,
            corpus=corpus,
            extra=extra,
        )

    return make
