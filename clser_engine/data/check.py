"""Everything that can be wrong with labelled recordings before anybody trains on them.

A finding is one sentence with the recordings or speakers that it is about. Those that make every
figure worthless (a speaker or a sound in two parts of a split, recordings that are not there) are
refused; the others are for a person to judge.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from clser_engine.data.check_tables import (
    Facts,
    Row,
    by_corpus,
    describe_classes,
    describe_licences,
    describe_overlap,
    describe_parts,
    describe_speakers,
    fact_of,
)
from clser_engine.data.confounds import Confound, measure_confound
from clser_engine.data.duplicates import Duplicates, find_duplicates
from clser_engine.data.languages import same_language
from clser_engine.data.manifest import Utterance
from clser_engine.errors import AudioError

CLIPPED_SHARE = 1e-3
QUIET_DB = -50.0
CONFOUNDS = ("speaker", "sentence_id", "gender", "sample rate")
FEW_RECORDINGS = 8  # with fewer, shuffling says nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to know.

    Args:
        kind: A short name for programs, for example `audio in two parts`.
        is_refused: Whether the data must not be used like this.
        sentence: What it is and the way out.
        items: Recordings or speakers that it is about.
    """

    kind: str
    is_refused: bool
    sentence: str
    items: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """What a check found.

    Args:
        findings: The refused ones first.
        tables: Rows by name: parts, classes, speakers, overlap, confounds, licences.
    """

    findings: list[Finding]
    tables: dict[str, list[Row]]

    @property
    def refused(self) -> list[Finding]:
        """The findings for which the data must not be used."""
        return [finding for finding in self.findings if finding.is_refused]


def check_data(
    parts: Mapping[str, Sequence[Utterance]],
    facts: Facts | None = None,
    *,
    is_split: bool = True,
    classes: Collection[str] = (),
) -> DataReport:
    """Check labelled recordings.

    Args:
        parts: The recordings by the name of the part they are in.
        facts: What was measured of each recording by its path; None if nothing was.
        is_split: Whether the parts are to be kept apart, as training and test are.
        classes: Emotions of which every part must have recordings.
    """
    utterances = [utterance for part in parts.values() for utterance in part]
    findings = _check_files(utterances)
    if is_split:
        findings += _check_speakers(parts)
    duplicates: list[Duplicates] = []
    if facts is not None:
        sounds = [facts[u.path] for u in utterances]
        duplicates = find_duplicates([u.path for u in utterances], sounds)
        findings += _check_duplicates(parts, utterances, duplicates, is_split)
        findings += _check_sound(utterances, facts)
    findings += _check_classes(parts, classes)
    findings += _check_tags(utterances)
    confounds, rows = _check_confounds(utterances, facts)
    findings += confounds
    return DataReport(
        findings=sorted(findings, key=lambda finding: not finding.is_refused),
        tables={
            "parts": describe_parts(parts, facts),
            "classes": describe_classes(utterances, facts),
            "speakers": describe_speakers(utterances),
            "overlap": describe_overlap(parts, utterances, duplicates) if is_split else [],
            "confounds": rows,
            "licences": describe_licences(utterances),
        },
    )


def _tell(kind: str, sentence: str, items: list[str]) -> Finding:
    return Finding(kind=kind, is_refused=False, sentence=sentence, items=items)


def _refuse(kind: str, sentence: str, items: list[str]) -> Finding:
    return Finding(kind=kind, is_refused=True, sentence=sentence, items=items)


def _check_files(utterances: Sequence[Utterance]) -> list[Finding]:
    missing = [f"{u.path} (line {u.line})" for u in utterances if not u.path.is_file()]
    if not missing:
        return []
    sentence = (
        f"{len(missing)} of {len(utterances)} recordings missing, first {missing[0]}; bring them "
        "back or correct the paths."
    )
    return [_refuse("missing", sentence, missing)]


