"""How far the labelling of a project is, in numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.domain.clips import Clip
from app.domain.labels import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Counts over the clips that have a label, about the whole or a stretch.

    Args:
        clips: Clips in the project.
        clips_done: Clips with at least one label.
        labels_by_answer: Number of labels of each answer.
        speakers_by_answer: Number of known speakers of each answer, a speaker by language and name.
        speakers: Known speakers of clips with a label.
    """

    clips: int
    clips_done: int
    labels_by_answer: Mapping[str, int] = field(default_factory=dict)
    speakers_by_answer: Mapping[str, int] = field(default_factory=dict)
    speakers: int = 0


def count_progress(clips: Mapping[str, Clip], labels: Iterable[Label]) -> Progress:
    """Return the numbers of a project.

    Args:
        clips: All clips by id.
        labels: All labels.
    """
    answers: Counter[str] = Counter()
    done: set[str] = set()
    voices: set[tuple[str, str, str]] = set()
    for label in labels:
        answers[label.answer] += 1
        done.add(label.clip_id)
        clip = clips[label.clip_id]
        if clip.speaker:
            voices.add((label.answer, clip.language, clip.speaker))
    return Progress(
        clips=len(clips),
        clips_done=len(done),
        labels_by_answer=dict(answers),
        speakers_by_answer=dict(Counter(answer for answer, _, _ in voices)),
        speakers=len({(language, speaker) for _, language, speaker in voices}),
    )
