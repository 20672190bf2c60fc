"""Entries of journald become lines: any bytes in, one line of syslog each out."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.logs.journal_entries import Entry, is_cursor, is_next, is_same, later, parse_entries, render
from dthostmon.templates import take_apart

CURSOR = "s=cb1e;i={};b=0123;m=f424{};t=60a24181e400{};x=2870{}"
names = st.sampled_from([b"MESSAGE", b"PRIORITY", b"SYSLOG_IDENTIFIER", b"_PID", b"_HOSTNAME", b"_SYSTEMD_UNIT", b"X"])
entries = st.lists(st.dictionaries(names, st.binary(max_size=60), min_size=1), max_size=5)


def cursor(number: int) -> str:
    return CURSOR.format(*[number] * 4)


def export(fields: dict[bytes, bytes]) -> bytes:
    parts = [name + b"\n" + struct.pack("<Q", len(value)) + value + b"\n" for name, value in fields.items()]
    return b"".join(parts) + b"\n"


@given(entries)
def test_any_bytes_arrive_as_they_were_exported(written: list[dict[bytes, bytes]]) -> None:
    raw = b"".join(map(export, written))
    assert [(entry.fields, entry.is_whole) for entry in parse_entries(raw)] == [(fields, True) for fields in written]


@given(entries, st.integers(0, 400))
def test_an_export_that_ends_early_has_one_entry_that_is_not_whole(
    written: list[dict[bytes, bytes]], length: int
) -> None:
    raw = b"".join(map(export, written))
    found = list(parse_entries(raw[:length]))
    assert all(entry.is_whole for entry in found[:-1])
    whole = [entry.fields for entry in found if entry.is_whole]
    assert whole == written[: len(whole)]
    if length < len(raw) and found and raw[:length][-2:] != b"\n\n":
        assert len(whole) < len(written)


@given(st.dictionaries(names, st.binary(max_size=80)))
def test_any_entry_is_one_line_whose_header_can_be_taken_off(fields: dict[bytes, bytes]) -> None:
    line = render(Entry(fields))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert take_apart(line.decode("utf-8", "backslashreplace").rstrip("\n")).level is not None


def test_a_length_beyond_all_that_came_is_no_trouble() -> None:
    raw = b"__CURSOR=s=1\nMESSAGE\n" + struct.pack("<Q", 2**64 - 1) + b"text"
    assert list(parse_entries(raw)) == [Entry({b"__CURSOR": b"s=1", b"MESSAGE": b"text"}, is_whole=False)]


def test_text_fields_and_several_values() -> None:
    raw = b"_PID=1\n_PID=2\nMESSAGE=a=b\nMESSAGE=c\n\n"
    assert [entry.fields for entry in parse_entries(raw)] == [{b"_PID": b"1", b"MESSAGE": b"a=b\nc"}]


@pytest.mark.parametrize("text", ["", "s=1'", "s=1;touch x", "S=1", "s=", "s=1;", "s=1\n", "s=" + "1" * 33, "s=g"])
def test_what_is_no_cursor_is_not_taken_for_one(text: str) -> None:
    assert is_cursor(cursor(1))
    assert not is_cursor(text)
    assert Entry({b"__CURSOR": text.encode()}).cursor is None


def test_cursors_are_compared_by_what_they_say_of_the_entry() -> None:
    copied = cursor(1).replace("s=cb1e;i=1;", "s=ffff;i=77;")
    assert is_same(cursor(1), copied)
    assert not is_same(cursor(1), cursor(2))
    assert is_next(cursor(1), cursor(2))
    assert not is_next(cursor(1), cursor(3))
    assert not is_next(cursor(1), cursor(2).replace("s=cb1e", "s=ffff"))
    assert later(cursor(1), cursor(2)) == later(cursor(2), cursor(1)) == cursor(2)
    assert later(copied, cursor(2)) == cursor(2)
    assert later("", cursor(2)) == cursor(2)


def test_very_many_messages_of_one_entry_are_joined_in_one_go() -> None:
    [entry] = parse_entries(b"MESSAGE=x\n" * 200_000 + b"\n")
    assert entry.fields[b"MESSAGE"] == b"\n".join([b"x"] * 200_000)
