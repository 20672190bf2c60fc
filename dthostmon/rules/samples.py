"""The test that each rule brings along: its samples, judged by the pack they stand in."""

import re
from collections.abc import Iterator, Sequence

from dthostmon.rules.document import Mistake
from dthostmon.rules.rule import Rule
from dthostmon.rules.ruleset import RuleSet, decide


def sample_mistakes(rules: Sequence[Rule]) -> Sequence[Mistake]:
    """Return what is wrong with a pack's expressions or, where they all compile, with what they say of the samples."""
    mistakes = [mistake for index, rule in enumerate(rules) for mistake in _expression_mistakes(index, rule)]
    if mistakes:
        return mistakes
    rule_set = RuleSet(tuple(rules))
    return [mistake for index, rule in enumerate(rules) for mistake in _judged_otherwise(index, rule, rule_set)]


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
