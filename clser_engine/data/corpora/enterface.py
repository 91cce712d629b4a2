"""eNTERFACE'05, English, induced by stories, as films.

Layout: `subject 1/anger/sentence 1/s1_an_1.avi` = subject, emotion, sentence; subject 6 has no
folders for sentences. Documented in Martin et al., "The eNTERFACE'05 Audio-Visual Emotion
Database", ICDE Workshops 2006, and http://www.enterface.net/enterface05. Some names are slips
(subject 11's files begin with s12, one is called s_3, one lacks its dot): the folder decides.
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_NAME = re.compile(r"s_?(\d+)_(an|di|fe|ha|sa|su)_(\d)(?:avi)?")
_SUBJECT = re.compile(r"subject[ _]?(\d+)", re.IGNORECASE)
_EMOTIONS = {
    "an": "anger",
    "di": "disgust",
    "fe": "fear",
    "ha": "happiness",
    "sa": "sadness",
    "su": "surprise",
}


def _describe(path: Path) -> Clip | None:
    if (match := _NAME.fullmatch(path.stem.lower())) is None:
        return None
    subjects = [m[1] for part in path.parts[:-1] if (m := _SUBJECT.fullmatch(part))]
    subject = str(int(subjects[-1] if subjects else match[1]))
    emotion, sentence = match[2], match[3]
    return Clip(
        speaker=subject,
        emotion_original=_EMOTIONS[emotion],
        sentence_id=f"{emotion}{sentence}",
        identity=f"{subject}_{emotion}_{sentence}",
    )


CORPUS = Corpus(
    name="enterface",
    title="eNTERFACE'05",
    languages=("eng",),
    kind="induced, 30 sentences, 43 speakers of 14 nations",
    licence="free for research from the authors; no licence file",
    source="http://www.enterface.net/enterface05",
    traps="Each of the 30 texts belongs to one emotion, so words give it away. No neutral. Most "
    "speakers are not native. Sound is inside films (needs ffmpeg).",
    emotions={name: name for name in _EMOTIONS.values()},
    example="subject 1/anger/sentence 1/s1_an_1.avi",
    open_layout=named(_describe),
)
