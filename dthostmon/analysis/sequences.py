"""Lines that follow each other: what came before, in this visit or an earlier one, decides what the last one means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dthostmon.analysis.batch import Sighting, batches_of
from dthostmon.analysis.grouping import Group
from dthostmon.analysis.seen_line import SeenLine
from dthostmon.analysis.sightings import Sightings
from dthostmon.model import Evidence, Finding, History
from dthostmon.rules import RuleSequence, RuleSet, Trail, TrailKey, follows


@dataclass(slots=True)
class KnownTrail:
    """A trail of this visit and those before, with some of its lines. `since` is its first second of this visit."""

    trail: Trail
    lines: tuple[Evidence | SeenLine, ...]
    since: float | None

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Some of its lines, to be kept."""
        return tuple(line.evidence() if isinstance(line, SeenLine) else line for line in self.lines)


def complete_sequences(
    sightings: Sightings, rules: RuleSet, history: History
) -> tuple[Sequence[Finding], Mapping[TrailKey, KnownTrail]]:
    """Return the findings of completed sequences, and the trails that are left.

    A line that completes nothing goes to the group of its own rule.
    """
    trails = _joined_trails(sightings, rules, history)
    groups: dict[TrailKey, Group] = {}
    left = []
    for sighting in sorted(sightings.completions.lines, key=lambda one: one.at):
        rule = sighting.match.rule
        completed = [one for one in rules.completed_by(rule) if _complete(one, sighting, trails, groups)]
        if not completed and rule.speaks:
            left.append(sighting)
    for batch in batches_of(left):
        sightings.grouping.add(batch)
    severities = {one.id: one.severity for one in rules.sequences}
    return [group.finding(severities[key[0]]) for key, group in groups.items()], trails


def _joined_trails(sightings: Sightings, rules: RuleSet, history: History) -> dict[TrailKey, KnownTrail]:
    """Put what was seen now to what was seen before; an old trail of a rule that is gone is left out."""
    joined = {
        key: KnownTrail(Trail(within, dict(old.counts)), old.evidence, None)
        for key, old in history.trails.items()
        if (within := rules.window(key)) is not None
    }
    for key, watched in sightings.trails.by_key.items():
        new, old = watched.trail, joined.get(key)
        if old is None:
            joined[key] = KnownTrail(new, watched.lines, min(new.counts))
            continue
        old.since = min(new.counts)
        old.lines = (*old.lines[:1], *watched.lines)
        old.trail.absorb(new, old.since)
    return joined


def _complete(
    sequence: RuleSequence,
    sighting: Sighting,
    trails: Mapping[TrailKey, KnownTrail],
    groups: dict[TrailKey, Group],
) -> bool:
    """Tell whether a line completes a sequence; if it does, add it to its finding and forget what led there."""
    fields = sighting.match.fields
    values = tuple(fields.get(name, "") for name in sequence.by)
    moment = sighting.at
    known = []
    for index in range(len(sequence.steps) - 1):
        if (one := trails.get((sequence.id, str(index), *values))) is None:
            return False
        known.append(one)
    needed = [step.count for step in sequence.steps]
    before = follows(zip([one.trail for one in known], needed, strict=False), moment)
    if not before:
        return False
    lines = [line for one in known for line in one.lines]
    key = (sequence.id, *values)
    group = groups.setdefault(key, Group(sequence, values))
    shown: list[Evidence | SeenLine] = [*lines[:2], *lines[-1:], sighting.line]
    group.add({name: [value] for name, value in fields.items()}, shown, before + sighting.times)
    group.note_times(line.time for line in shown)
    for one in known:
        one.trail.forget(moment)
    return True
