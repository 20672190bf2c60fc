"""Lines that one rule decided, column by column: a log may hold nothing else, and row by row that is slow."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dthostmon.analysis.seen_line import SeenLine
from dthostmon.analysis.stamps import Moments
from dthostmon.rules import MAX_VALUE_CHARACTERS, First, Match, Rule, normal_addresses, rows_of


class Sighting(NamedTuple):
    """One line that a rule decided, and how often it was seen. `at` are seconds since 1970."""

    match: Match
    line: SeenLine
    times: int
    at: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines of one log that one rule decided, in their order. `columns` has the values of each captured field."""

    rule: Rule
    path: str
    columns: Mapping[str, Sequence[str]]
    lines: Sequence[bytes]
    moments: Sequence[Moments]
    counts: Sequence[int]

    def rows(self, names: Iterable[str]) -> Iterator[tuple[str, ...]] | None:
        """Yield the values of some fields, line by line; None where one of them was not captured."""
        columns = [self.columns.get(name) for name in names]
        if not columns:
            return iter([()] * len(self.lines))
        found = [column for column in columns if column is not None]
        return zip(*found, strict=True) if len(found) == len(columns) else None

    def first_values(self, first: First) -> Iterable[tuple[str, ...]]:
        """Return the values that a first sight is asked of, each once."""
        return dict.fromkeys(rows_of(first.by, self.columns, len(self.lines)))

    def line(self, place: int) -> SeenLine:
        """Return a line as what may become evidence."""
        return SeenLine(self.path, self.lines[place], self.moments[place].told)

    def sighting(self, place: int) -> Sighting:
        """Return a line by itself."""
        fields = {name: column[place] for name, column in self.columns.items()}
        return Sighting(Match(self.rule, fields), self.line(place), self.counts[place], self.moments[place].seconds)

    def at(self, places: Sequence[int]) -> "Batch":
        """Return some of the lines."""
        return Batch(
            self.rule,
            self.path,
            {name: [column[place] for place in places] for name, column in self.columns.items()},
            [self.lines[place] for place in places],
            [self.moments[place] for place in places],
            [self.counts[place] for place in places],
        )


@dataclass(slots=True)
class BatchInMaking:
    """Gathers lines of one rule that captured the same fields."""

    columns: dict[str, list[str]]
    lines: list[bytes] = field(default_factory=list)
    moments: list[Moments] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def extend(
        self,
        columns: Iterable[Sequence[str]],
        lines: Sequence[bytes],
        moments: Sequence[Moments],
        counts: Sequence[int],
    ) -> None:
        """Add lines: a column of values for each field."""
        for known, column in zip(self.columns.values(), columns, strict=True):
            known.extend(column)
        self.lines += lines
        self.moments += moments
        self.counts += counts

    def add(self, values: Iterable[str], line: bytes, moments: Moments, count: int) -> None:
        """Add a line with its value of each field."""
        for column, value in zip(self.columns.values(), values, strict=True):
            column.append(value)
        self.lines.append(line)
        self.moments.append(moments)
        self.counts.append(count)

    def made(self, rule: Rule, path: str) -> Batch:
        """Return the lines, each value in its one form and no longer than people read."""
        for name, column in self.columns.items():
            if max(map(len, column)) > MAX_VALUE_CHARACTERS:
                self.columns[name] = [value[:MAX_VALUE_CHARACTERS] for value in column]
        if "address" in self.columns:
            self.columns["address"] = normal_addresses(self.columns["address"])
        return Batch(rule, path, self.columns, self.lines, self.moments, self.counts)


class BatchesInMaking:
    """The lines of a piece of a log by their rule and by what it captured."""

    def __init__(self) -> None:
        self._by_rule: dict[tuple[Rule, tuple[str, ...]], BatchInMaking] = {}

    def of(self, rule: Rule, names: Iterable[str]) -> BatchInMaking:
        """Return the batch for lines of a rule."""
        key = rule, tuple(names)
        batch = self._by_rule.get(key)
        if batch is None:
            batch = self._by_rule[key] = BatchInMaking({name: [] for name in key[1]})
        return batch

    def made(self, path: str) -> Iterator[Batch]:
        """Yield the batches."""
        return (batch.made(rule, path) for (rule, _), batch in self._by_rule.items())


def batches_of(sightings: Iterable[Sighting]) -> Iterator[Batch]:
    """Yield single lines as batches."""
    by_path: dict[str, BatchesInMaking] = {}
    for one in sightings:
        batches = by_path.setdefault(one.line.path, BatchesInMaking())
        batch = batches.of(one.match.rule, one.match.fields)
        batch.add(one.match.fields.values(), one.line.line, Moments(one.line.time, one.at), one.times)
    for path, batches in by_path.items():
        yield from batches.made(path)
