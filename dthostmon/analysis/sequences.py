"""Lines that follow each other: what came before, in this visit or an earlier one, decides what the last one means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dthostmon.analysis.grouping import Group
from dthostmon.analysis.sightings import Sighting, Sightings
from dthostmon.model import Evidence, Finding, History, Severity
from dthostmon.rules import RuleSequence, RuleSet, Trail, TrailKey, follows


@dataclass(slots=True)
class KnownTrail:
    """A trail of this visit and those before, with some of its lines. `since` is its first second of this visit."""

    trail: Trail
    evidence: tuple[Evidence, ...]
    since: float | None


def complete_sequences(
    sightings: Sightings, rules: RuleSet, history: History
) -> tuple[Sequence[Finding], Mapping[TrailKey, KnownTrail]]:
    """Return the findings of completed sequences, and the trails that are left.

    A line that completes nothing goes to the group of its own rule.
    """
    trails = _joined_trails(sightings, rules, history)
    groups: dict[TrailKey, Group] = {}
    for sighting in sorted(sightings.completions, key=lambda one: one.at):
        rule = sighting.match.rule
        completed = [one for one in rules.completed_by(rule) if _complete(one, sighting, trails, groups)]
        if not completed and rule.speaks:
            sightings.grouping.add(sighting.match, sighting.line, sighting.times)
    severities = {one.id: one.severity for one in rules.sequences}
    return [group.finding(severities[key[0]]) for key, group in groups.items()], trails


def _joined_trails(sightings: Sightings, rules: RuleSet, history: History) -> dict[TrailKey, KnownTrail]:
    """Put what was seen now to what was seen before; an old trail of a rule that is gone is left out."""
    joined = {
        key: KnownTrail(Trail(within, dict(old.counts)), old.evidence, None)
        for key, old in history.trails.items()
        if (within := rules.window(key)) is not None
    }
    for key, watched in sightings.trails.items():
        new = watched.trail
        known = joined.setdefault(key, KnownTrail(Trail(new.within), (), None))
        known.since = min(new.counts)
        known.evidence = (*known.evidence[:1], *watched.evidence)
        known.trail.peak = new.peak
        for second, count in new.counts.items():
            known.trail.add(second, count)
    return joined


def _complete(
    sequence: RuleSequence,
    sighting: Sighting,
    trails: Mapping[TrailKey, KnownTrail],
    groups: dict[TrailKey, Group],
) -> bool:
    """Tell whether a line completes a sequence; if it does, add it to its finding and forget what led there.

    What explains a line (INFO) is not forgotten: a shutdown explains all that stops with it.
    """
    fields = sighting.match.fields
    values = tuple(fields.get(name, "") for name in sequence.by)
    moment = sighting.at
    known = [trails.get((sequence.id, str(index), *values)) for index in range(len(sequence.steps) - 1)]
    needed = [step.count for step in sequence.steps]
    before = follows(zip([one.trail if one else None for one in known], needed, strict=False), moment)
    if not before:
        return False
    lines = [line for one in known if one for line in one.evidence]
    key = (sequence.id, *values)
    group = groups.setdefault(key, Group(sequence, values))
    group.add(fields, [*lines[:2], *lines[-1:], sighting.line], before + sighting.times)
    if sequence.severity > Severity.INFO:
        _forget(known, moment)
    return True


def _forget(known: Sequence[KnownTrail | None], moment: float) -> None:
    for one in known:
        if one:
            one.trail.forget(moment)
