"""What the lines of one visit say by themselves: templates with their counts, and what the rules see.

Everything slow happens once per distinct key of a block. Only lines that a rule may speak of are looked at themselves,
because a key has lost the digits that a rule may ask for (a status, an address).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress

from dthostmon import templates
from dthostmon.analysis.keys import Key, KeyTable
from dthostmon.analysis.moment import Moment
from dthostmon.analysis.own_logins import LOGIN_RULE, MAX_LOGINS, Login, OwnLogins, sort_out
from dthostmon.analysis.plans import Plan, plan
from dthostmon.analysis.seen_line import SeenLine
from dthostmon.analysis.sightings import Sighting, Sightings
from dthostmon.model import TemplateCount
from dthostmon.rules import Match, Rule, RuleSet

MAX_LINES_PER_RULE = 20_000
MAX_PLANS = 10_000
MAX_TIMES = 10_000
NO_MOMENT = Moment(datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Tally:
    """What went through judgement: counted from the judged lines and their newlines, never from the data's size."""

    bytes: int = 0
    lines: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.bytes + other.bytes, self.lines + other.lines)


@dataclass(frozen=True, slots=True)
class Observation:
    r"""What was seen in one host's logs, all together. `lines` counts records separated by \n alone.

    `tallies` are by path, `templates` most frequent first, `overflow` counts the lines of kinds beyond the limit.
    `own_addresses` are those that the host is known to have seen us come from.
    """

    lines: int
    tallies: Mapping[str, Tally]
    templates: tuple[TemplateCount, ...]
    sightings: Sightings
    overflow: int
    own_addresses: frozenset[str] = frozenset()


def observe(
    logs: Sequence[tuple[str, bytes]], rules: RuleSet, own: OwnLogins | None = None, moment: Moment | None = None
) -> Observation:
    """Read the new bytes of a host's logs, (path, data) each."""
    table = KeyTable(rules)
    judging = _Judging(rules, own, moment)
    tallies: dict[str, Tally] = {}
    for path, data in logs:
        tallies.setdefault(path, Tally())
        for block in templates.blocks(data):
            tallies[path] += _observe_block(path, block, table, judging)
    own_addresses = judging.tell_foreign_logins()
    return Observation(
        lines=sum(tally.lines for tally in tallies.values()),
        tallies=tallies,
        templates=_template_counts(table),
        sightings=judging.sightings,
        overflow=table.overflow,
        own_addresses=own_addresses,
    )


def _observe_block(path: str, block: bytes, table: KeyTable, judging: "_Judging") -> Tally:
    keys, lines = templates.split_keys(block), templates.split_lines(block)
    counts = Counter(keys)
    known = table.look_up(counts, keys, lines)
    table.count(path, keys, counts, lines)
    size = sum(map(len, keys))
    judging.judge(path, judging.suspects(known, counts), keys, lines)
    newlines = len(keys) - (not block.endswith(b"\n"))
    return Tally(size + newlines, len(keys))


