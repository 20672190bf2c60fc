"""All rules together: which of them a line could be about, which it is, and what is counted of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dthostmon.errors import Problem
from dthostmon.rules.counting import Clearing, Escalation, RuleSequence, Step
from dthostmon.rules.literals import LiteralIndex, rules_of_all, words_of
from dthostmon.rules.rule import NO_PROGRAM, Match, Rule
from dthostmon.rules.trails import TrailKey, Watch

_VERSION_CHARACTERS = str.maketrans("", "", "0123456789.")
_ANY_PROGRAM = ""


def program_name(program: str) -> str:
    """Return the name that programs are compared by: no case, no version as in php-fpm8.2, no part as in
    sshd(pam_unix), no brackets as in (squid-1).
    """
    return program.strip("()").partition("(")[0].lower().translate(_VERSION_CHARACTERS)


@dataclass(frozen=True)
class RuleSet:
    """The rules in the order of trial: the first that matches decides. `refused` tells of packs left out."""

    rules: tuple[Rule, ...]
    refused: tuple[Problem, ...] = ()
    sequences: tuple[RuleSequence, ...] = ()
    _literals_by_program: dict[str | None, LiteralIndex] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _telling: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _programs: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _watches: dict[str, dict[tuple[str, ...], list[Watch]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _windows: dict[TrailKey, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    _escalations: dict[TrailKey, Escalation] = field(default_factory=dict, init=False, repr=False, compare=False)
    _cleared: dict[str, tuple[Rule, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _completed: dict[str, tuple[RuleSequence, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._programs.update(program_name(program) for rule in self.rules for program in rule.programs)
        self._cleared.update(_cleared(self.rules))
        for rule in self.rules:
            if completed := tuple(one for one in self.sequences if is_step(one.steps[-1], rule)):
                self._completed[rule.id] = completed
            if watches := (*_own_watches(rule), *_step_watches(rule, self.sequences)):
                for watch in watches:
                    self._watches.setdefault(rule.id, {}).setdefault(watch.by, []).append(watch)
                self._windows.update((watch.owner, watch.within) for watch in watches)
                self._escalations.update(((rule.id, str(at)), one) for at, one in enumerate(rule.escalations))

        also = (self._watches, self._completed, self._cleared)
        self._telling.update(one.id for one in self.rules if one.speaks or any(one.id in known for known in also))

    def candidates(self, program: str | None, message: str) -> tuple[Rule, ...]:
        """Return the rules whose program and literals fit.

        Literals hold no digit, so a message with other digits in the same places will do.
        """
        return self.candidates_of_all([program], [message])[0]

    def candidates_of_all(self, programs: Sequence[str | None], messages: Sequence[str]) -> list[tuple[Rule, ...]]:
        """Return the candidates for each of many messages and their programs: together they cost less."""
        name_of = {program: self._indexed_name(program) for program in dict.fromkeys(programs)}
        places: dict[str, list[int]] = {}
        for place, program in enumerate(programs):
            places.setdefault(name_of[program], []).append(place)
        found: list[tuple[Rule, ...]] = [()] * len(messages)
        for name, its_places in places.items():
            its_messages = [messages[place] for place in its_places]
            text = "\n".join(its_messages)
            words = words_of(text)
            literals = [*self._literals(name).occurring(text, words), *self._literals(None).occurring(text, words)]
            for place, candidates in zip(its_places, rules_of_all(literals, its_messages), strict=True):
                found[place] = candidates
        return found

    def _indexed_name(self, program: str | None) -> str:
        """Return under which name the literals of a program are.

        Programs that no rule names share one, so that made-up names take no memory.
        """
        if not program:
            return NO_PROGRAM
        name = program_name(program)
        return name if name in self._programs else _ANY_PROGRAM

    def _literals(self, name: str | None) -> LiteralIndex:
        """Return the literals to look for under a name, made when a first line asks: few programs have one.

        None = those of the rules for any program. They are in one index for all: each name would take 60 KB for them.
        """
        if name not in self._literals_by_program:
            rules = ((place, rule) for place, rule in enumerate(self.rules) if _names(rule, name))
            self._literals_by_program[name] = LiteralIndex(rules)
        return self._literals_by_program[name]

    def may_tell(self, rule: Rule) -> bool:
        """Tell whether a line of the rule is looked at: it may become a finding, or a part of one."""
        return rule.id in self._telling

    def watches_by(self, rule: Rule) -> Mapping[tuple[str, ...], Sequence[Watch]]:
        """Return what is counted of the rule's lines within windows of time, by the fields that the lines agree in."""
        return self._watches.get(rule.id, {})

    def window(self, key: TrailKey) -> float | None:
        """Return how many seconds a trail reaches back; None where no rule asks for it any more."""
        return self._windows.get(key[:2])

    def escalation(self, key: TrailKey) -> Escalation | None:
        """Return what the count of a trail may reach; None where it is a step of a sequence."""
        return self._escalations.get(key[:2])

    def clears(self, rule: Rule) -> tuple[Rule, ...]:
        """Return the rules whose findings a line of the rule may turn into notes."""
        return self._cleared.get(rule.id, ())

    def completed_by(self, rule: Rule) -> tuple[RuleSequence, ...]:
        """Return the sequences whose last step a line of the rule is."""
        return self._completed.get(rule.id, ())


def _own_watches(rule: Rule) -> Iterable[Watch]:
    for index, escalation in enumerate(rule.escalations):
        yield Watch((rule.id, str(index)), escalation.within, escalation.by)


def _step_watches(rule: Rule, sequences: Iterable[RuleSequence]) -> Iterable[Watch]:
    for sequence in sequences:
        for index, step in enumerate(sequence.steps[:-1]):
            if is_step(step, rule):
                yield Watch((sequence.id, str(index)), sequence.within, sequence.by)


def _cleared(rules: Iterable[Rule]) -> Iterable[tuple[str, tuple[Rule, ...]]]:
    clearable = [(rule, rule.cleared_by) for rule in rules if rule.cleared_by]
    for rule in rules:
        if cleared := tuple(other for other, clearing in clearable if is_step(clearing, rule)):
            yield rule.id, cleared


def is_step(step: Step | Clearing, rule: Rule) -> bool:
    """Tell whether lines of the rule count for the step."""
    return rule.id in step.rules or rule.kind in step.kinds


def _names(rule: Rule, program: str | None) -> bool:
    """Tell whether a rule names a program; None = whether it is for any."""
    return not rule.programs if program is None else program in map(program_name, rule.programs)


def decide(candidates: Iterable[Rule], message: str) -> Match | None:
    """Return the match of the first rule that applies to the message."""
    for rule in candidates:
        if match := rule.match(message):
            return match
    return None
