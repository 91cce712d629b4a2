"""Tests of clser_engine.data.corpora.table and of what every corpus says of itself."""

import subprocess
import sys

import pytest

from clser_engine.data.corpora import table
from clser_engine.data.corpora.table import CORPORA, find_corpus, foreign_corpora
from clser_engine.data.languages import LANGUAGE_NAMES
from clser_engine.data.manifest import KNOWN_EMOTIONS
from clser_engine.errors import BadValueError

WANTED = (
    "EMO-DB EMOVO RAVDESS URDU nEMO CREMA-D SAVEE TESS CASIA eNTERFACE ESD CaFE SUBESCO AESDD "
    "ShEMO MELD IEMOCAP MSP-Podcast BIIC-Podcast ASED TurEV-DB Oreau MESD folder"
)


@pytest.mark.parametrize("name", WANTED.split())
def test_every_corpus_is_found_by_its_usual_name(name):
    assert find_corpus(name) in CORPORA.values()


@pytest.mark.parametrize("corpus", CORPORA.values(), ids=CORPORA.keys())
def test_every_corpus_says_what_one_must_know(corpus):
    assert corpus.traps
    assert corpus.licence
    assert corpus.source
    assert set(corpus.languages) <= set(LANGUAGE_NAMES)
    assert set(corpus.emotions.values()) <= set(KNOWN_EMOTIONS) - {"other"}
    assert corpus.name == "folder" or len(set(corpus.emotions.values())) >= 3
    module = sys.modules[f"clser_engine.data.corpora.{corpus.name}"]
    assert "Layout" in module.__doc__ or corpus.name == "folder"
    assert any(word in module.__doc__ for word in ("ocumented", "documents", "sorted by emotion"))


def test_an_unknown_corpus_gets_the_nearest_name():
    with pytest.raises(BadValueError) as raised:
        find_corpus("ravdes")
    assert str(raised.value).startswith(
        "Bad corpus: got 'ravdes', did you mean ravdess? Known are emodb, emovo, ravdess, "
    )
    with pytest.raises(BadValueError) as raised:
        find_corpus("xyzzy")
    assert str(raised.value).startswith("Bad corpus: got 'xyzzy', expected one of emodb, emovo, ")


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """An installed package that offers corpora."""
    (tmp_path / "their_corpora.py").write_text(
        "from clser_engine.data.corpora.table import CORPORA\n"
        "from dataclasses import replace\n"
        "THEIRS = replace(CORPORA['emodb'], name='theirs')\n"
        "NONE = 3\n"
    )
    info = tmp_path / "their_corpora-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-corpora\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[clser_engine.corpora]\n"
        "theirs = their_corpora:THEIRS\n"
        "broken = no_such_module_here:CORPUS\n"
        "wrong = their_corpora:NONE\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("their_corpora", None)


def test_other_packages_add_corpora_that_are_listed_without_being_imported(foreign):
    assert set(foreign_corpora()) == {"theirs", "broken", "wrong"}
    assert "their_corpora" not in sys.modules

    assert find_corpus("theirs").name == "theirs"
    assert table.ENTRY_POINTS == "clser_engine.corpora"


def test_a_foreign_corpus_that_is_none_is_refused(foreign):
    with pytest.raises(BadValueError) as raised:
        find_corpus("broken")
    assert str(raised.value) == (
        "Bad corpus: 'broken' of no_such_module_here:CORPUS cannot be imported "
        "(ModuleNotFoundError: No module named 'no_such_module_here'); update or remove the "
        "package that offers it."
    )
    with pytest.raises(BadValueError) as raised:
        find_corpus("wrong")
    assert str(raised.value) == (
        "Bad corpus: their_corpora:NONE is of type int, expected Corpus; update or remove the "
        "package that offers it."
    )


def test_listing_corpora_loads_no_network_library():
    code = (
        "import sys, clser_engine.data.corpora.table\n"
        "print([m for m in ('torch', 'transformers', 'onnxruntime') if m in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert finished.stdout.strip() == "[]"
