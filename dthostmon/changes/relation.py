"""What changed before it broke: the changes before a finding, the likeliest cause first. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dthostmon.changes.finding_words import names_in, programs_in, text_of, words_in
from dthostmon.changes.symptoms import ABSENCE, SPACE, explained_by, symptoms_in
from dthostmon.model import Change, Finding, FindingSource, PriorChange, ThingKind

WINDOW = timedelta(hours=24)
MAX_SHOWN = 5
MAX_COMPARED = 500  # changes of a window; the newest

_SYMPTOM_POINTS = 3.5
_ABSENCE_POINTS = 1.5  # for what went, where something is missed
_SPACE_POINTS = 4.0
_MORE_POINTS = 0.5  # for each further word in common
_MOST_MORE_POINTS = 2.0
_NEARNESS_POINTS = 2.0  # for one that has just happened, halved with each two hours
_HALVED_HOURS = 2.0
_BORROWED = 0.7  # of the points of a word that another finding about the same trouble has
# What people do breaks more than what happens by itself; what a history tells is told by its effect too.
_KIND_POINTS = {
    ThingKind.PACKAGE: 1.5,
    ThingKind.FILE: 1.5,
    ThingKind.CONTAINER: 1.0,
    ThingKind.SERVICE: 0.0,
    ThingKind.HISTORY: 0.5,
    ThingKind.BOOT: 1.0,
}
_REPEATING_POINTS = -2.0  # for a file whose lines are told as accounts and groups, or that an editor left behind
_REPEATING = re.compile(r"/etc/(?:passwd|shadow|group|gshadow|subuid|subgid)-?|.*(?:~|\.bak|\.orig|\.dpkg-old|/\.#.*)")
_TYPED = 0.6  # of what a command of a history has in common: who looks at a file types its name too
_EFFECT_POINTS = -4.0  # for what is broken itself
_LATER_POINTS = -2.0  # for what happened when it was broken already; or was done once more, to mend it
_SLACK = timedelta(minutes=1)  # logs and files need not be written in the same second
_RELATED_FROM = 3.0
_EFFECTS = ("failed", "restarting", "dead", "exited")


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What a finding is about: words with their points, symptoms, whether something is missed, where there is no space;
    and since when.
    """

    words: Mapping[str, float]
    symptoms: tuple[str, ...]
    is_absence: bool
    full: tuple[str, ...]
    moment: datetime


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A change that may be the cause, its words, and the symptoms that it would explain."""

    change: Change
    words: frozenset[str]
    explains: frozenset[str]
    likelihood: float


@dataclass(frozen=True, slots=True)
class _Read:
    """A finding, what it names as wrong, which programs wrote its lines, and its words."""

    finding: Finding
    names: frozenset[str]
    programs: frozenset[str]
    words: Mapping[str, float]


def with_changes(findings: Iterable[Finding], changes: Sequence[Change], now: datetime) -> tuple[Finding, ...]:
    """Return the findings of a visit, each with the changes of the window before it."""
    window = [change for change in changes if now - WINDOW <= at(change) <= now][:MAX_COMPARED]
    if not window:
        return tuple(findings)
    candidates = [
        _Candidate(change, frozenset(change.words), frozenset(explained_by(change)), _likelihood(change))
        for change in window
    ]
    read = [_Read(finding, names_in(finding), programs_in(finding), words_in(finding)) for finding in findings]
    return tuple(
        _with_changes(one, [other for other in read if _is_of_same(one, other)], candidates, now) for one in read
    )


def _with_changes(one: _Read, others: Sequence[_Read], candidates: Iterable[_Candidate], now: datetime) -> Finding:
    return replace(one.finding, changes=_prior_changes(one.finding, candidates, _trouble(one, others, now)))


def _is_of_same(one: _Read, other: _Read) -> bool:
    """Tell whether another finding says more of the same trouble: it names the same thing, or that wrote its lines."""
    return one is not other and not one.names.isdisjoint(other.names | other.programs)


def _prior_changes(finding: Finding, candidates: Iterable[_Candidate], trouble: _Trouble) -> tuple[PriorChange, ...]:
    """Return what changed before a finding, the likeliest cause first. What a finding itself tells of is left out."""
    related = [(one, *_related(one, trouble)) for one in candidates if not _is_itself(finding, one.change)]
    ranked = sorted(related, key=lambda entry: _rank(entry[0], entry[1], trouble))
    return tuple(_prior(one.change, points, word) for one, points, word in ranked[:MAX_SHOWN])


def _rank(one: _Candidate, related: float, trouble: _Trouble) -> tuple[float, float, str]:
    points = related + _nearness(one.change, trouble.moment) + one.likelihood
    return -points, -at(one.change).timestamp(), one.change.sentence


def at(change: Change) -> datetime:
    """Return when a change happened, as far as that is known."""
    return change.happened_at or change.seen_at


def _trouble(one: _Read, others: Sequence[_Read], now: datetime) -> _Trouble:
    words = dict(one.words)
    for other in others:
        for word, points in other.words.items():
            words[word] = max(words.get(word, 0.0), _BORROWED * points)
    text = "\n".join(text_of(each.finding) for each in (one, *others))
    return _Trouble(
        words,
        tuple(symptoms_in(text)),
        ABSENCE.search(text) is not None,
        tuple(_full_places(one)) if SPACE.search(text) else (),
        one.finding.first_seen or now,
    )


def _full_places(one: _Read) -> Iterator[str]:
    """Yield the folders that may lie where there is no space left: a mount, or what a path begins with."""
    mount = one.finding.fields.get("mount")
    if mount is None:
        yield from {f"/{word.split('/')[1]}/" for word in one.words if word.count("/") > 1 and word[0] == "/"}
    elif mount != "/":
        yield f"{mount}/"


def _is_itself(finding: Finding, change: Change) -> bool:
    return finding.source is FindingSource.CHANGE and finding.title == change.sentence


def _nearness(change: Change, moment: datetime) -> float:
    if change.happened_at and change.happened_at > moment + _SLACK:
        return _LATER_POINTS
    hours = max(0.0, (moment - at(change)).total_seconds() / 3600)
    return float(_NEARNESS_POINTS * 2.0 ** -(hours / _HALVED_HOURS))


def _likelihood(change: Change) -> float:
    if _is_effect(change):
        return _EFFECT_POINTS
    if change.kind is ThingKind.FILE and _REPEATING.fullmatch(change.subject):
        return _REPEATING_POINTS
    return _KIND_POINTS.get(change.kind, 0.5)


def _is_effect(change: Change) -> bool:
    """Tell whether a change is that something broke, and nobody changed it: a unit that failed, a container that ends
    with the image that it had.
    """
    was, now = (change.before or "").split(), (change.after or "").split()
    if not any(word.strip(",") in _EFFECTS for word in now):
        return False
    return change.kind is ThingKind.SERVICE or (change.kind is ThingKind.CONTAINER and was[:2] == now[:2])


def _related(one: _Candidate, trouble: _Trouble) -> tuple[float, str]:
    """Return the points of what a change has in common with a trouble, and the strongest of it in a word."""
    common = sorted(((trouble.words[word], word) for word in one.words & trouble.words.keys()), reverse=True)
    best = common[:1]
    best += [(_SYMPTOM_POINTS, name) for name in trouble.symptoms if name in one.explains][:1]
    if trouble.full:
        best += [(_SPACE_POINTS, word) for word in one.change.words if word.startswith(trouble.full)][:1]
    if not best:
        return 0.0, ""
    points = sum(points for points, _ in best) + min(_MOST_MORE_POINTS, _MORE_POINTS * len(common[1:]))
    if trouble.is_absence and one.change.after is None:
        points += _ABSENCE_POINTS
    return points * (_TYPED if one.change.kind is ThingKind.HISTORY else 1.0), max(best)[1]


def _prior(change: Change, points: float, word: str) -> PriorChange:
    relation = word if points >= _RELATED_FROM else ""
    return PriorChange(str(change.kind), change.subject, change.sentence, at(change), change.expected, relation)
