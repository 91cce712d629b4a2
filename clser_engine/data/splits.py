"""Splits of labelled recordings whose parts share no speaker and no recording.

Nobody is heard in two parts: a model that has met a voice recognises the voice. That is checked by
code which raises, so it holds under `python -O` too.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clser_engine.data.languages import same_language
from clser_engine.data.manifest import Utterance
from clser_engine.errors import BadValueError, ManifestError

MAX_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Recordings to learn from and recordings to choose by; no speaker is in both."""

    train: list[Utterance]
    validation: list[Utterance]


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageFold:
    """One language left out.

    Args:
        language: The language of `target`, as ISO 639-3 where it has such a code.
        sources: The recordings in all other languages.
        target: The recordings in `language`.
    """

    language: str
    sources: list[Utterance]
    target: list[Utterance]


def split_by_speaker(utterances: Sequence[Utterance], share: float, seed: int) -> Split:
    """Set speakers aside so that each class keeps about its share in the validation part.

    In every corpus and language by itself, a first speaker is drawn at random of those who bring
    the class counts of the part closer to `share` of the corpus's, then always the one who brings
    them closest, until nobody brings them closer. Nobody is taken without whom training would miss
    a class of the corpus, so a corpus with one speaker a class stays in training as a whole.

    Args:
        utterances: The recordings.
        share: Part of each class to set aside, above 0 and at most 0.5.
        seed: Draws the first speakers and breaks ties.

    Raises:
        BadValueError: If `share` is out of range.
        ManifestError: If no speaker can be set aside.
    """
    if not 0.0 < share <= MAX_SHARE:
        raise BadValueError(f"Bad share: got {share}, expected above 0 and at most {MAX_SHARE}.")
    rng = np.random.default_rng(seed)
    corpora: dict[tuple[str, str], dict[str, Counter[str]]] = defaultdict(dict)
    for utterance in utterances:
        speakers = corpora[same_language(utterance.language), utterance.corpus]
        speakers.setdefault(utterance.speaker_key, Counter())[utterance.emotion] += 1
    aside: set[str] = set()
    for _, speakers in sorted(corpora.items()):
        aside |= _choose_speakers(speakers, share, rng)
    if not aside:
        raise ManifestError(
            "No speaker can be set aside for validation: every one of the "
            f"{sum(len(speakers) for speakers in corpora.values())} speakers is the only one with "
            "some class of the corpus; add speakers."
        )
    split = Split(
        train=[u for u in utterances if u.speaker_key not in aside],
        validation=[u for u in utterances if u.speaker_key in aside],
    )
    assert_disjoint({"train": split.train, "validation": split.validation})
    return split


def leave_one_language_out(utterances: Sequence[Utterance]) -> list[LanguageFold]:
    """Return one fold for each language, in order of the languages' names.

    `de` and `deu` are one language, and so are `pt-BR` and `por`.

    Raises:
        ManifestError: If there is only one language.
    """
    languages = sorted({same_language(u.language) for u in utterances})
    if len(languages) < 2:
        raise ManifestError(
            f"Leaving a language out needs two languages or more; all {len(utterances)} recordings "
            f"are in {', '.join(languages) or 'none'}."
        )
    folds = []
    for language in languages:
        fold = LanguageFold(
            language=language,
            sources=[u for u in utterances if same_language(u.language) != language],
            target=[u for u in utterances if same_language(u.language) == language],
        )
        assert_disjoint({"the sources": fold.sources, f"the target {language}": fold.target})
        folds.append(fold)
    return folds


def assert_disjoint(parts: Mapping[str, Iterable[Utterance]]) -> None:
    """Make sure that no speaker and no file is in two parts.

    Args:
        parts: Recordings by the name of their part; the names appear in the error.

    Raises:
        ManifestError: If a speaker or a file is in two parts.
    """
    for leak in find_leaks(parts):
        raise ManifestError(leak)


def find_leaks(parts: Mapping[str, Iterable[Utterance]]) -> list[str]:
    """Return a sentence for each speaker and each file that is in more than one part."""
    speakers: dict[str, Counter[str]] = defaultdict(Counter)
    files: dict[Path, Counter[str]] = defaultdict(Counter)
    for name, utterances in parts.items():
        for utterance in utterances:
            speakers[utterance.speaker_key][name] += 1
            files[utterance.path.resolve()][name] += 1
    return [
        f"The speaker {key} is in {_list_counts(counts)}; keep every speaker in one part."
        for key, counts in speakers.items()
        if len(counts) > 1
    ] + [
        f"The recording {path} is in {_list_counts(counts)}; keep it in one part."
        for path, counts in files.items()
        if len(counts) > 1
    ]


def require_classes(parts: Mapping[str, Sequence[Utterance]], classes: Collection[str]) -> None:
    """Make sure that each part has recordings of each class.

    Raises:
        ManifestError: If a class is empty somewhere.
    """
    for name, utterances in parts.items():
        counts = Counter(u.emotion for u in utterances)
        for emotion in classes:
            if not counts[emotion]:
                there = ", ".join(f"{e} ({n})" for e, n in counts.most_common()) or "nothing"
                raise ManifestError(
                    f"The class {emotion!r} has no recording in {name}, which has {there}; leave "
                    "the class out or add recordings of it."
                )


def _choose_speakers(
    speakers: Mapping[str, Counter[str]], share: float, rng: np.random.Generator
) -> set[str]:
    """Return the speakers of one corpus that are set aside."""
    emotions = sorted({emotion for counts in speakers.values() for emotion in counts})
    names = sorted(speakers)
    counts = np.array([[speakers[name][emotion] for emotion in emotions] for name in names], float)
    order = rng.permutation(len(names))
    total = counts.sum(axis=0)
    wanted = share * total
    taken: list[int] = []
    have = np.zeros(len(emotions))
    while True:
        left = [i for i in order if i not in taken and (have + counts[i] < total).all()]
        if not left:
            break
        errors = [_distance(have + counts[i], wanted, total) for i in left]
        now = _distance(have, wanted, total)
        closer = [i for i, error in zip(left, errors, strict=True) if error < now]
        best = int(left[int(np.argmin(errors))])
        if taken and not closer:
            break
        chosen = best if taken or not closer else closer[0]
        taken.append(chosen)
        have = have + counts[chosen]
    return {names[i] for i in taken}


def _distance(
    counts: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64], total: npt.NDArray[np.float64]
) -> float:
    """Return how far class counts are from the wanted ones, small classes counting as much."""
    return float(((counts - wanted) ** 2 / total).sum())


def _list_counts(counts: Counter[str]) -> str:
    return " and in ".join(
        f"{name} ({count} recording{'s' if count > 1 else ''})" for name, count in counts.items()
    )