class _Judging:
    """The rules of one run at work: looks at the lines of the keys that may tell, and gathers what the rules say."""

    def __init__(self, rules: RuleSet, own: OwnLogins | None, moment: Moment | None) -> None:
        self.sightings = Sightings(rules)
        self._rules = rules
        self._own = own
        self._moment = moment
        self._now = (moment or NO_MOMENT).now.timestamp()
        self._plans: dict[int, tuple[Key, Plan | None]] = {}  # with the key, so that no other one gets its id
        self._times: dict[str, datetime | None] = {}
        self._logins: list[Login] = []
        self._looked_at: Counter[str] = Counter()

    def suspects(self, known: Mapping[bytes, Key], keys: Iterable[bytes]) -> dict[bytes, Key]:
        """Return the keys whose lines are to be judged one by one."""
        if self._own is None:
            return {key: found for key in keys if (found := known[key]).may_tell}
        return {key: found for key in keys if (found := known[key]).may_tell or _is_of_login(found)}

    def tell_foreign_logins(self) -> frozenset[str]:
        """Add the logins of our user from elsewhere to the findings, and return the addresses that are ours."""
        ours, foreign = sort_out(self._own, self._logins) if self._own else (frozenset[str](), ())
        for login in foreign:
            self.sightings.grouping.add(login.match, login.line, login.count)
        return ours

    def judge(self, path: str, suspects: Mapping[bytes, Key], keys: Sequence[bytes], lines: Sequence[bytes]) -> None:
        """Judge the lines whose key is among the suspects."""
        if not suspects:
            return
        plans = {key: self._plan(key, found) for key, found in suspects.items()}
        told = {key for key, planned in plans.items() if planned is None or self._is_telling(planned.rule)}
        is_picked = list(map(told.__contains__, keys))
        singly: dict[tuple[bytes, bytes], int] = {}
        picked = zip(compress(keys, is_picked), compress(lines, is_picked), strict=True)
        for place, count in Counter(picked).items():
            key, line = place
            planned = plans[key]
            if planned is None:
                singly[place] = count
            else:
                header, match = planned.read(line)
                self._take(match, SeenLine(path, line, self._time(header)), count)
        for found, line, count in self._bounded(suspects, singly):
            self._judge_singly(path, found, line, count)

    def _plan(self, key: bytes, found: Key) -> Plan | None:
        """Return how to read the lines of a key: all keys of its shape share it."""
        known = self._plans.get(id(found))
        if known is None:
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            known = self._plans[id(found)] = (found, plan(found.candidates, key))
        return known[1]

    def _judge_singly(self, path: str, key: Key, line: bytes, count: int) -> None:
        text = templates.clean(line)
        match, times = key.judge(text)
        if match and self._is_telling(match.rule):
            time = self._moment.of(text) if self._moment else None
            self._take(match, SeenLine(path, line, time), count * times)

    def _is_telling(self, rule: Rule | None) -> bool:
        return rule is not None and (rule.id == LOGIN_RULE or self._rules.may_tell(rule))

    def _time(self, header: str) -> datetime | None:
        """Return the time that a header tells; most lines have it in common with others."""
        if self._moment is None:
            return None
        if header not in self._times:
            if len(self._times) >= MAX_TIMES:
                self._times.clear()
            self._times[header] = self._moment.of(header)
        return self._times[header]

    def _take(self, match: Match, line: SeenLine, count: int) -> None:
        if self._own is not None:
            if self._is_login(match):
                self._logins.append(Login(match, line, count))
            if self._own.explain(match.fields):
                return
        time = line.time
        self.sightings.add(Sighting(match, line, count, self._now if time is None else time.timestamp()))

    def _is_login(self, match: Match) -> bool:
        """Tell whether a match speaks of a login of our user, whoever it was."""
        is_login = match.rule.id == LOGIN_RULE and len(self._logins) < MAX_LOGINS
        return is_login and self._own is not None and match.fields["user"] == self._own.user

    def _bounded(
        self, suspects: Mapping[bytes, Key], counts: Mapping[tuple[bytes, bytes], int]
    ) -> Iterator[tuple[Key, bytes, int]]:
        """Yield the distinct lines with their counts.

        Once a rule had its share, one line of a key stands for all of that key in the block.
        """
        stand_ins: dict[bytes, bytes] = {}
        stood_in: Counter[bytes] = Counter()
        for (key, line), count in counts.items():
            rule = suspects[key].candidates[0].id
            if self._looked_at[rule] < MAX_LINES_PER_RULE:
                self._looked_at[rule] += 1
                yield suspects[key], line, count
            else:
                stand_ins.setdefault(key, line)
                stood_in[key] += count
        for key, line in stand_ins.items():
            yield suspects[key], line, stood_in[key]


def _is_of_login(key: Key) -> bool:
    return any(rule.id == LOGIN_RULE for rule in key.candidates)


def _template_counts(table: KeyTable) -> tuple[TemplateCount, ...]:
    ordered = sorted(table.tallies, key=lambda tally: -tally.count)
    return tuple(
        TemplateCount(tally.template, tally.count, templates.clean(tally.sample), tally.path, tally.level)
        for tally in ordered
    )
