"""Any folder of recordings sorted by emotion: `anger/clip.wav`.

The folder nearest to the file that is named like an emotion (in English: `angry`, `Sadness`,
`02_happy`) is the class; the other folders between it and the top are the speaker, so
`anger/anna/1.wav` and `anna/anger/1.wav` are both of anna. If no folder is named like an emotion,
the first one is the class and becomes `other`, its name kept.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_WORDS = {
    "anger": "anger angry mad furious rage",
    "disgust": "disgust disgusted",
    "fear": "fear fearful afraid scared anxious anxiety",
    "happiness": "happiness happy joy joyful",
    "neutral": "neutral normal",
    "sadness": "sadness sad sorrow",
    "surprise": "surprise surprised",
}
_EMOTIONS = {word: emotion for emotion, words in _WORDS.items() for word in words.split()}


def _class_of(folder: str) -> str | None:
    """Return the word for an emotion that a folder is named by, without numbers and marks."""
    word = re.sub(r"[\W\d_]+", "", folder).lower()
    return word if word in _EMOTIONS else None


def _describe(path: Path) -> Clip | None:
    folders = list(path.parts[:-1])
    if not folders:
        return None
    named_so = [index for index, folder in enumerate(folders) if _class_of(folder)]
    index = named_so[-1] if named_so else 0
    rest = folders[:index] + folders[index + 1 :]
    return Clip(
        speaker="/".join(rest) or "unknown",
        emotion_original=_class_of(folders[index]) or folders[index],
        identity=str(path.with_suffix("")),
    )


CORPUS = Corpus(
    name="folder",
    title="a folder of classes",
    languages=(),
    kind="any recordings, sorted by emotion",
    licence="unknown",
    source="your own recordings",
    traps="Without folders of speakers all clips count as of one speaker, `unknown`: then no split "
    "by speaker is possible.",
    emotions=_EMOTIONS,
    example="anger/clip.wav or anger/anna/clip.wav",
    open_layout=named(_describe),
)
