"""The lengths of labelled recordings, for their manifest."""

from collections.abc import Sequence
from dataclasses import replace

from clser_engine.audio.read import probe_audio
from clser_engine.data.manifest import Utterance
from clser_engine.errors import AudioError
from clser_engine.runtime import RunContext


def add_durations(
    utterances: Sequence[Utterance], context: RunContext | None = None
) -> tuple[list[Utterance], list[str]]:
    """Return the recordings that can be read with `duration_s`, and a sentence for each other.

    Args:
        utterances: The recordings.
        context: Progress in recordings; cancels.
    """
    context = context or RunContext()
    readable, failed = [], []
    for done, utterance in enumerate(utterances):
        context.report("lengths", done, len(utterances))
        try:
            seconds = probe_audio(utterance.path, context).duration_s
        except AudioError as error:
            failed.append(str(error))
            continue
        readable.append(
            replace(utterance, extra=utterance.extra | {"duration_s": f"{seconds:.3f}"})
        )
    return readable, failed
