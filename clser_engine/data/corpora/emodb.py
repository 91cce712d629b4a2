"""EMO-DB, German, acted.

Layout: `wav/03a01Fa.wav` = speaker (2 digits), text (letter and 2 digits), emotion (letter of the
German word), version. Documented by the authors at http://emodb.bilderbar.info/index-1280.html and
in Burkhardt et al., "A Database of German Emotional Speech", Interspeech 2005.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z])")
_EMOTIONS = {
    "W": "Wut/Ärger",
    "L": "Langeweile",
    "E": "Ekel",
    "A": "Angst",
    "F": "Freude",
    "T": "Trauer",
    "N": "neutral",
}
_MALE = {"03", "10", "11", "12", "15"}
_TEXTS = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem)) is None:
        return None
    speaker, text, emotion, _ = match.groups()
    return Clip(
        speaker=speaker,
        emotion_original=_EMOTIONS[emotion],
        gender="male" if speaker in _MALE else "female",
        sentence_id=text,
        transcript=_TEXTS.get(text, ""),
    )


CORPUS = Corpus(
    name="emodb",
    title="EMO-DB",
    languages=("deu",),
    kind="acted, 10 sentences, 10 speakers",
    licence=(
        'EMO-DB: free download from the authors (TU Berlin); listed as "public, CC BY 4.0" by '
        "co-author F. Burkhardt in felixbur/nkululeko data/README.md; no licence file beside the "
        "audio"
    ),
    source="http://emodb.bilderbar.info",
    traps="Every text is in all emotions; takes that listeners did not recognise are left out, so "
    "classes are uneven (46 disgust, 127 anger). Boredom is `other`.",
    emotions={
        "Wut/Ärger": "anger",
        "Ekel": "disgust",
        "Angst": "fear",
        "Freude": "happiness",
        "Trauer": "sadness",
        "neutral": "neutral",
    },
    example="wav/03a01Fa.wav",
    open_layout=named(_describe),
)
