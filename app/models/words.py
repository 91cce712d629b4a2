"""Numbers and answers as a person reads them."""

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


def answer_in_words(answer: str) -> str:
    """Return an answer as it is shown."""
    if answer == NONE_OF_THESE:
        return "none of these"
    if answer == UNSURE:
        return "unsure"
    return answer
