"""ESD, the Emotional Speech Dataset, Mandarin and English, acted.

Layout: `0011/Angry/evaluation/0011_000351.wav`, or without the folder of the part: speaker (0001 to
0010 Mandarin, 0011 to 0020 English), emotion, number. Each speaker has 350 texts in five emotions,
numbered on: 1 to 350 neutral, then angry, happy, sad, surprise. `0011/0011.txt` holds number, text
and emotion with tabs between, in UTF-8, UTF-16 or GBK. Documented at
https://github.com/HLTSingapore/Emotional-Speech-Data and in Zhou et al., "Emotional Voice
Conversion: Theory, Databases and ESD", Speech Communication 137, 2022.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, Layout
from clser_engine.data.corpora.tables import read_text

_NAME = re.compile(r"(00(?:0[1-9]|1\d|20))_(\d{6})")
_IN_ORDER = ("Neutral", "Angry", "Happy", "Sad", "Surprise")
_TEXTS_EACH = 350
_PARTS = ("evaluation", "test", "train")
_LAST_MANDARIN = 10


def _read_texts(folder: Path) -> dict[str, str]:
    """Return what is said by name of file, from the speakers' text files."""
    texts = {}
    for path in sorted(folder.rglob("00??.txt")):
        for line in read_text(path).splitlines():
            fields = [field.strip() for field in line.split("\t")]
            if len(fields) >= 2 and _NAME.fullmatch(fields[0]):
                texts[fields[0]] = fields[1]
    return texts


def _open_layout(folder: Path) -> Layout:
    texts = _read_texts(folder)

    def describe(path: Path) -> Clip | None:
        match = _NAME.fullmatch(path.stem)
        if match is None or not 1 <= int(match[2]) <= _TEXTS_EACH * len(_IN_ORDER):
            return None
        speaker, number = match[1], int(match[2]) - 1
        folders = [part.lower() for part in path.parts[:-1]]
        part = next((part for part in folders[::-1] if part in _PARTS), "")
        language = "cmn" if int(speaker) <= _LAST_MANDARIN else "eng"
        return Clip(
            speaker=speaker,
            emotion_original=_IN_ORDER[number // _TEXTS_EACH],
            sentence_id=f"{language}{number % _TEXTS_EACH + 1:03d}",
            transcript=texts.get(path.stem, ""),
            language=language,
            extra={"partition": part} if part else {},
        )

    return Layout(describe=describe)


CORPUS = Corpus(
    name="esd",
    title="ESD",
    languages=("cmn", "eng"),
    kind="acted, 350 sentences in each language, 20 speakers",
    licence="research only, by an agreement with the authors",
    source="https://github.com/HLTSingapore/Emotional-Speech-Data",
    traps="The published parts evaluation, test and train hold the same speakers, so they leak: "
    "split by speaker. Two languages in one corpus; the genders of the speakers are not in its "
    "files. No fear, no disgust.",
    emotions={
        "Neutral": "neutral",
        "Angry": "anger",
        "Happy": "happiness",
        "Sad": "sadness",
        "Surprise": "surprise",
    },
    example="0011/Angry/evaluation/0011_000351.wav",
    open_layout=_open_layout,
)