def _check_speakers(parts: Mapping[str, Sequence[Utterance]]) -> list[Finding]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, utterances in parts.items():
        for utterance in utterances:
            counts[utterance.speaker_key][name] += 1
    shared = {key: where for key, where in counts.items() if len(where) > 1}
    if not shared:
        return []
    key, where = next(iter(shared.items()))
    others = len(shared) - 1
    more = f", and so are {others} more speaker{'s' if others > 1 else ''}" if others else ""
    sentence = (
        f"The split leaks: the speaker {key} is in {_join(where)}{more}; keep every "
        "speaker in one part."
    )
    items = [f"{key}: {_join(where)}" for key, where in shared.items()]
    return [_refuse("speaker in two parts", sentence, items)]


def _check_duplicates(
    parts: Mapping[str, Sequence[Utterance]],
    utterances: Sequence[Utterance],
    duplicates: Sequence[Duplicates],
    is_split: bool,
) -> list[Finding]:
    part_of = [name for name, part in parts.items() for _ in part]
    across: list[str] = []
    within: list[str] = []
    unlike: list[str] = []
    for group in duplicates:
        item = f"{' = '.join(str(utterances[i].path) for i in group.indices)} ({group.kind})"
        is_across = is_split and len({part_of[i] for i in group.indices}) > 1
        (across if is_across else within).append(item)
        labels = {(utterances[i].emotion, utterances[i].speaker_key) for i in group.indices}
        if len(labels) > 1:
            unlike.append(f"{item}: {', '.join(sorted(f'{e} by {s}' for e, s in labels))}")
    findings = []
    if across:
        sentence = (
            f"The split leaks: {_count(across, 'sound')} in two parts, first {across[0]}; keep one "
            "copy or put them into one part."
        )
        findings.append(_refuse("audio in two parts", sentence, across))
    if within:
        sentence = f"{_count(within, 'sound')} there more than once, first {within[0]}; keep one."
        findings.append(_tell("duplicate", sentence, within))
    if unlike:
        sentence = (
            f"{_count(unlike, 'sound')} there with unlike labels, first {unlike[0]}; find out "
            "which is right."
        )
        findings.append(_tell("unlike labels", sentence, unlike))
    return findings


def _check_sound(utterances: Sequence[Utterance], facts: Facts) -> list[Finding]:
    unreadable, clipped, quiet, rates = [], [], [], Counter[tuple[str, int]]()
    for utterance in utterances:
        one = facts[utterance.path]
        if isinstance(one, AudioError):
            if utterance.path.is_file():
                unreadable.append(str(one))
            continue
        rates[utterance.corpus, one.sample_rate_hz] += 1
        if one.full_scale_share >= CLIPPED_SHARE:
            clipped.append(f"{utterance.path}: {100 * one.full_scale_share:.2f} % at full scale")
        if one.level_db < QUIET_DB:
            quiet.append(f"{utterance.path}: {one.level_db:.0f} dB")
    findings = []
    if unreadable:
        sentence = f"{_count(unreadable, 'recording')} not readable: {unreadable[0]}"
        findings.append(_refuse("unreadable", sentence, unreadable))
    if clipped:
        sentence = (
            f"{_count(clipped, 'recording')} clipped (a thousandth of the samples or more at full "
            f"scale), first {clipped[0]}."
        )
        findings.append(_tell("clipped", sentence, clipped))
    if quiet:
        sentence = (
            f"{_count(quiet, 'recording')} very quiet (below {QUIET_DB:.0f} dB of full scale), "
            f"first {quiet[0]}."
        )
        findings.append(_tell("quiet", sentence, quiet))
    if len({rate for _, rate in rates}) > 1:
        items = [
            f"{corpus}: {count} at {rate} Hz" for (corpus, rate), count in sorted(rates.items())
        ]
        sentence = (
            "Recordings are stored at different sample rates, which a model can hear; check that "
            f"rates do not go with emotions or parts: {'; '.join(items)}."
        )
        findings.append(_tell("sample rates", sentence, items))
    return findings


