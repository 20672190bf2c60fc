"""Lines that one rule decided, column by column: a log may hold nothing else, and row by row that is slow."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from dthostmon.analysis.seen_line import SeenLine
from dthostmon.rules import MAX_VALUE_CHARACTERS, Match, Rule, normal_address


class Moments(NamedTuple):
    """When a line was written, as it says, and the seconds since 1970 that count: the visit's where it says nothing."""

    told: datetime | None
    seconds: float


class Sighting(NamedTuple):
    """One line that a rule decided, and how often it was seen. `at` are seconds since 1970."""

    match: Match
    line: SeenLine
    times: int
    at: float

    def batch(self) -> "Batch":
        """Return it as a batch of one line."""
        columns = {name: [value] for name, value in self.match.fields.items()}
        path, line, told = self.line
        return Batch(self.match.rule, path, columns, [line], [Moments(told, self.at)], [self.times])


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


class BatchInMaking:
    """Gathers lines of one rule that captured the same fields."""

    def __init__(self, rule: Rule, names: tuple[str, ...]) -> None:
        self._rule = rule
        self._names = names
        self._rows: list[Sequence[str]] = []
        self._lines: list[bytes] = []
        self._moments: list[Moments] = []
        self._counts: list[int] = []

    def add(self, values: Sequence[str], line: bytes, moments: Moments, count: int) -> None:
        """Add a line."""
        self._rows.append(values)
        self._lines.append(line)
        self._moments.append(moments)
        self._counts.append(count)

    def made(self, path: str) -> Batch:
        """Return the lines, each value in its one form and no longer than people read."""
        columns = {name: list(column) for name, column in zip(self._names, zip(*self._rows, strict=True), strict=False)}
        for name, column in columns.items():
            if max(map(len, column)) > MAX_VALUE_CHARACTERS:
                columns[name] = [value[:MAX_VALUE_CHARACTERS] for value in column]
        if "address" in columns:
            columns["address"] = list(map(normal_address, columns["address"]))
        return Batch(self._rule, path, columns, self._lines, self._moments, self._counts)
