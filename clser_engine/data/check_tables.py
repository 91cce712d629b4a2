"""Tables about labelled recordings: parts, classes, speakers, overlap and licences."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from clser_engine.data.duplicates import Duplicates
from clser_engine.data.languages import same_language
from clser_engine.data.manifest import Utterance
from clser_engine.data.sound_facts import SoundFacts
from clser_engine.errors import AudioError

Row = dict[str, str | int | float | None]
Facts = Mapping[Path, SoundFacts | AudioError]


def describe_parts(parts: Mapping[str, Sequence[Utterance]], facts: Facts | None) -> list[Row]:
    """Return what each part holds."""
    rows = []
    for name, utterances in parts.items():
        seconds = [s for u in utterances if (s := _seconds(u, facts)) is not None]
        rates = {one.sample_rate_hz for u in utterances if (one := fact_of(u, facts)) is not None}
        row: Row = {
            "part": name,
            "recordings": len(utterances),
            "minutes": round(sum(seconds) / 60, 1) if seconds else None,
            "shortest s": round(min(seconds), 2) if seconds else None,
            "longest s": round(max(seconds), 2) if seconds else None,
            "speakers": len({u.speaker_key for u in utterances}),
            "corpora": ", ".join(sorted({u.corpus for u in utterances})),
            "languages": ", ".join(sorted({u.language for u in utterances})),
            "Hz": ", ".join(map(str, sorted(rates))),
        }
        rows.append(row)
    return rows


def describe_classes(utterances: Sequence[Utterance], facts: Facts | None) -> list[Row]:
    """Return how many recordings of each class there are in each corpus, and how loud they are."""
    rows: list[Row] = []
    for corpus, some in by_corpus(utterances).items():
        for emotion in sorted({u.emotion for u in some}):
            of_class = [u for u in some if u.emotion == emotion]
            levels = [one.level_db for u in of_class if (one := fact_of(u, facts)) is not None]
            row: Row = {
                "corpus": corpus,
                "emotion": emotion,
                "recordings": len(of_class),
                "speakers": len({u.speaker_key for u in of_class}),
                "level dB": round(float(np.mean(levels)), 1) if levels else None,
                "spread dB": round(float(np.std(levels)), 1) if levels else None,
            }
            rows.append(row)
    return rows


def describe_speakers(utterances: Sequence[Utterance]) -> list[Row]:
    """Return how many recordings of each class each speaker has."""
    emotions = sorted({u.emotion for u in utterances})
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for utterance in utterances:
        counts[utterance.speaker_key][utterance.emotion] += 1
    return [
        {"speaker": key, **{emotion: some[emotion] for emotion in emotions}}
        for key, some in sorted(counts.items())
    ]


def describe_overlap(
    parts: Mapping[str, Sequence[Utterance]],
    utterances: Sequence[Utterance],
    duplicates: Sequence[Duplicates],
) -> list[Row]:
    """Return what each two parts have in common."""
    part_of = [name for name, part in parts.items() for _ in part]
    rows: list[Row] = []
    for one, other in combinations(parts, 2):
        left, right = parts[one], parts[other]
        sounds = sum({one, other} <= {part_of[i] for i in group.indices} for group in duplicates)
        texts = _texts(left) & _texts(right)
        row: Row = {
            "part": one,
            "and": other,
            "speakers in both": len(_keys(left) & _keys(right)),
            "sounds in both": sounds,
            "texts in both": len(texts),
            "texts": len(_texts(left) | _texts(right)),
        }
        rows.append(row)
    return rows


def describe_licences(utterances: Sequence[Utterance]) -> list[Row]:
    """Return the licences that the manifests tell."""
    counts = Counter((u.corpus, u.extra.get("licence", "") or "not told") for u in utterances)
    return [
        {"corpus": corpus, "recordings": count, "licence": licence}
        for (corpus, licence), count in sorted(counts.items())
    ]


def by_corpus(utterances: Iterable[Utterance]) -> dict[str, list[Utterance]]:
    """Return recordings by language and corpus."""
    corpora: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        corpora[f"{utterance.language}/{utterance.corpus}"].append(utterance)
    return corpora


def fact_of(utterance: Utterance, facts: Facts | None) -> SoundFacts | None:
    """Return what was measured of a recording, if it could be."""
    one = None if facts is None else facts.get(utterance.path)
    return one if isinstance(one, SoundFacts) else None


def _seconds(utterance: Utterance, facts: Facts | None) -> float | None:
    one = fact_of(utterance, facts)
    if one is not None:
        return one.duration_s
    written = utterance.extra.get("duration_s")
    return float(written) if written else None


def _keys(utterances: Iterable[Utterance]) -> set[str]:
    return {utterance.speaker_key for utterance in utterances}


def _texts(utterances: Iterable[Utterance]) -> set[tuple[str, str]]:
    """Return the texts by language: what is said, or else its number in the corpus."""
    return {
        (same_language(u.language), text)
        for u in utterances
        if (text := u.extra.get("transcript") or _sentence_key(u))
    }


def _sentence_key(utterance: Utterance) -> str:
    sentence = utterance.extra.get("sentence_id", "")
    return f"{utterance.corpus} {sentence}" if sentence else ""
