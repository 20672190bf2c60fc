"""The rules and kinds that steps and `cleared_by` name, and whether any pack has them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dthostmon.rules.counting import Clearing, Step
from dthostmon.rules.document import Mistake, Steps
from dthostmon.rules.rule import Rule
from dthostmon.rules.schema import PackContent
from dthostmon.rules.shapes import did_you_mean


@dataclass(frozen=True, slots=True)
class Names:
    """What may be named: ids of rules, and their kinds."""

    rules: frozenset[str]
    kinds: frozenset[str]


def names_of(rules: Iterable[Rule]) -> Names:
    """Return what some rules may be named by."""
    named = tuple(rules)
    return Names(frozenset(rule.id for rule in named), frozenset(rule.kind for rule in named if rule.kind))


def reference_mistakes(content: PackContent, known: Names) -> Iterator[Mistake]:
    """Yield a mistake for each name in a pack that no rule has: it would never be met by any line."""
    for path, part in _parts(content):
        for index, name in enumerate(part.rules):
            if name not in known.rules:
                hint = did_you_mean(name, known.rules)
                yield Mistake((*path, "rules", index), f"there is no rule '{name}'{hint}")
        for index, name in enumerate(part.kinds):
            if name not in known.kinds:
                hint = did_you_mean(name, known.kinds)
                yield Mistake((*path, "kinds", index), f"no rule has the kind '{name}'{hint}")


def _parts(content: PackContent) -> Iterator[tuple[Steps, Step | Clearing]]:
    for index, rule in enumerate(content.rules):
        if rule.cleared_by:
            yield ("rules", index, "cleared_by"), rule.cleared_by
    for index, sequence in enumerate(content.sequences):
        for at, step in enumerate(sequence.steps):
            yield ("sequences", index, "steps", at), step
