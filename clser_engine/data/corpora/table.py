"""The corpora that can be read; a new one is one file in this package and one line here.

Other packages add theirs as entry points of the group `clser_engine.corpora`, each naming a
`Corpus`; they are listed by name and imported only when they are asked for.
"""

import difflib
import re
from collections.abc import Mapping
from importlib import metadata
from types import MappingProxyType

from clser_engine.data.corpora import (
    aesdd,
    ased,
    biic_podcast,
    cafe,
    casia,
    crema_d,
    emodb,
    emovo,
    enterface,
    esd,
    folder,
    iemocap,
    meld,
    mesd,
    msp_podcast,
    nemo,
    oreau,
    ravdess,
    savee,
    shemo,
    subesco,
    tess,
    turev_db,
    urdu,
)
from clser_engine.data.corpora.corpus import Corpus
from clser_engine.errors import BadValueError

ENTRY_POINTS = "clser_engine.corpora"

CORPORA: Mapping[str, Corpus] = MappingProxyType(
    {
        module.CORPUS.name: module.CORPUS
        for module in (
            emodb,
            emovo,
            ravdess,
            urdu,
            nemo,
            crema_d,
            savee,
            tess,
            casia,
            enterface,
            esd,
            cafe,
            subesco,
            aesdd,
            shemo,
            meld,
            iemocap,
            msp_podcast,
            biic_podcast,
            ased,
            turev_db,
            oreau,
            mesd,
            folder,
        )
    }
)


def find_corpus(name: str) -> Corpus:
    """Return the corpus of that name; case, hyphens and underscores do not matter.

    Raises:
        BadValueError: If there is none, or the package that offers it does not hold one.
    """
    known = {_plain(key): corpus for key, corpus in CORPORA.items()}
    if (corpus := known.get(_plain(name))) is not None:
        return corpus
    foreign = foreign_corpora()
    for key, entry_point in foreign.items():
        if _plain(key) == _plain(name):
            return _load(entry_point)
    names = [*CORPORA, *foreign]
    close = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"did you mean {close[0]}? Known are" if close else "expected one of"
    raise BadValueError(f"Bad corpus: got {name!r}, {hint} {', '.join(names)}.")


def foreign_corpora() -> dict[str, metadata.EntryPoint]:
    """Return the corpora that other installed packages offer, without importing them."""
    return {entry.name: entry for entry in metadata.entry_points(group=ENTRY_POINTS)}


def corpora_as_markdown() -> str:
    """Return the table of corpora for the documentation, one line each."""
    lines = [
        "| name | corpus | language | what | licence or terms as found | beware |",
        "|---|---|---|---|---|---|",
    ]
    for corpus in CORPORA.values():
        title = f"[{corpus.title}]({corpus.source})" if "://" in corpus.source else corpus.title
        languages = ", ".join(corpus.languages) or "any"
        cells = (f"`{corpus.name}`", title, languages, corpus.kind, corpus.licence, corpus.traps)
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _load(entry_point: metadata.EntryPoint) -> Corpus:
    try:
        corpus = entry_point.load()
    except Exception as error:  # whatever a foreign package raises when imported
        raise BadValueError(
            f"Bad corpus: {entry_point.name!r} of {entry_point.value} cannot be imported "
            f"({type(error).__name__}: {error}); update or remove the package that offers it."
        ) from error
    if not isinstance(corpus, Corpus):
        raise BadValueError(
            f"Bad corpus: {entry_point.value} is of type {type(corpus).__name__}, expected Corpus; "
            "update or remove the package that offers it."
        )
    return corpus


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("é", "e"))
