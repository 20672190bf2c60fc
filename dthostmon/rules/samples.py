"""The test that each rule brings along: its samples, judged by the pack they stand in."""

import re
from collections.abc import Iterable, Iterator, Sequence

from dthostmon.rules.counting import RuleSequence, Step
from dthostmon.rules.document import Mistake
from dthostmon.rules.rule import Match, Rule
from dthostmon.rules.ruleset import RuleSet, decide
from dthostmon.rules.trails import Trail, TrailKey, follows

_LINE = re.compile(r"(\S+?): (.*)", re.DOTALL)


def sample_mistakes(rules: Sequence[Rule], sequences: Sequence[RuleSequence] = ()) -> Sequence[Mistake]:
    """Return what is wrong with a pack's expressions or, where they all compile, with what they say of the samples."""
    mistakes = [mistake for index, rule in enumerate(rules) for mistake in _expression_mistakes(index, rule)]
    if mistakes:
        return mistakes
    rule_set = RuleSet(tuple(rules), sequences=tuple(sequences))
    of_rules = [mistake for index, rule in enumerate(rules) for mistake in _judged_otherwise(index, rule, rule_set)]
    of_sequences = [mistake for index, one in enumerate(sequences) for mistake in _told_otherwise(index, one, rule_set)]
    return of_rules + of_sequences


def _expression_mistakes(index: int, rule: Rule) -> Iterator[Mistake]:
    where = ("rules", index, "match")
    try:
        groups = rule.pattern.groupindex
    except (re.error, OverflowError, RecursionError) as exc:
        yield Mistake(where, f"this is no regular expression: {exc}")
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
            yield Mistake(path, f"should be decided by {rule.id} but is by {decided or 'no rule'}: {sample}")
    for position, sample in enumerate(rule.other_samples):
        if _decided_by(sample, rule, rule_set) == rule.id:
            yield Mistake(
                ("rules", index, "samples", "no_match", position), f"should not be decided by {rule.id}: {sample}"
            )


def _decided_by(sample: str, rule: Rule, rule_set: RuleSet) -> str | None:
    match = decide(rule_set.candidates(rule.programs[0] if rule.programs else None, sample), sample)
    return match.rule.id if match else None


def _told_otherwise(index: int, sequence: RuleSequence, rule_set: RuleSet) -> Iterator[Mistake]:
    for key, stories, expected in (
        ("match", sequence.matching_samples, True),
        ("no_match", sequence.other_samples, False),
    ):
        for position, story in enumerate(stories):
            if _is_completed(sequence, story, rule_set) is not expected:
                verb = "should complete" if expected else "should not complete"
                yield Mistake(("sequences", index, "samples", key, position), f"{verb} {sequence.id}: {story[-1]}")


def _is_completed(sequence: RuleSequence, story: Sequence[str], rule_set: RuleSet) -> bool:
    """Tell the story a second a line, and whether any of its lines completes the sequence."""
    trails: dict[TrailKey, Trail] = {}
    for second, line in enumerate(story):
        match = _decided(line, rule_set)
        if match is None:
            continue
        values = tuple(match.fields.get(name, "") for name in sequence.by)
        if sequence in rule_set.completed_by(match.rule):
            earlier = [(trails.get((sequence.id, str(at), *values)), step.count) for at, step in _earlier(sequence)]
            if follows(earlier, second):
                return True
        for watch in rule_set.watches(match.rule):
            if watch.owner[0] == sequence.id and (key := watch.key(match.fields)):
                trails.setdefault(key, Trail(sequence.within)).add(second, 1)
    return False


def _earlier(sequence: RuleSequence) -> Iterable[tuple[int, Step]]:
    return enumerate(sequence.steps[:-1])


def _decided(line: str, rule_set: RuleSet) -> Match | None:
    found = _LINE.match(line)
    program, message = (found[1], found[2]) if found else (None, line)
    return decide(rule_set.candidates(program, message), message)
