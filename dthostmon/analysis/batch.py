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

    def row(self) -> "Row":
        """Return it as a line on its way into a batch."""
        moments = Moments(self.line.time, self.at)
        return Row(tuple(self.match.fields.values()), self.line.line, moments, self.times)


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


class Row(NamedTuple):
    """One line on its way into a batch."""

    values: Sequence[str]
    line: bytes
    moments: Moments
    times: int


def batches_of(sightings: Iterable[Sighting]) -> Iterator[Batch]:
    """Yield single lines as batches."""
    rows: dict[tuple[Rule, str, tuple[str, ...]], list[Row]] = {}
    for one in sightings:
        rows.setdefault((one.match.rule, one.line.path, tuple(one.match.fields)), []).append(one.row())
    return (make_batch(rule, path, names, found) for (rule, path, names), found in rows.items())


def make_batch(rule: Rule, path: str, names: Sequence[str], rows: Sequence[Row]) -> Batch:
    """Return lines that captured the same fields, each value in its one form and no longer than people read."""
    values, lines, moments, counts = zip(*rows, strict=True)
    columns: dict[str, list[str]] = dict(zip(names, map(list, zip(*values, strict=True)), strict=False))
    for name, column in columns.items():
        if max(map(len, column)) > MAX_VALUE_CHARACTERS:
            columns[name] = [value[:MAX_VALUE_CHARACTERS] for value in column]
    if "address" in columns:
        columns["address"] = list(map(normal_address, columns["address"]))
    return Batch(rule, path, columns, lines, moments, counts)
