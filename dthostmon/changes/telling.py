"""What a visit tells of what changed: in words, how much it matters, whether it was to be expected. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dthostmon.changes.causes import Movement, cause_of, movement_of
from dthostmon.changes.relatives import diff_words, text_words, words_of
from dthostmon.changes.table import Entry, entry_of
from dthostmon.changes.wording import Wording, wordings
from dthostmon.model import (
    Change,
    ChangePolicy,
    Difference,
    Finding,
    FindingSource,
    Package,
    Severity,
    Thing,
    ThingKind,
)

MAX_CHANGES = 1000  # of a visit; a host that shows more was rebuilt
EXPLAINING = frozenset({ThingKind.PACKAGE, ThingKind.FILE})
CHANGE_RULE = "change"
_TIMES = ("modified_at", "installed_at", "started_at", "at")


@dataclass(frozen=True, slots=True)
class ToldChange:
    """A change, and the finding that it makes where nothing explains it and it matters."""

    change: Change
    finding: Finding | None


def tell(
    differences: Sequence[Difference],
    recent: Sequence[Change],
    policy: ChangePolicy,
    seen_at: datetime,
    known_at: datetime | None = None,
) -> tuple[ToldChange, ...]:
    """Say what changed. `recent` are the changes of the hours before, which may explain some of these.

    `known_at` is when the host was last seen as it was before; None = not known.
    """
    movements = [*_movements(differences), *(movement_of(one) for one in recent if one.kind in EXPLAINING)]
    told: list[ToldChange] = []
    for difference in differences:
        cause = cause_of(difference, movements, policy.expectations)
        happened_at = _happened_at(difference, seen_at, known_at)
        told += (_told(difference, wording, cause, policy, seen_at, happened_at) for wording in wordings(difference))
    return tuple(told[:MAX_CHANGES])


def _movements(differences: Iterable[Difference]) -> Iterator[Movement]:
    for difference in differences:
        thing = difference.thing
        if thing.kind in EXPLAINING:
            for wording in wordings(difference):
                words = frozenset(_words_of(difference))
                yield Movement(thing.kind, thing.subject, wording.sentence, words, difference.before is None)


def _words_of(difference: Difference, *more: str) -> tuple[str, ...]:
    """Return the words of a thing; an upgraded package explains too that files of its old version are gone."""
    was, now = difference.before, difference.after
    if isinstance(was, Package) and isinstance(now, Package):
        dropped = {*was.owns} - {*now.owns}
        return words_of(replace(now, owns=(*now.owns, *sorted(dropped))), *more)
    return words_of(difference.thing, *more)


def _told(
    difference: Difference,
    wording: Wording,
    cause: str,
    policy: ChangePolicy,
    seen_at: datetime,
    happened_at: datetime | None,
) -> ToldChange:
    thing = difference.thing
    entry = entry_of(thing.kind, wording)
    severity = policy.severities.get(entry.id, entry.severity) if entry else Severity.INFO
    change = Change(
        kind=thing.kind,
        subject=wording.subject,
        before=wording.before,
        after=wording.after,
        sentence=wording.sentence,
        severity=Severity.INFO if cause else severity,
        expected=bool(cause),
        seen_at=seen_at,
        cause=cause,
        happened_at=happened_at,
        diff=wording.diff,
        words=_words_of(difference, *_words_of_change(difference, wording)),
    )
    if entry is None or change.severity is Severity.INFO:
        return ToldChange(change, None)
    return ToldChange(change, _finding(change, entry))


def _finding(change: Change, entry: Entry) -> Finding:
    return Finding(
        kind=entry.id,
        severity=change.severity,
        title=change.sentence,
        source=FindingSource.CHANGE,
        rule=f"{CHANGE_RULE}.{entry.id}",
        recommended_action=entry.action,
        fields={"subject": change.subject},
        first_seen=change.happened_at or change.seen_at,
        last_seen=change.seen_at,
    )


def _words_of_change(difference: Difference, wording: Wording) -> Iterator[str]:
    """Yield the words of what a thing was before, of changed lines of a file, and of a command of a history."""
    if difference.before and difference.after:
        yield from words_of(difference.before)
    yield from diff_words(wording.diff)
    if difference.thing.kind is ThingKind.HISTORY:
        yield from text_words(wording.after or "")


def _happened_at(difference: Difference, seen_at: datetime, known_at: datetime | None) -> datetime | None:
    """Return when the host says that it happened, where that can be: after it was last seen otherwise, and not after
    this visit. The time of a file that a package or `cp -p` brought is that of its making.
    """
    thing: Thing | None = difference.after
    times = (getattr(thing, name, None) for name in _TIMES)
    moment = next((time for time in times if isinstance(time, datetime)), None)
    earliest = known_at.replace(microsecond=0) if known_at else None  # hosts tell seconds
    is_possible = moment is not None and moment <= seen_at and (earliest is None or earliest <= moment)
    return moment if is_possible else None
