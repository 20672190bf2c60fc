"""The test that each rule brings along: its samples, judged by the pack they stand in."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from dthostmon.rules.counting import RuleSequence, Step
from dthostmon.rules.document import Mistake
from dthostmon.rules.expressions import slowness
from dthostmon.rules.rule import Match, Rule
from dthostmon.rules.ruleset import RuleSet, decide, is_step
from dthostmon.rules.trails import Trail, TrailKey, follows

_LINE = re.compile(r"(\S+?): (.*)", re.DOTALL)
_STAMP = re.compile(r"(?:<\d{1,3}>(?:1 )?)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)")
_TAG = re.compile(r"([\w./-]{1,64})(?:\([\w.-]{1,64}\))?(?:\[\d{1,10}\])?: ")

_HAS_HEADER = "it looks as if it had a syslog header; samples are written without"


def sample_mistakes(rules: Sequence[Rule]) -> Sequence[Mistake]:
    """Return what is wrong with a pack's expressions or, where all are good, with what they say of the samples."""
    mistakes = [mistake for index, rule in enumerate(rules) for mistake in _expression_mistakes(index, rule)]
    if mistakes:
        return mistakes
    rule_set = RuleSet(tuple(rules))
    return [mistake for index, rule in enumerate(rules) for mistake in _judged_otherwise(index, rule, rule_set)]


def _expression_mistakes(index: int, rule: Rule) -> Iterator[Mistake]:
    where = ("rules", index, "match")
    try:
        groups = rule.pattern.groupindex
        slow = slowness(rule.expression)
    except (re.error, OverflowError, RecursionError) as exc:
        yield Mistake(where, f"this is no regular expression: {exc}")
        return
    if slow:
        yield Mistake(where, slow)
        return
    if rule.pattern.search(""):
        yield Mistake(where, "the expression fits an empty line, so it fits every line; say more")
    for name in rule.fields:
        if name not in groups:
            yield Mistake(where, f"the field '{name}' is not captured; name a group (?P<{name}>...)")


def _judged_otherwise(index: int, rule: Rule, rule_set: RuleSet) -> Iterator[Mistake]:
    for position, sample in enumerate(rule.matching_samples):
        decided = _decided_by(sample, rule, rule_set)
        if decided != rule.id:
            path = ("rules", index, "samples", "match", position)
            why = "" if decided else f" ({_why_not(sample, rule)})"
            yield Mistake(path, f"should be decided by {rule.id} but is by {decided or 'no rule'}: {sample}{why}")
    for position, sample in enumerate(rule.other_samples):
        if _decided_by(sample, rule, rule_set) == rule.id:
            yield Mistake(
                ("rules", index, "samples", "no_match", position), f"should not be decided by {rule.id}: {sample}"
            )


def _decided_by(sample: str, rule: Rule, rule_set: RuleSet) -> str | None:
    match = decide(rule_set.candidates(rule.programs[0] if rule.programs else None, sample), sample)
    return match.rule.id if match else None


def _why_not(sample: str, rule: Rule) -> str:
    """Say why a rule does not decide a sample of its own."""
    tag = _TAG.match(sample)
    if _STAMP.match(sample):
        return _HAS_HEADER
    if tag and _fits(sample[tag.end() :], rule):
        program = RuleSet((rule,)).candidates(tag[1], sample)
        return _HAS_HEADER if program else f"{_HAS_HEADER}, and its program '{tag[1]}' is not among 'programs'"
    if not _contains(sample, rule):
        return f"'contains' does not occur in it: {' or '.join(map(repr, rule.contains))}"
    found = rule.pattern.search(sample)
    if not found:
        return "'match' does not match it"
    empty = [name for name in rule.fields if not found[name]]
    return f"'match' captures nothing as {' and '.join(empty)}"


def _fits(message: str, rule: Rule) -> bool:
    return _contains(message, rule) and rule.match(message) is not None


def _contains(message: str, rule: Rule) -> bool:
    return not rule.contains or any(literal in message for literal in rule.contains)


def sequence_sample_mistakes(sequences: Sequence[RuleSequence], rules: Sequence[Rule]) -> Sequence[Mistake]:
    """Return what is wrong with what a pack's sequences say of their samples, in which `rules` decide the lines."""
    if not sequences:
        return ()
    rule_set = RuleSet(tuple(rules), sequences=tuple(sequences))
    return [mistake for index, one in enumerate(sequences) for mistake in _told_otherwise(index, one, rule_set)]


