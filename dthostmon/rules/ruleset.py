"""All rules together: which of them a line could be about, and which it is."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from dthostmon.errors import Problem
from dthostmon.rules.rule import Match, Rule

_VERSION_CHARACTERS = str.maketrans("", "", "0123456789.")


def program_name(program: str) -> str:
    """Return the name that programs are compared by: no case, and no version as in php-fpm8.2."""
    return program.lower().translate(_VERSION_CHARACTERS)


@dataclass(frozen=True)
class RuleSet:
    """The rules in the order of trial: the first that matches decides. `refused` tells of packs left out."""

    rules: tuple[Rule, ...]
    refused: tuple[Problem, ...] = ()
    _literals_by_program: dict[str, tuple[tuple[str, Rule], ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for name in {program_name(program) for rule in self.rules for program in rule.programs}:
            self._literals_by_program[name] = tuple(_literals(self.rules, name))
        self._literals_by_program[""] = tuple(_literals(self.rules, ""))

    def candidates(self, program: str | None, message: str) -> tuple[Rule, ...]:
        """Return the rules whose program and literals fit.

        Literals hold no digit, so a message with other digits in the same places will do.
        """
        literals = self._literals_by_program.get(program_name(program or ""))
        if literals is None:
            literals = self._literals_by_program[""]
        return tuple(dict.fromkeys([rule for literal, rule in literals if literal in message]))


def _literals(rules: Iterable[Rule], program: str) -> Iterable[tuple[str, Rule]]:
    for rule in rules:
        if not rule.programs or program in map(program_name, rule.programs):
            yield from ((literal, rule) for literal in rule.contains or ("",))


def decide(candidates: Iterable[Rule], message: str) -> Match | None:
    """Return the match of the first rule that applies to the message."""
    for rule in candidates:
        if match := rule.match(message):
            return match
    return None
