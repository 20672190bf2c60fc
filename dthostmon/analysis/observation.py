"""What the lines of one visit say by themselves: templates with their counts, and what the rules see.

Everything slow happens once per distinct key of a block. Only lines that a rule may speak of are looked at themselves,
because a key has lost the digits that a rule may ask for (a status, an address).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress
from typing import NamedTuple, TypeAlias

from dthostmon import templates
from dthostmon.analysis.batch import Batch, BatchesInMaking, Moments, Sighting, batches_of
from dthostmon.analysis.garbage import rare_collections
from dthostmon.analysis.keys import Key, KeyTable
from dthostmon.analysis.moment import Moment
from dthostmon.analysis.own_logins import LOGIN_RULES, MAX_LOGINS, OwnLogins, sort_out
from dthostmon.analysis.plans import Plan, plan
from dthostmon.analysis.sightings import Sightings
from dthostmon.model import TemplateCount
from dthostmon.rules import Rule, RuleSet

MAX_LINES_PER_RULE = 20_000
MIN_LINES_PER_PLAN = 4  # a plan costs as much as so many lines
MAX_PLANS = 10_000
MAX_TIMES = 10_000
MAX_LINES_ELSEWHERE = 20_000
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
    judging = _Judging(rules, own, moment, has_one_log=len({path for path, _ in logs}) < 2)
    tallies: dict[str, Tally] = {}
    with rare_collections():
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
    judging.judge(path, judging.suspects(known, counts), counts, keys, lines)
    newlines = len(keys) - (not block.endswith(b"\n"))
    return Tally(size + newlines, len(keys))


_Single: TypeAlias = tuple[Key, int, bytes, int]  # a line that is judged by itself: its key, place, bytes, count


class _Piece(NamedTuple):
    """The lines of a piece of a log that one plan reads."""

    plan: Plan
    places: list[int]
    lines: list[bytes]
    counts: list[int]


class _Judging:
    """The rules of one run at work: looks at the lines of the keys that may tell, and gathers what the rules say."""

    def __init__(
        self, rules: RuleSet, own: OwnLogins | None, moment: Moment | None, *, has_one_log: bool = True
    ) -> None:
        self.sightings = Sightings(rules)
        self._rules = rules
        self._own = own
        self._moment = moment
        self._now = (moment or NO_MOMENT).now.timestamp()
        self._plans: dict[int, tuple[Key, Plan | None]] = {}  # with the key, so that no other one gets its id
        self._times: dict[str, Moments] = {}
        self._has_one_log = has_one_log
        self._elsewhere: dict[int, str] = {}  # digest of a line -> the log that has it
        self._logins: list[Sighting] = []
        self._looked_at: Counter[str] = Counter()

    def suspects(self, known: Mapping[bytes, Key], keys: Iterable[bytes]) -> dict[bytes, Key]:
        """Return the keys whose lines are to be judged one by one."""
        if self._own is None:
            return {key: found for key in keys if (found := known[key]).may_tell}
        return {key: found for key in keys if (found := known[key]).may_tell or _is_of_login(found)}

    def tell_foreign_logins(self) -> frozenset[str]:
        """Add the logins of our user from elsewhere to the findings, and return the addresses that are ours."""
        ours, foreign = sort_out(self._own, self._logins) if self._own else (frozenset[str](), ())
        for batch in batches_of(foreign):
            self.sightings.grouping.add(batch)
        return ours

    def judge(
        self,
        path: str,
        suspects: Mapping[bytes, Key],
        counts: Mapping[bytes, int],
        keys: Sequence[bytes],
        lines: Sequence[bytes],
    ) -> None:
        """Judge the lines whose key is among the suspects; `counts` says how many lines each key has."""
        if not suspects:
            return
        plans = self._plans_of(suspects, counts)
        silent = {id(one) for one in {id(one): one for one in plans.values()}.values() if not self._is_telling(one)}
        told = {key for key, planned in plans.items() if id(planned) not in silent}
        is_picked = list(map(told.__contains__, keys))
        picked = zip(compress(keys, is_picked), compress(lines, is_picked), strict=True)
        batches = BatchesInMaking()
        pieces = {id(one): _Piece(one, [], [], []) for one in plans.values() if one}
        singly: list[_Single] = []
        for place, ((key, line), count) in enumerate(Counter(picked).items()):
            planned = plans[key]
            if planned is None:
                singly.append((suspects[key], place, line, count))
            else:
                _, places, its_lines, its_counts = pieces[id(planned)]
                places.append(place)
                its_lines.append(line)
                its_counts.append(count)
        for piece in pieces.values():
            self._judge_together(batches, piece)
        for found, place, line, count in self._bounded(singly):
            self._judge_singly(batches, found, place, line, count)
        for batch in batches.made(path):
            self._take(batch if self._has_one_log else self._not_elsewhere(batch))

    def _judge_together(self, batches: BatchesInMaking, piece: "_Piece") -> None:
        planned, places, lines, counts = piece
        if not lines or planned.rule is None:
            return
        headers, columns = planned.read(lines)
        batch = batches.of(planned.rule, planned.names)
        for name, column in zip(planned.names, columns, strict=True):
            batch.columns[name] += column
        batch.places += places
        batch.lines += lines
        batch.moments += [self._times.get(header) or self._moments(header) for header in headers]
        batch.counts += counts

    def _not_elsewhere(self, batch: Batch) -> Batch:
        """Return the lines that no other log of this visit had at the same time.

        Debian's rsyslog writes what the kernel says into two files, and that is one thing that happened.
        """
        new = []
        for place, (line, moments) in enumerate(zip(batch.lines, batch.moments, strict=True)):
            name = hash(line)
            if moments.told is None or self._elsewhere.get(name, batch.path) == batch.path:
                new.append(place)
                if len(self._elsewhere) < MAX_LINES_ELSEWHERE:
                    self._elsewhere[name] = batch.path
        return batch if len(new) == len(batch.lines) else batch.at(new)

    def _plans_of(self, suspects: Mapping[bytes, Key], counts: Mapping[bytes, int]) -> dict[bytes, Plan | None]:
        """Return how to read the lines of each key: all keys of a shape share it."""
        lines_of: Counter[int] = Counter()
        for key, found in suspects.items():
            lines_of[id(found)] += counts[key]
        return {key: self._plan(key, found, lines_of[id(found)]) for key, found in suspects.items()}

    def _plan(self, key: bytes, found: Key, lines: int) -> Plan | None:
        known = self._plans.get(id(found))
        if known is None:
            if lines < MIN_LINES_PER_PLAN:
                return None
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            known = self._plans[id(found)] = (found, plan(found.candidates, key))
        return known[1]

    def _judge_singly(self, batches: BatchesInMaking, key: Key, place: int, line: bytes, count: int) -> None:
        text = templates.clean(line)
        match, times = key.judge(text)
        if match and self._asks_for(match.rule):
            told = self._moment.of(text) if self._moment else None
            moments = Moments(told, self._now if told is None else told.timestamp())
            batches.of(match.rule, match.fields).add(match.fields, place, line, moments, count * times)

    def _is_telling(self, planned: Plan | None) -> bool:
        """Tell whether lines are to be read: nobody knows yet what they say, or somebody asks for it."""
        return planned is None or (planned.rule is not None and self._asks_for(planned.rule))

    def _asks_for(self, rule: Rule) -> bool:
        return rule.id in LOGIN_RULES or self._rules.may_tell(rule)

    def _moments(self, header: str) -> Moments:
        """Return the time that a header tells, and remember it: most lines have it in common with others."""
        if len(self._times) >= MAX_TIMES:
            self._times.clear()
        told = self._moment.of(header) if self._moment else None
        known = self._times[header] = Moments(told, self._now if told is None else told.timestamp())
        return known

    def _take(self, batch: Batch) -> None:
        if self._own is not None:
            self._logins += self._own.logins(batch)[: MAX_LOGINS - len(self._logins)]
            batch = self._own.unexplained(batch)
        if batch.lines:
            self.sightings.add(batch)

    def _bounded(self, singly: Sequence[_Single]) -> Iterator[_Single]:
        """Yield the distinct lines with their counts.

        Once a rule had its share, one line of a shape stands for all of that shape in the block.
        """
        stand_ins: dict[int, _Single] = {}
        for single in singly:
            key, _, _, count = single
            rule = key.candidates[0].id
            if self._looked_at[rule] < MAX_LINES_PER_RULE:
                self._looked_at[rule] += 1
                yield single
            else:
                before = stand_ins.get(id(key))
                stand_ins[id(key)] = (key, before[1], before[2], before[3] + count) if before else single
        yield from stand_ins.values()


def _is_of_login(key: Key) -> bool:
    return any(rule.id in LOGIN_RULES for rule in key.candidates)


def _template_counts(table: KeyTable) -> tuple[TemplateCount, ...]:
    ordered = sorted(table.tallies, key=lambda tally: -tally.count)
    return tuple(
        TemplateCount(tally.template, tally.count, templates.clean(tally.sample), tally.path, tally.level)
        for tally in ordered
    )
