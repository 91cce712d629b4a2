"""Reading a corpus from its original layout into labelled recordings."""

import logging
from dataclasses import dataclass
from pathlib import Path

from clser_engine.audio.read import find_recordings
from clser_engine.data.corpora.corpus import Clip, Corpus
from clser_engine.data.manifest import Utterance
from clser_engine.errors import ManifestError

logger = logging.getLogger(__name__)

_SUFFIX_ORDER = (".wav", ".flac")
"""Of copies of one recording the uncompressed one is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was found in the folder of a corpus.

    Args:
        utterances: The labelled recordings, in order of their paths.
        unknown: Files whose names mean nothing in this corpus.
        copies: Files that hold a recording which is also elsewhere in the folder.
        missing: Clips that the corpus's tables list without a file.
    """

    utterances: list[Utterance]
    unknown: list[Path]
    copies: list[Path]
    missing: list[str]


def read_corpus(corpus: Corpus, folder: Path, *, language: str | None = None) -> Reading:
    """Read a corpus as its authors publish it; the audio itself is not opened.

    Args:
        corpus: Which one.
        folder: Its folder, or one above or below it.
        language: Tag for all recordings, in place of the corpus's own.

    Raises:
        ManifestError: If there is no such folder, nothing in it is of this corpus, a table of the
            corpus is damaged, or no language is known.
    """
    if not folder.is_dir():
        raise ManifestError(f"{folder} is no folder; name the folder of the corpus {corpus.title}.")
    if not corpus.languages and language is None:
        raise ManifestError(
            f"The language of {folder} is unknown; name it, for example with --language deu."
        )
    layout = corpus.open_layout(folder)
    found: dict[str, tuple[Path, Clip]] = {}
    unknown, copies = [], []
    for path in find_recordings(folder):
        relative = path.relative_to(folder)
        clip = layout.describe(relative)
        if clip is None:
            unknown.append(path)
            continue
        identity = clip.identity or relative.stem
        if identity not in found:
            found[identity] = path, clip
        elif _preference(path) < _preference(found[identity][0]):
            copies.append(found[identity][0])
            found[identity] = path, clip
        else:
            copies.append(path)
    if not found:
        raise ManifestError(
            f"{folder} holds no recording of {corpus.title}, whose files are named like "
            f"{corpus.example}; check the folder, or see the other corpora with clser data list."
        )
    return Reading(
        utterances=sorted(
            (_make_utterance(corpus, path, clip, language) for path, clip in found.values()),
            key=lambda utterance: utterance.path,
        ),
        unknown=unknown,
        copies=sorted(copies),
        missing=sorted(layout.expected - found.keys()),
    )


def _preference(path: Path) -> tuple[int, int, str]:
    """Return what sorts the file first that is taken of several copies."""
    suffix = path.suffix.lower()
    rank = _SUFFIX_ORDER.index(suffix) if suffix in _SUFFIX_ORDER else len(_SUFFIX_ORDER)
    return rank, len(path.parts), str(path)


def _make_utterance(corpus: Corpus, path: Path, clip: Clip, language: str | None) -> Utterance:
    columns = {
        "gender": clip.gender,
        "emotion_original": clip.emotion_original,
        "intensity": clip.intensity,
        "sentence_id": clip.sentence_id,
        "transcript": clip.transcript,
        "licence": corpus.licence,
    }
    return Utterance(
        path=path.absolute(),
        emotion=corpus.map_emotion(clip.emotion_original),
        speaker=clip.speaker,
        language=language or clip.language or corpus.languages[0],
        corpus=corpus.name,
        extra=columns | dict(clip.extra),
    )
