"""The rules at work on the lines of one visit: which lines are looked at, what they say, and when."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

from dthostmon import templates
from dthostmon.analysis.batch import Batch, BatchesInMaking, Sighting, batches_of
from dthostmon.analysis.keys import Key, Kind
from dthostmon.analysis.moment import Moment
from dthostmon.analysis.own_logins import LOGIN_RULES, MAX_LOGINS, OwnLogins, sort_out
from dthostmon.analysis.plans import NOBODY, Plan, plan
from dthostmon.analysis.reading import Reading
from dthostmon.analysis.sightings import Sightings
from dthostmon.analysis.stamps import Stamps
from dthostmon.rules import Rule, RuleSet

MAX_LINES_PER_RULE = 20_000
MIN_LINES_PER_PLAN = 4  # a plan costs as much as so many lines
MAX_PLANS = 10_000
MAX_LINES_ELSEWHERE = 20_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a log: its lines with what is known of each, in order, and how often each key and kind occurs."""

    found: Sequence[Key]
    lines: Sequence[bytes]
    counts: Mapping[Key, int]
    kinds: Mapping[Kind, int]


class Judging:
    """The rules of one run at work: looks at the lines of the keys that may tell, and gathers what the rules say."""

    def __init__(
        self, rules: RuleSet, own: OwnLogins | None, moment: Moment | None, *, has_one_log: bool = True
    ) -> None:
        self.sightings = Sightings(rules)
        self._rules = rules
        self._own = own
        self._plans: dict[Key, Plan | None] = {}
        self._stamps = Stamps(moment)
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
        kinds = {kind for kind in piece.kinds if kind.reading.may_tell}
        if not kinds:
            return
        suspects = {key: self._plan(key, count) for key, count in piece.counts.items() if key.kind in kinds}
        plans = {key: planned for key, planned in suspects.items() if planned is not NOBODY}
        together: dict[Key, list[bytes]] = {key: [] for key, planned in plans.items() if planned}
        add_together = {key: alike.append for key, alike in together.items()}
        singly: list[tuple[Key, bytes]] = []
        is_picked = list(map(plans.__contains__, piece.found))
        for key, line in zip(compress(piece.found, is_picked), compress(piece.lines, is_picked), strict=True):
            if add := add_together.get(key):
                add(line)
            else:
                singly.append((key, line))
        batches = BatchesInMaking()
        for key, lines in together.items():
            if planned := plans[key]:
                singly += [(key, line) for line in self._judge_together(batches, planned, lines)]
        stand_ins = self._judge_singly(batches, singly)
        for batch in batches.made(path):
            self._take(batch)
        for batch in stand_ins.made(path):
            self._take_stand_ins(batch)

    def _judge_together(self, batches: BatchesInMaking, planned: Plan, lines: Sequence[bytes]) -> Sequence[bytes]:
        """Judge the lines that a plan holds for, and return the others."""
        others = planned.doubtful(lines)
        counts = _counts(lines)
        for line in others:
            counts.pop(line, None)
        if counts and planned.rule and self._asks_for(planned.rule):
            headers, columns = planned.read(tuple(counts))
            moments = list(map(self._stamps.__getitem__, headers))
            batches.of(planned.rule, planned.names).extend(columns, tuple(counts), moments, tuple(counts.values()))
        return others

    def _judge_singly(self, batches: BatchesInMaking, lines: Sequence[tuple[Key, bytes]]) -> BatchesInMaking:
        """Judge each distinct line by itself, until a rule had its share; return what the stand-ins say.

        Then one line of a key stands for all of that key in the piece: it is counted for them, but nothing may follow
        from their number for what this one names.
        """
        stand_ins = BatchesInMaking()
        for reading, alike in _by_reading(Counter(lines)).items():
            rule = reading.candidates[0].id
            free = max(0, MAX_LINES_PER_RULE - self._looked_at[rule])
            self._looked_at[rule] += len(alike)
            self._judge_lines(batches, reading, [(line, count) for _, line, count in alike[:free]])
            for stands_in, line, count in _one_of_each_key(alike[free:]):
                self._judge_lines(stand_ins if stands_in else batches, reading, [(line, count)])
        return stand_ins

    def _judge_lines(self, batches: BatchesInMaking, reading: Reading, lines: Sequence[tuple[bytes, int]]) -> None:
        """Judge lines that are read in the same way, each with its count."""
        texts = templates.clean_all([line for line, _ in lines])
        messages, times = reading.messages(texts)
        for (rule, names), decided in _decided(messages, reading.candidates).items():
            if self._asks_for(rule):
                places = [place for place, _ in decided]
                batches.of(rule, names).extend(
                    zip(*[values for _, values in decided], strict=True),
                    [lines[place][0] for place in places],
                    self._stamps.of_lines([texts[place] for place in places]),
                    [lines[place][1] * times[place] for place in places],
                )

    def _plan(self, key: Key, lines: int) -> Plan | None:
        """Return how to read the lines of a key; None where each is judged by itself, as where they are too few."""
        if key not in self._plans:
            if lines < MIN_LINES_PER_PLAN:
                return None
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            planned = plan(key.kind.reading.candidates, key.shape)
            self._plans[key] = planned if planned is None or self._is_wanted(planned) else NOBODY
        return self._plans[key]

    def _is_wanted(self, planned: Plan) -> bool:
        return any(map(self._asks_for, planned.tried_before)) or (
            planned.rule is not None and self._asks_for(planned.rule)
        )

    def _asks_for(self, rule: Rule) -> bool:
        return rule.id in LOGIN_RULES or self._rules.may_tell(rule)

    def _take(self, batch: Batch) -> None:
        if not self._has_one_log:
            batch = self._not_elsewhere(batch)
        if self._own is not None:
            self._logins += self._own.logins(batch)[: MAX_LOGINS - len(self._logins)]
            batch = self._own.unexplained(batch)
        if batch.lines:
            self.sightings.add(batch)

    def _take_stand_ins(self, batch: Batch) -> None:
        """Take lines that stand for others, of which they have the count and nothing else."""
        if self._own is not None:
            batch = self._own.unexplained(batch)
        if batch.lines and batch.rule.speaks:
            self.sightings.grouping.add(batch)

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


