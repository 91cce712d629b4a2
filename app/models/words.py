"""Numbers and answers as a person reads them."""

from app.domain.clips import Guess
from clser_engine.labels import NONE_OF_THESE, UNSURE


def length_in_words(seconds: float | None) -> str:
    """Return a length as `3.2 s`, `4:10` or `1:02:03`, empty while unknown."""
    if seconds is None:
        return ""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours}:{minutes:02}:{whole % 60:02}"
    return f"{minutes}:{whole % 60:02}"


def time_in_words(seconds: float) -> str:
    """Return a time on the axis as `0:03.21` or `1:02:03.21`."""
    hundredths = round(max(seconds, 0.0) * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{clock}:{rest // 100:02}.{rest % 100:02}"


def percent_in_words(share: float) -> str:
    """Return a share of 1 as a whole per cent; never 100 for what is not certain."""
    return f"{min(round(share * 100), 99)} %"


DONT_KNOW = "don't know"
"""What a model says of a recording that is like nothing it was trained on."""


def answer_in_words(answer: str) -> str:
    """Return an answer as it is shown."""
    if answer == NONE_OF_THESE:
        return "none of these"
    if answer == UNSURE:
        return "unsure"
    return answer


def statistics_in_words(statistics: str) -> str:
    """Return what a guess rests on, for example `relative to the project (34 clips)`."""
    return "judged by itself" if statistics in ("", "none") else f"relative to the {statistics}"


def guess_in_words(guess: Guess) -> str:
    """Return what a model says of a recording in whole sentences."""
    model = guess.model.partition("@")[0]
    if not guess.is_known:
        return f"{model} doesn't know. {guess.notice}".rstrip()
    words = (
        f"{model} suggests {answer_in_words(guess.emotion)}, confidence"
        f" {percent_in_words(guess.confidence)}, {statistics_in_words(guess.statistics)}."
    )
    return f"{words} {guess.notice}".rstrip()
