"""What changed before it broke: the changes before a finding, the likeliest cause first. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dthostmon.changes.relatives import path_words, text_words, unit_words
from dthostmon.model import Change, Finding, FindingSource, PriorChange, ThingKind

WINDOW = timedelta(hours=24)
MAX_SHOWN = 5
MAX_COMPARED = 500  # changes of a window; the newest

# How much a word in common says: a path or a unit is one thing, a number may be many.
_PATH_POINTS = 8.0
_FIELD_POINTS = 6.0
_PROGRAM_POINTS = 5.0
_TEXT_POINTS = 3.0
_NEARNESS_POINTS = 2.0  # for one that has just happened, halved with each two hours
_HALVED_HOURS = 2.0
# What people do breaks more than what happens by itself; what a history tells is told by its effect too.
_KIND_POINTS = {
    ThingKind.PACKAGE: 1.5,
    ThingKind.FILE: 1.5,
    ThingKind.CONTAINER: 1.0,
    ThingKind.SERVICE: 0.0,
    ThingKind.HISTORY: 0.5,
    ThingKind.BOOT: 1.0,
}
_RELATED_FROM = 3.0
_EVERYWHERE = frozenset(
    {"root", "daemon", "nobody", "service", "user", "tcp", "udp", "the", "of", "on", "in", "at", "is", "no"}
)
_EVERYWHERE_POINTS = 0.5  # for words that half of all things have

_PROGRAM = re.compile(r"\b([A-Za-z][\w.+-]{1,40})(?:\[\d+\])?:")
_NUMBER = re.compile(r"\d{2,5}")


def with_changes(findings: Iterable[Finding], changes: Sequence[Change], now: datetime) -> tuple[Finding, ...]:
    """Return the findings, each with the changes of the window before it."""
    window = [change for change in changes if now - WINDOW <= at(change) <= now][:MAX_COMPARED]
    if not window:
        return tuple(findings)
    return tuple(replace(finding, changes=prior_changes(finding, window, now)) for finding in findings)


def prior_changes(finding: Finding, changes: Iterable[Change], now: datetime) -> tuple[PriorChange, ...]:
    """Return what changed before a finding, the likeliest cause first. What a finding itself tells of is left out."""
    words = dict(_words(finding))
    moment = finding.first_seen or now
    ranked = sorted(
        ((_points(change, words, moment), change) for change in changes if not _is_itself(finding, change)),
        key=lambda entry: (-entry[0], -at(entry[1]).timestamp(), entry[1].sentence),
    )
    return tuple(_prior(change, words) for _, change in ranked[:MAX_SHOWN])


def at(change: Change) -> datetime:
    """Return when a change happened, as far as that is known."""
    return change.happened_at or change.seen_at


def _is_itself(finding: Finding, change: Change) -> bool:
    return finding.source is FindingSource.CHANGE and finding.title == change.sentence


def _points(change: Change, words: dict[str, float], moment: datetime) -> float:
    hours = abs((moment - at(change)).total_seconds()) / 3600
    nearness = _NEARNESS_POINTS * 2 ** -(hours / _HALVED_HOURS)
    return _related(change, words)[0] + nearness + _KIND_POINTS.get(change.kind, 0.5)


def _related(change: Change, words: dict[str, float]) -> tuple[float, str]:
    """Return the points of the strongest word in common, and that word."""
    common = (word for word in change.words if word in words)
    return max(
        ((_EVERYWHERE_POINTS if word in _EVERYWHERE else words[word], word) for word in common), default=(0.0, "")
    )


def _prior(change: Change, words: dict[str, float]) -> PriorChange:
    points, word = _related(change, words)
    relation = word if points >= _RELATED_FROM else ""
    return PriorChange(str(change.kind), change.subject, change.sentence, at(change), change.expected, relation)


def _words(finding: Finding) -> Iterator[tuple[str, float]]:
    """Yield what a finding is about, the least telling first: a later one takes its place."""
    texts = [finding.title, *(line.line for line in finding.evidence)]
    for text in texts:
        yield from ((word, _TEXT_POINTS) for word in _lowered(text_words(text)))
    for text in texts:
        yield from ((program.lower(), _PROGRAM_POINTS) for program in _PROGRAM.findall(text))
    if finding.rule:
        yield finding.rule.partition(".")[0].lower(), _PROGRAM_POINTS
    for name, value in finding.fields.items():
        yield from ((word, _FIELD_POINTS) for word in _lowered(_of_field(name, value)))
    for text in texts:
        yield from ((word, _PATH_POINTS) for word in _lowered(text.split()) if word.startswith("/"))


def _of_field(name: str, value: str) -> Iterator[str]:
    yield value
    if value.startswith("/"):
        yield from path_words(value)
    if name == "unit":
        yield from unit_words(value)
    if name == "port" or _NUMBER.fullmatch(value):
        yield value


def _lowered(words: Iterable[str]) -> Iterator[str]:
    return (word.lower().strip(".,:;()[]'\"`") for word in words)
