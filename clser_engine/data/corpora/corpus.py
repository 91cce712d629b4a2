"""What a corpus is here: facts, a label map, and a layout that says what each file holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clser_engine.data.manifest import OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What a layout says of one file; empty where it says nothing.

    Args:
        speaker: Name within the corpus.
        emotion_original: The label in the corpus's own words.
        gender: `female` or `male`.
        intensity: In the corpus's own words.
        sentence_id: Equal for clips of the same text.
        transcript: What is said.
        language: ISO 639-3, in corpora of several languages.
        identity: Equal for files that hold the same recording; the name without suffix if empty.
        extra: Further columns of the manifest.
    """

    speaker: str
    emotion_original: str
    gender: str = ""
    intensity: str = ""
    sentence_id: str = ""
    transcript: str = ""
    language: str = ""
    identity: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


Describe = Callable[[Path], Clip | None]
"""Tells what a file holds by its path relative to the corpus, or None if it belongs to no clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The layout of one copy of a corpus.

    Args:
        describe: Tells what a file holds.
        expected: Identities of the clips that the corpus's own tables list, if it has such tables.
    """

    describe: Describe
    expected: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """A corpus that can be read as its authors publish it.

    Args:
        name: As typed and as in manifests.
        title: As its authors call it.
        languages: ISO 639-3.
        kind: Acted or natural, and of what, in a few words.
        licence: Licence or terms as found, for the manifest and the card of a model.
        source: Where it is published and described.
        traps: What to beware of when training or measuring on it.
        emotions: The label map, from the corpus's own words; all others become `other`.
        example: One path as published.
        open_layout: Reads what tables there are; raises ManifestError if they are damaged.
    """

    name: str
    title: str
    languages: tuple[str, ...]
    kind: str
    licence: str
    source: str
    traps: str
    emotions: Mapping[str, str]
    example: str
    open_layout: Callable[[Path], Layout]

    def map_emotion(self, original: str) -> str:
        """Return the emotion that a label of the corpus is in this program."""
        return self.emotions.get(original, OTHER)


def named(describe: Describe) -> Callable[[Path], Layout]:
    """Return the layout of a corpus whose paths say everything, with no table to read."""
    layout = Layout(describe=describe)
    return lambda folder: layout
