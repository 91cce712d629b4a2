"""Language tags: what one looks like, and which two-letter and three-letter codes are the same.

A tag is an ISO 639-3 code (`deu`), an ISO 639-1 code (`de`) or either with BCP 47 subtags
(`pt-BR`). Comparing languages by what is written would take `de` and `deu` for two and leave German
in the sources when German is left out.
"""

import re

_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

_SAME = (
    "af afr am amh ar ara as asm az aze be bel bg bul bn ben bs bos ca cat cs ces cy cym da dan "
    "de deu el ell en eng es spa et est eu eus fa fas fi fin fr fra ga gle gl glg gu guj ha hau "
    "he heb hi hin hr hrv hu hun hy hye id ind ig ibo is isl it ita ja jpn jv jav ka kat kk kaz "
    "km khm kn kan ko kor ku kur ky kir lb ltz lo lao lt lit lv lav mg mlg mk mkd ml mal mn mon "
    "mr mar ms msa mt mlt my mya ne nep nl nld no nor pa pan pl pol ps pus pt por ro ron ru rus "
    "sd snd si sin sk slk sl slv so som sq sqi sr srp sv swe sw swa ta tam te tel tg tgk th tha "
    "tk tuk tl tgl tr tur tt tat ug uig uk ukr ur urd uz uzb vi vie xh xho yo yor zh cmn zu zul"
)
_CODES = _SAME.split()
_ONE_CODE = dict(zip(_CODES[::2], _CODES[1::2], strict=True)) | {
    "arb": "ara",
    "ekk": "est",
    "pes": "fas",
    "zho": "cmn",
}

LANGUAGE_NAMES = {
    "amh": "Amharic",
    "ben": "Bangla",
    "cmn": "Mandarin Chinese",
    "deu": "German",
    "ell": "Greek",
    "eng": "English",
    "fas": "Persian",
    "fra": "French",
    "ita": "Italian",
    "pol": "Polish",
    "spa": "Spanish",
    "tur": "Turkish",
    "urd": "Urdu",
}
"""English names of the languages of the corpora that are known here."""


def is_language_tag(tag: str) -> bool:
    """Whether this has the form of a language tag."""
    return _TAG.fullmatch(tag) is not None


def same_language(tag: str) -> str:
    """Return the code that all tags of one language share: `de`, `deu` and `de-AT` give `deu`."""
    code = tag.split("-")[0]
    return _ONE_CODE.get(code, code)


def suggest_tag(text: str) -> str | None:
    """Return the code of a language that was written by its name, or in capitals, if known."""
    lowered = text.strip().lower()
    for code, name in LANGUAGE_NAMES.items():
        if lowered in (name.lower(), name.lower().split()[0]):
            return code
    lowered = lowered.replace("_", "-")
    return lowered if is_language_tag(lowered) and lowered != text else None
