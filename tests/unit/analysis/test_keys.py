"""Counting by template: no line is lost or counted twice, wherever a log is cut."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon import templates
from dthostmon.analysis import keys
from dthostmon.analysis.keys import KeyTable, by_kind
from dthostmon.analysis.own_logins import FOREIGN_LOGIN
from dthostmon.rules import RuleSet

LINES = [
    b"Jul 28 09:30:00 web1 sshd[7]: Failed password for bob from 203.0.113.7 port 22",
    b"Jul 28 09:30:00 web1 kernel: [   12.5] BUG: unable to handle page fault",
    b"Jul 28 09:30:00 web1 kernel: [   12.5]  ? do_thing+0x12/0x20",
    b"<11>Jul 28 09:30:00 web1 app[7]: Traceback (most recent call last):",
    b'<11>Jul 28 09:30:00 web1 app[7]:   File "/a.py", line 7, in run',
    b"2026-07-28 09:30:00,123 ERROR [main] org.example.App: request 7 failed",
    b"java.lang.IllegalStateException: closed",
    b"\tat org.example.App.run(App.java:12)",
    b"2026-07-28 09:30:00.120 UTC [7710] app@shop ERROR:  duplicate key",
    b"2026-07-28 09:30:00.120 UTC [7710] app@shop DETAIL:  Key (id)=(7) already exists.",
    b'203.0.113.7 - - [28/Jul/2026:09:20:00 +0000] "GET /a HTTP/1.1" 500 12',
    b'{"level":"error","msg":"no","status":503}',
    b"",
    b"  indented",
    b"words",
]
LOGS = st.lists(
    st.sampled_from(LINES) | st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=25
).map(lambda lines: b"".join(line + b"\n" for line in lines))


def _pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Cut between lines."""
    lines = [line + b"\n" for line in data.split(b"\n")[:-1]]
    edges = sorted({0, len(lines), *(cut % (len(lines) + 1) for cut in cuts)})
    return [b"".join(lines[start:end]) for start, end in pairwise(edges)] or [data]


def _read(table: KeyTable, piece: bytes) -> int:
    lines = templates.split_lines(piece)
    found = table.look_up(templates.split_keys(piece), lines)
    table.count("log", found, by_kind(Counter(found)), lines)
    return len(lines)


def _counts(table: KeyTable) -> Counter[str]:
    return Counter({tally.template.id: tally.count for tally in table.tallies})


@given(LOGS, st.lists(st.integers(0, 30), max_size=6))
def test_any_cut_gives_the_same_templates_and_counts(data: bytes, cuts: list[int]) -> None:
    whole, cut = KeyTable(RuleSet(())), KeyTable(RuleSet(()))
    lines = _read(whole, data)
    assert sum(_read(cut, piece) for piece in _pieces(data, cuts)) == lines
    assert [(tally.template, tally.sample, tally.count) for tally in cut.tallies] == [
        (tally.template, tally.sample, tally.count) for tally in whole.tallies
    ]
    assert cut.open_records == whole.open_records
    assert _counts(whole).total() == lines == data.count(b"\n")


@given(LOGS, st.lists(st.integers(0, 30), max_size=6))
def test_a_record_that_the_end_of_a_reading_cut_goes_on_in_the_next(data: bytes, cuts: list[int]) -> None:
    whole = KeyTable(RuleSet(()))
    _read(whole, data)
    counted: Counter[str] = Counter()
    open_records = {}
    for piece in _pieces(data, cuts):
        table = KeyTable(RuleSet(()), open_records)
        _read(table, piece)
        counted += _counts(table)
        open_records = dict(table.open_records)
    assert counted == _counts(whole)


@given(LOGS)
def test_an_assignment_is_what_is_counted(data: bytes) -> None:
    table, other = KeyTable(RuleSet(())), KeyTable(RuleSet(()))
    _read(table, data)
    found = other.look_up(templates.split_keys(data), templates.split_lines(data))
    assert Counter(template.id for template in other.templates_of("log", found)) == _counts(table)


def test_a_forgotten_cache_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"".join(line + b"\n" for line in LINES * 3)
    whole = KeyTable(RuleSet(()))
    _read(whole, data)
    monkeypatch.setattr(keys, "MAX_KEYS", 1)
    cut = KeyTable(RuleSet(()))
    for piece in _pieces(data, range(len(LINES) * 3)):
        _read(cut, piece)
    assert _counts(cut) == _counts(whole)


def test_lines_beyond_the_limit_of_kinds_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates.TemplateTable.__init__, "__defaults__", (3,))
    table = KeyTable(RuleSet(()))
    _read(table, b"a\nb\nc\nd\ne\na\nd\n")
    assert table.overflow == 3
    assert _counts(table).total() == 7


DISK_RULE = replace(
    FOREIGN_LOGIN, id="app.disk", expression=r"^disk (?P<user>\S+) failed", contains=("disk",), fields=("user",)
)


@pytest.mark.parametrize(
    "line",
    [
        "disk sda7 failed",
        "Jul 28 09:30:00 web1 app[7]: disk sda7 failed",
        "<11>1 2026-07-28T09:30:00Z web1 app 7 - - disk sda7 failed",
        "Jul 28 09:30:00 web1 kernel: [   12.5] disk sda7 failed",
        "2026-07-28T09:30:00.123456789Z disk sda7 failed",
        '{"time":"2026-07-28T09:30:00Z","level":"error","msg":"disk sda7 failed","n":7}',
        'Jul 28 09:30:00 web1 app[7]: {"msg":"disk sda7 failed","time":7}',
        "2026/07/28 08:01:11 [error] 911#911: disk sda7 failed",
        "812:M 28 Jul 2026 09:30:00.123 # disk sda7 failed",
        "Jul 28 09:30:00 web1 app[7]: message repeated 2 times: [ disk sda7 failed]",
    ],
)
def test_a_rule_sees_the_message_of_a_line_of_any_form(line: str) -> None:
    (key,) = KeyTable(RuleSet((DISK_RULE,))).look_up(templates.split_keys(line.encode()), [line.encode()])
    match = key.kind.reading.match(line)
    assert match is not None
    assert match.fields == {"user": "sda7"}
