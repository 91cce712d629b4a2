"""IEMOCAP, American English, played by pairs of actors.

Layout: `Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav`; labels in
`Session1/dialog/EmoEvaluation/Ses01F_impro01.txt`, in lines `[begin - end] TAB name TAB label TAB
[valence, activation, dominance]`; texts in `Session1/dialog/transcriptions`. Documented at
https://sail.usc.edu/iemocap and in Busso et al., "IEMOCAP: interactive emotional dyadic motion
capture database", Language Resources and Evaluation 42, 2008. The letter behind the session says
who wears the markers; who speaks is the letter before the number at the end.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, Layout
from clser_engine.data.corpora.tables import read_text
from clser_engine.errors import ManifestError

_NAME = re.compile(r"Ses(0[1-5])[FM]_(impro|script)\w*_([FM])(?:XX)?\d+")
_LABEL = re.compile(
    r"\[[\d. ]+-[\d. ]+\]\t(Ses\w+)\t(\w{3})\t\[([\d.]+), ([\d.]+), ([\d.]+)\]", re.MULTILINE
)
_TEXT = re.compile(r"^(Ses\w+) \[[^\]]*\]:(.*)$", re.MULTILINE)
_EMOTIONS = {
    "ang": "anger",
    "hap": "happiness",
    "exc": "excitement",
    "sad": "sadness",
    "neu": "neutral state",
    "fea": "fear",
    "dis": "disgust",
    "sur": "surprise",
    "fru": "frustration",
    "oth": "other",
    "xxx": "no agreement",
}


def _open_layout(folder: Path) -> Layout:
    labels: dict[str, tuple[str, ...]] = {}
    texts: dict[str, str] = {}
    for path in sorted(folder.rglob("Ses*.txt")):
        if path.name.startswith("."):
            continue
        if path.parent.name == "EmoEvaluation":
            found = _LABEL.findall(read_text(path))
            if not found:
                raise ManifestError(f"{path}: holds no label of an utterance; fetch it again.")
            labels |= {name: tuple(rest) for name, *rest in found}
        elif path.parent.name == "transcriptions":
            texts |= {name: text.strip() for name, text in _TEXT.findall(read_text(path))}

    def describe(path: Path) -> Clip | None:
        match = _NAME.fullmatch(path.stem)
        if match is None or path.stem not in labels:
            return None
        session, setting, voice = match.groups()
        label, valence, activation, dominance = labels[path.stem]
        return Clip(
            speaker=f"Ses{session}{voice}",
            emotion_original=_EMOTIONS.get(label, label),
            gender="female" if voice == "F" else "male",
            transcript=texts.get(path.stem, ""),
            extra={
                "session": str(int(session)),
                "setting": "improvised" if setting == "impro" else "scripted",
                "valence": valence,
                "activation": activation,
                "dominance": dominance,
            },
        )

    return Layout(describe=describe, expected=frozenset(labels))


CORPUS = Corpus(
    name="iemocap",
    title="IEMOCAP",
    languages=("eng",),
    kind="improvised and scripted dialogues, 10 speakers",
    licence="by agreement with the University of Southern California, research only",
    source="https://sail.usc.edu/iemocap",
    traps="The two speakers of a session hear each other: split by session. Scripted texts repeat "
    "across sessions and go with an emotion. Excitement is taken as happiness, as usual; "
    "frustration and clips without agreement of the raters are `other`.",
    emotions={
        "anger": "anger",
        "happiness": "happiness",
        "excitement": "happiness",
        "sadness": "sadness",
        "neutral state": "neutral",
        "fear": "fear",
        "disgust": "disgust",
        "surprise": "surprise",
    },
    example="Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
    open_layout=_open_layout,
)
