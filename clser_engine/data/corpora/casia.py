"""CASIA, Mandarin, acted.

Layout: `liuchanhg/angry/201.wav` = speaker, emotion, number of the text; the full edition has the
same below `相同文本300` (300 texts, each in all emotions) and `不同文本100` (texts chosen for an
emotion), there with speakers as `Chang.Liu` and neutral as `normal`. Distributed by the Institute
of Automation, Chinese Academy of Sciences; layouts documented by the file lists of
https://github.com/emo-box/EmoBox (data/casia).
"""

import re
from pathlib import Path

from clser_engine.data.corpora.corpus import Clip, Corpus, named

_SPEAKERS = {
    "liuchanhg": ("liuchanhg", "female"),
    "liuchang": ("liuchanhg", "female"),
    "changliu": ("liuchanhg", "female"),
    "wangzhe": ("wangzhe", "male"),
    "zhewang": ("wangzhe", "male"),
    "zhaoquanyin": ("zhaoquanyin", "female"),
    "quanyinzhao": ("zhaoquanyin", "female"),
    "zhaozuoxiang": ("ZhaoZuoxiang", "male"),
    "zuoxiangzhao": ("ZhaoZuoxiang", "male"),
}
_EMOTIONS = {
    "angry": "anger",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "sad": "sadness",
    "surprise": "surprise",
}
_CHOSEN_TEXTS = "不同文本"


def _describe(path: Path) -> Clip | None:
    folders = [part.lower() for part in path.parts[:-1]]
    if len(folders) < 2:
        return None
    person = _SPEAKERS.get(re.sub(r"[^a-z]", "", folders[-2]))
    emotion = "neutral" if folders[-1] == "normal" else folders[-1]
    number = re.search(r"\d+", path.stem)
    if person is None or emotion not in _EMOTIONS or number is None:
        return None
    speaker, gender = person
    chosen = any(part.startswith(_CHOSEN_TEXTS) for part in folders)
    sentence = f"{emotion}-{number[0]}" if chosen else number[0]
    return Clip(
        speaker=speaker,
        emotion_original=emotion,
        gender=gender,
        sentence_id=sentence,
        identity=f"{speaker}/{emotion}/{path.stem}/{chosen}",
    )


CORPUS = Corpus(
    name="casia",
    title="CASIA",
    languages=("cmn",),
    kind="acted, 50 or 300 sentences, 4 speakers",
    licence="licensed by the Chinese Academy of Sciences, for research; no licence file",
    source="http://www.chineseldc.org",
    traps="Four speakers. The names of files repeat in every folder, so files must not be put into "
    "one folder. In the part with chosen texts the words give the emotion away.",
    emotions=_EMOTIONS,
    example="liuchanhg/angry/201.wav",
    open_layout=named(_describe),
)
