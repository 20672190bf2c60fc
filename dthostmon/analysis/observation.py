"""What the lines of one visit say by themselves: templates with their counts, and what the rules see.

Everything slow happens once per distinct key of a block. Only lines that a rule may speak of are looked at themselves,
because a key has lost the digits that a rule may ask for (a status, an address).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dthostmon import templates
from dthostmon.analysis.garbage import rare_collections
from dthostmon.analysis.judging import Judging, Piece
from dthostmon.analysis.keys import KeyTable, by_kind
from dthostmon.analysis.moment import Moment
from dthostmon.analysis.own_logins import OwnLogins
from dthostmon.analysis.sightings import Sightings
from dthostmon.model import OpenRecords, TemplateCount
from dthostmon.rules import RuleSet


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
    `open_records` is what the next lines may continue, by path.
    `own_addresses` are those that the host is known to have seen us come from.
    """

    lines: int
    tallies: Mapping[str, Tally]
    templates: tuple[TemplateCount, ...]
    sightings: Sightings
    overflow: int
    open_records: Mapping[str, OpenRecords]
    own_addresses: frozenset[str] = frozenset()


def observe(
    logs: Sequence[tuple[str, bytes]],
    rules: RuleSet,
    own: OwnLogins | None = None,
    moment: Moment | None = None,
    open_records: Mapping[str, OpenRecords] | None = None,
    *,
    logs_overlap: bool = False,
) -> Observation:
    """Read the new bytes of a host's logs, (path, data) each. `open_records` is what their first lines may continue.

    With `logs_overlap`, a line that two logs have at the same time is one thing that happened.
    """
    table = KeyTable(rules, open_records)
    judging = Judging(rules, own, moment, has_one_log=not logs_overlap or len({path for path, _ in logs}) < 2)
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
        open_records=table.open_records,
        own_addresses=own_addresses,
    )


def _observe_block(path: str, block: bytes, table: KeyTable, judging: Judging) -> Tally:
    keys, lines = templates.split_keys(block), templates.split_lines(block)
    found = table.look_up(keys, lines)
    counts = Counter(found)
    kinds = by_kind(counts)
    table.count(path, found, kinds, lines)
    size = sum(map(len, lines))
    judging.judge(path, Piece(found, lines, counts, kinds))
    newlines = len(lines) - (not block.endswith(b"\n"))
    return Tally(size + newlines, len(lines))


def _template_counts(table: KeyTable) -> tuple[TemplateCount, ...]:
    ordered = sorted(table.tallies, key=lambda tally: -tally.count)
    return tuple(
        TemplateCount(tally.template, tally.count, templates.clean(tally.sample), tally.path, tally.level)
        for tally in ordered
    )