def _check_classes(
    parts: Mapping[str, Sequence[Utterance]], classes: Collection[str]
) -> list[Finding]:
    findings = []
    counts = {name: Counter(u.emotion for u in part) for name, part in parts.items()}
    wanted = classes or sorted({emotion for part in counts.values() for emotion in part})
    for name, part in counts.items():
        lacking = [emotion for emotion in wanted if not part[emotion]]
        if lacking:
            what = "class has" if len(lacking) == 1 else "classes have"
            sentence = (
                f"In {name} {len(lacking)} {what} no recording: {', '.join(lacking)}; leave them "
                "out or add recordings."
            )
            findings.append((_refuse if classes else _tell)("empty class", sentence, lacking))
    return findings


def _check_tags(utterances: Sequence[Utterance]) -> list[Finding]:
    tags: dict[str, set[str]] = defaultdict(set)
    for utterance in utterances:
        tags[same_language(utterance.language)].add(utterance.language)
    items = [", ".join(sorted(some)) for some in tags.values() if len(some) > 1]
    if not items:
        return []
    sentence = (
        f"One language is written in several ways ({'; '.join(items)}), and speakers under one tag "
        "are not known under the other; write one of them."
    )
    return [_tell("language tags", sentence, items)]


def _check_confounds(
    utterances: Sequence[Utterance], facts: Facts | None
) -> tuple[list[Finding], list[Row]]:
    findings: list[Finding] = []
    rows: list[Row] = []
    for corpus, some in by_corpus(utterances).items():
        for name in CONFOUNDS:
            pairs = [(u.emotion, value) for u in some if (value := _value(u, name, facts))]
            if len(pairs) < FEW_RECORDINGS or len({value for _, value in pairs}) < 2:
                continue
            confound = measure_confound([e for e, _ in pairs], [value for _, value in pairs])
            rows.append(_describe_confound(corpus, name, confound))
            if confound.is_strong:
                findings.append(_confound_finding(corpus, name, confound, pairs))
    return findings, rows


def _confound_finding(
    corpus: str, name: str, confound: Confound, pairs: Sequence[tuple[str, str]]
) -> Finding:
    emotions: dict[str, set[str]] = defaultdict(set)
    for emotion, value in pairs:
        emotions[value].add(emotion)
    alone = sorted(value for value, some in emotions.items() if len(some) == 1)
    what = {"sentence_id": "text"}.get(name, name)
    sentence = (
        f"In {corpus} the {what} gives {100 * confound.share:.0f} % of the emotion away (by chance "
        f"{100 * confound.by_chance:.0f} %): {len(alone)} of {len(emotions)} {what}s occur with "
        "one emotion only; figures on this corpus do not show that emotions are recognised."
    )
    return _tell(f"confound with {what}", sentence, alone)


def _describe_confound(corpus: str, name: str, confound: Confound) -> Row:
    return {
        "corpus": corpus,
        "with": name,
        "gives away %": round(100 * confound.share, 1),
        "by chance %": round(100 * confound.by_chance, 1),
        "strong": "yes" if confound.is_strong else "no",
    }


def _value(utterance: Utterance, name: str, facts: Facts | None) -> str:
    """Return what may give the emotion of a recording away, or nothing."""
    if name == "speaker":
        return utterance.speaker
    if name == "sample rate":
        one = fact_of(utterance, facts)
        return "" if one is None else str(one.sample_rate_hz)
    return utterance.extra.get(name, "")


def _join(counts: Counter[str]) -> str:
    return " and in ".join(
        f"{name} ({count} recording{'s' if count > 1 else ''})" for name, count in counts.items()
    )


def _count(items: Sequence[str], what: str) -> str:
    return f"1 {what} is" if len(items) == 1 else f"{len(items)} {what}s are"
