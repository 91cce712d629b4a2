"""EMOVO, Italian, acted.

Layout: `f1/dis-f1-b1.wav` = emotion (three letters of the Italian word), speaker, text. Documented
in Costantini et al., "EMOVO Corpus: an Italian Emotional Speech Database", LREC 2014 (table 1 has
the sentences).
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"(dis|gio|neu|pau|rab|sor|tri)-([fm][123])-([bdln]\d)", re.IGNORECASE)
_EMOTIONS = {
    "dis": "disgusto",
    "gio": "gioia",
    "neu": "neutro",
    "pau": "paura",
    "rab": "rabbia",
    "sor": "sorpresa",
    "tri": "tristezza",
}
_TEXTS = {
    "b1": "Gli operai si alzano presto.",
    "b2": "I vigili sono muniti di pistola.",
    "b3": "La cascata fa molto rumore.",
    "l1": "L'autunno prossimo Tony partirà per la Spagna nella prima metà di ottobre.",
    "l2": "Ora prendo la felpa di là ed esco per fare una passeggiata.",
    "l3": "Un attimo dopo s'è incamminato... ed è inciampato.",
    "l4": "Vorrei il numero telefonico del Signor Piatti.",
    "n1": "La casa forte vuole col pane.",
    "n2": "La forza trova il passo e l'aglio rosso.",
    "n3": "Il gatto sta scorrendo nella pera.",
    "n4": "Insalata pastasciutta coscia d'agnello limoncello.",
    "n5": "Uno quarantatré dieci mille cinquantasette venti.",
    "d1": "Sabato sera cosa farà?",
    "d2": "Porti con te quella cosa?",
}


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem)) is None:
        return None
    emotion, speaker, text = (group.lower() for group in match.groups())
    return Clip(
        speaker=speaker,
        emotion_original=_EMOTIONS[emotion],
        gender="female" if speaker.startswith("f") else "male",
        sentence_id=text,
        transcript=_TEXTS.get(text, ""),
    )


CORPUS = Corpus(
    name="emovo",
    title="EMOVO",
    languages=("ita",),
    kind="acted, 14 sentences, 6 speakers",
    licence=(
        "EMOVO: free for research (Fondazione Ugo Bordoni, LREC 2014); listed as "
        '"restricted, CC BY-NC-SA 4.0" in felixbur/nkululeko data/README.md; repository Apache-2.0 '
        "covers its code"
    ),
    source="http://voice.fub.it/activities/corpora/emovo",
    traps="Six speakers only; the texts n1 to n5 are nonsense by design.",
    emotions={
        "disgusto": "disgust",
        "gioia": "happiness",
        "neutro": "neutral",
        "paura": "fear",
        "rabbia": "anger",
        "sorpresa": "surprise",
        "tristezza": "sadness",
    },
    example="f1/dis-f1-b1.wav",
    open_layout=named(_describe),
)
