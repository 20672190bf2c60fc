"""Bytes to lines, keys and templates."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon import templates


def test_names_of_templates_never_change() -> None:
    assert templates.make_template("sshd", "Failed password for <*>").id == "t-67a348462817"
    assert templates.make_template(None, "").id != templates.make_template("", " ").id


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"plain", "plain"),
        (b"dos\r", "dos"),
        (b"\0\0hole\0", "hole"),
        (b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07bell\x07", "red bell\\x07"),
        (b"tab\tstays", "tab\tstays"),
        (b"latin \xe9", "latin \\xe9"),
        ("umlaut ü".encode(), "umlaut ü"),
        ("turned \u202e round".encode(), "turned \\u202e round"),
        (b"fake\rJul 28 line", "fakeJul 28 line"),
    ],
)
def test_a_shown_line_cannot_play_tricks(line: bytes, shown: str) -> None:
    assert templates.clean(line) == shown


def test_a_hole_of_nul_does_not_hide_the_text_behind_it() -> None:
    assert templates.clean(b"\0" * 200_000 + b"kernel is back") == "kernel is back"


@pytest.mark.parametrize(
    "unit",
    [b"a", b"1", b"=", b"/", b".", b"'", b'"', b"(", b"<*>", b"user ", b" for x", b"Jan 1 ", b"[", b"\x1b[", b"\xff"],
)
def test_a_long_line_is_cut_before_anything_slow_sees_it(unit: bytes) -> None:
    assert len(templates.visible_part(unit * 100_000)) == templates.LINE_BYTES
    assert len(templates.template_of(unit * 100_000).text) <= 6 * templates.LINE_BYTES


def test_a_template_holds_no_digit() -> None:
    template = templates.template_of(b"Jul 00 00:00:00 web0 php-fpm0.0[00]: EXT0-fs x00 a=0b /c0 '0 0' (0) 0")
    assert not re.search(r"\d", template.text + (template.program or ""))


def test_the_overflow_template_takes_what_is_beyond_the_limit() -> None:
    table = templates.TemplateTable(limit=2)
    admitted = [table.admit((None, word)).text for word in ("a", "b", "c", "d", "a")]
    assert admitted == ["a", "b", templates.OVERFLOW_TEXT, templates.OVERFLOW_TEXT, "a"]


def test_free_text_of_one_kind_leaves_room_for_others() -> None:
    table = templates.TemplateTable()
    flood = [table.admit(("app", f"note by {word}")).text for word in map(_letters, range(500))]
    assert len(set(flood)) == 65
    assert flood[-1] == "note by <*>"
    assert table.admit(("app", "other words altogether")).text == "other words altogether"


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"<11>Jul 28 03:11:02 h p: x", b"<14>Jul 28 03:11:02 h p: x"),
        (b"<3>1 - h p - - - x", b"<6>1 - h p - - - x"),
        (
            b'192.0.2.1 - - [28/Jul/2026:03:11:02 +0000] "GET / HTTP/1.1" 200 1',
            b'192.0.2.1 - - [28/Jul/2026:03:11:02 +0000] "GET / HTTP/1.1" 500 1',
        ),
        (b'{"msg":"x","status":200}', b'{"msg":"x","status":503}'),
    ],
)
def test_a_digit_that_says_what_kind_of_line_it_is_stays_in_the_key(one: bytes, other: bytes) -> None:
    keys = templates.split_keys(one + b"\n" + other + b"\n")
    assert keys[0] != keys[1]
    assert [len(key) for key in keys] == [len(one), len(other)]


def test_numbers_of_any_length_have_one_shape() -> None:
    keys = templates.split_keys(b"took 7 ms\ntook 1234567 ms\n")
    assert templates.shapes(keys) == [b"took 0 ms", b"took 0 ms"]


@given(st.binary(max_size=400))
def test_records_are_separated_by_newlines_alone(data: bytes) -> None:
    lines = templates.split_lines(data)
    assert len(lines) == data.count(b"\n") + (bool(data) and not data.endswith(b"\n"))
    assert b"\n".join(lines) == data.removesuffix(b"\n")
    assert len(templates.split_keys(data)) == len(lines)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_blocks_are_whole_lines_and_all_of_the_data(data: bytes, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dthostmon.templates.lines.BLOCK_BYTES", size)
        parts = list(templates.blocks(data))
    assert b"".join(parts) == data
    assert all(first.endswith(b"\n") for first, _ in pairwise(parts))
    assert all(
        part.count(b"\n", 0, size - 1) == part.count(b"\n") - part.endswith(b"\n") for part in parts if len(part) > size
    )


@given(st.binary(max_size=300).filter(lambda line: b"\n" not in line))
def test_any_line_becomes_text_that_a_database_takes(line: bytes) -> None:
    text = templates.clean(line)
    text.encode()
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text)