def _told_otherwise(index: int, sequence: RuleSequence, rule_set: RuleSet) -> Iterator[Mistake]:
    where = ("sequences", index, "samples")
    for position, story in enumerate(sequence.matching_samples):
        told = _told(story, rule_set)
        if not _is_completed(sequence, told, rule_set):
            words = f"should complete {sequence.id}: {story[-1] if story else 'no line'}"
            yield Mistake((*where, "match", position), f"{words} ({_stop(sequence, told, rule_set)})")
    for position, story in enumerate(sequence.other_samples):
        if _is_completed(sequence, _told(story, rule_set), rule_set):
            yield Mistake((*where, "no_match", position), f"should not complete {sequence.id}: {story[-1]}")


@dataclass(frozen=True, slots=True)
class _Told:
    """A line of a story, and what decides it."""

    program: str | None
    message: str
    match: Match | None


def _told(story: Iterable[str], rule_set: RuleSet) -> Sequence[_Told]:
    return [_decided(line, rule_set) for line in story]


def _decided(line: str, rule_set: RuleSet) -> _Told:
    found = _LINE.match(line)
    program, message = (found[1], found[2]) if found else (None, line)
    return _Told(program, message, decide(rule_set.candidates(program, message), message))


def _is_completed(sequence: RuleSequence, story: Sequence[_Told], rule_set: RuleSet) -> bool:
    """Tell the story a second a line, and whether any of its lines completes the sequence."""
    trails: dict[TrailKey, Trail] = {}
    for second, told in enumerate(story):
        match = told.match
        if match is None:
            continue
        values = tuple(match.fields.get(name, "") for name in sequence.by)
        if sequence in rule_set.completed_by(match.rule):
            earlier = [(trails.get((sequence.id, str(at), *values)), step.count) for at, step in _earlier(sequence)]
            if follows(earlier, second):
                return True
        for watch in chain.from_iterable(rule_set.watches_by(match.rule).values()):
            if watch.owner[0] == sequence.id and (key := watch.key(match.fields)):
                trails.setdefault(key, Trail(sequence.within)).add(second, 1)
    return False


def _earlier(sequence: RuleSequence) -> Iterable[tuple[int, Step]]:
    return enumerate(sequence.steps[:-1])


def _stop(sequence: RuleSequence, story: Sequence[_Told], rule_set: RuleSet) -> str:
    """Say how far a story gets in a sequence, and what of it is not understood."""
    groups = dict.fromkeys(
        tuple(told.match.fields.get(name, "") for name in sequence.by) for told in story if told.match
    )
    at, count = max((_reached(sequence, story, values) for values in groups), default=(0, 0))
    step = sequence.steps[at]
    named = ", ".join((*step.rules, *step.kinds))
    reasons = [f"it stops at step {at + 1}: {count} of {step.count} lines of {named}"]
    reasons += dict.fromkeys(reason for told in story if (reason := _not_a_step(told, sequence, rule_set)))
    return "; ".join(reasons)


def _reached(sequence: RuleSequence, story: Sequence[_Told], values: tuple[str, ...]) -> tuple[int, int]:
    """Return which step the lines with these values of `by` get to, and how many lines they have of it."""
    at = count = 0
    for told in story:
        match = told.match
        if match is None or tuple(match.fields.get(name, "") for name in sequence.by) != values:
            continue
        count += is_step(sequence.steps[at], match.rule)
        if count >= sequence.steps[at].count and at + 1 < len(sequence.steps):
            at, count = at + 1, 0
    return at, count


def _not_a_step(told: _Told, sequence: RuleSequence, rule_set: RuleSet) -> str | None:
    """Say why a line counts for no step, where that may be a slip."""
    if told.match:
        return _not_counted(told.match, sequence)
    if _STAMP.match(f"{told.program}: {told.message}") or _STAMP.match(told.message):
        return _HAS_HEADER
    wanted = [rule for rule in rule_set.rules if any(is_step(step, rule) for step in sequence.steps)]
    meant = next((rule for rule in wanted if _fits(told.message, rule)), None)
    if meant:
        program = f"program '{told.program}' is" if told.program else "line has no program and so is"
        return f"a {program} not among the programs of {meant.id}"
    return f"no rule decides '{told.message}'"


def _not_counted(match: Match, sequence: RuleSequence) -> str | None:
    if not any(is_step(step, match.rule) for step in sequence.steps):
        return f"a line is of {match.rule.id}, which no step names"
    missing = [name for name in sequence.by if name not in match.fields]
    return f"{match.rule.id} does not capture {', '.join(missing)}" if missing else None
