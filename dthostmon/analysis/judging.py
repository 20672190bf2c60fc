"""The rules at work on the lines of one visit: which lines are looked at, what they say, and when."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress, islice

from dthostmon import templates
from dthostmon.analysis.batch import Batch, BatchesInMaking, Moments, Sighting, batches_of
from dthostmon.analysis.keys import Key
from dthostmon.analysis.moment import Moment
from dthostmon.analysis.own_logins import LOGIN_RULES, MAX_LOGINS, OwnLogins, sort_out
from dthostmon.analysis.plans import Plan, plan
from dthostmon.analysis.sightings import Sightings
from dthostmon.rules import Rule, RuleSet

MAX_LINES_PER_RULE = 20_000
MIN_LINES_PER_PLAN = 4  # a plan costs as much as so many lines
MAX_PLANS = 10_000
MAX_TIMES = 10_000
MAX_LINES_ELSEWHERE = 20_000
NO_MOMENT = Moment(datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a log: its lines with their keys, in order, how often each key occurs, and what is known of it."""

    keys: Sequence[bytes]
    lines: Sequence[bytes]
    counts: Mapping[bytes, int]
    known: Mapping[bytes, Key]


class Judging:
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

    def tell_foreign_logins(self) -> frozenset[str]:
        """Add the logins of our user from elsewhere to the findings, and return the addresses that are ours."""
        ours, foreign = sort_out(self._own, self._logins) if self._own else (frozenset[str](), ())
        for batch in batches_of(foreign):
            self.sightings.grouping.add(batch)
        return ours

    def judge(self, path: str, piece: Piece) -> None:
        """Judge the lines of a piece of a log whose keys are suspects."""
        suspects = self._suspects(piece)
        if not suspects:
            return
        together: dict[int, tuple[Plan, list[bytes]]] = {}
        singly: dict[bytes, list[bytes]] = {}
        gather: dict[bytes, Callable[[bytes], None]] = {}
        for key, planned in self._plans_of(suspects, piece.counts).items():
            if planned is None:
                gather[key] = singly.setdefault(key, []).append
            elif planned.rule is not None and self._asks_for(planned.rule):
                gather[key] = together.setdefault(id(planned), (planned, []))[1].append
        is_picked = list(map(gather.__contains__, piece.keys))
        for key, line in zip(compress(piece.keys, is_picked), compress(piece.lines, is_picked), strict=True):
            gather[key](line)
        batches = BatchesInMaking()
        for planned, lines in together.values():
            if lines:
                self._judge_together(batches, planned, Counter(lines))
        for found, line, count in self._bounded((suspects[key], Counter(lines)) for key, lines in singly.items()):
            self._judge_singly(batches, found, line, count)
        for batch in batches.made(path):
            self._take(batch if self._has_one_log else self._not_elsewhere(batch))

    def _judge_together(self, batches: BatchesInMaking, planned: Plan, lines: Mapping[bytes, int]) -> None:
        assert planned.rule is not None  # noqa: S101  # asked only where a rule decides
        headers, columns = planned.read(tuple(lines))
        moments = [self._times.get(header) or self._moments(header) for header in headers]
        batches.of(planned.rule, planned.names).extend(columns, tuple(lines), moments, tuple(lines.values()))

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

    def _suspects(self, piece: Piece) -> dict[bytes, Key]:
        """Return the keys whose lines a rule may speak of."""
        known, keys = piece.known, piece.counts
        if self._own is None:
            return {key: found for key in keys if (found := known[key]).may_tell}
        return {key: found for key in keys if (found := known[key]).may_tell or _is_of_login(found)}

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

    def _judge_singly(self, batches: BatchesInMaking, key: Key, line: bytes, count: int) -> None:
        text = templates.clean(line)
        match, times = key.judge(text)
        if match and self._asks_for(match.rule):
            told = self._moment.of(text) if self._moment else None
            moments = Moments(told, self._now if told is None else told.timestamp())
            columns = [[value] for value in match.fields.values()]
            batches.of(match.rule, match.fields).extend(columns, [line], [moments], [count * times])

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

    def _bounded(self, singly: Iterable[tuple[Key, Mapping[bytes, int]]]) -> Iterator[tuple[Key, bytes, int]]:
        """Yield the distinct lines with their counts.

        Once a rule had its share, one line of a key stands for all of that key in the piece.
        """
        for key, counts in singly:
            rule = key.candidates[0].id
            share = max(0, MAX_LINES_PER_RULE - self._looked_at[rule])
            self._looked_at[rule] += len(counts)
            lines = iter(counts.items())
            yield from ((key, line, count) for line, count in islice(lines, share))
            rest = list(lines)
            if rest:
                yield key, rest[0][0], sum(count for _, count in rest)


def _is_of_login(key: Key) -> bool:
    return any(rule.id in LOGIN_RULES for rule in key.candidates)