def _by_reading(counts: Mapping[tuple[Key, bytes], int]) -> Mapping[Reading, Sequence[tuple[Key, bytes, int]]]:
    alike: dict[Reading, list[tuple[Key, bytes, int]]] = {}
    for (key, line), count in counts.items():
        alike.setdefault(key.kind.reading, []).append((key, line, count))
    return alike


def _one_of_each_key(lines: Iterable[tuple[Key, bytes, int]]) -> Iterator[tuple[bool, bytes, int]]:
    """Return the first line of each key, whether it stands for others too, and the count of all of them."""
    by_key: dict[Key, list[tuple[bytes, int]]] = {}
    for key, line, count in lines:
        by_key.setdefault(key, []).append((line, count))
    for alike in by_key.values():
        yield len(alike) > 1, alike[0][0], sum(count for _, count in alike)


def _decided(
    messages: Sequence[str], candidates: Sequence[Rule]
) -> Mapping[tuple[Rule, Sequence[str]], Sequence[tuple[int, Sequence[str]]]]:
    """Return by rule, and by the names of what it captured, the places of its messages with the values."""
    decided: dict[tuple[Rule, Sequence[str]], list[tuple[int, Sequence[str]]]] = {}
    left: Sequence[int] = range(len(messages))
    for rule in candidates:
        undecided = []
        for place, captured in zip(left, rule.capture_all([messages[place] for place in left]), strict=True):
            if captured is None:
                undecided.append(place)
            else:
                names, values = captured
                decided.setdefault((rule, names), []).append((place, values))
        left = undecided
    return decided


def _counts(lines: Sequence[bytes]) -> dict[bytes, int]:
    """Count equal lines. Hardly any log has some, and to see that is faster than to count."""
    counts = dict.fromkeys(lines, 1)
    return counts if len(counts) == len(lines) else Counter(lines)
