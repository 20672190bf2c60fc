"""Bytes to keys to templates."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon import templates

HEADERS = {
    "Jul 28 03:11:02 web1 sshd[4411]: hello": ("sshd", "hello"),
    "Jul  8 03:11:02 web1 sshd-session[4411]: hello": ("sshd-session", "hello"),
    "<38>Jul 28 03:11:02 web1 su: hello": ("su", "hello"),
    "Jul 28 03:11:02 web1 auth.info sshd[4411]: hello": ("sshd", "hello"),
    "Jul 28 03:11:02 web1 /usr/sbin/cron[12]: hello": ("cron", "hello"),
    "Jul 28 03:11:02 web1 sshd(pam_unix)[12]: hello": ("sshd(pam_unix)", "hello"),
    "Jul 28 03:11:02 web1 kernel: [812345.101] hello": ("kernel", "hello"),
    "Jul 28 03:11:02 web1 kernel: hello": ("kernel", "hello"),
    "Jul 28 03:11:02 web1 -- MARK --": (None, "web1 -- MARK --"),
    "2026-07-28T03:11:02.123456+02:00 web1 systemd[1]: hello": ("systemd", "hello"),
    "2026-07-28T03:11:02+0200 web1 postfix/smtpd[1]: hello": ("postfix/smtpd", "hello"),
    '<34>1 2026-07-28T03:11:02Z web1 app 4411 ID7 [x@1 a="b\\]c"][y@1] hello': ("app", "hello"),
    "<34>1 2026-07-28T03:11:02Z web1 app - - - hello": ("app", "hello"),
    "[    0.123456] hello": ("kernel", "hello"),
    "2026-07-28 00:16:00.100 UTC [610] LOG:  checkpoint complete": (None, "[610] LOG:  checkpoint complete"),
    "2015-10-18 18:01:47,978 INFO [main] org.example.App: hello": (None, "INFO [main] org.example.App: hello"),
    "2015-10-18 18:01:47,978 INFO org.example.App: hello": (None, "INFO org.example.App: hello"),
    "[Sun Dec 04 04:47:44 2005] [error] hello": (None, "[error] hello"),
    "hello: world": (None, "hello: world"),
    "": (None, ""),
}


@pytest.mark.parametrize("line", HEADERS)
def test_the_header_is_taken_off(line: str) -> None:
    parsed = templates.take_apart(line)
    assert (parsed.program, parsed.message) == HEADERS[line]


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("Failed password for root from 203.0.113.7 port 40000", "Failed password for <*> from <*> port <*>"),
        ("Connection from 2001:db8::7 closed.", "Connection from <*> closed."),
        ("segfault at 7f21c8 ip 000055d0c1a2 error 4", "segfault at <*> ip <*> error <*>"),
        ("request 0b1ca4c2-7d51-4a9e-9d5b-2f2b1c1d7f11 done", "request <*> done"),
        ('open "/etc/shadow file" failed', "open <*> failed"),
        ("can't open /var/lib/app/data: No such file", "can't open <*>: No such file"),
        ("res=failed acct=alice uid=1000", "res=failed acct=<*> uid=<*>"),
        ("session opened for user alice by (uid=0)", "session opened for user <*> by (uid=<*>)"),
        ("started at Sun Jul 10 03:55:15 2005", "started at <*>"),
        ("<*> is no mask of ours", "<*> is no mask of ours"),
    ],
)
def test_parameters_are_masked(message: str, masked: str) -> None:
    assert templates.template_of(templates.split_keys(message.encode())[0]).text == masked


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
    admitted = [table.admit(templates.ParsedLine(None, word)).text for word in ("a", "b", "c", "d", "a")]
    assert admitted == ["a", "b", templates.OVERFLOW_TEXT, templates.OVERFLOW_TEXT, "a"]


LINES = st.lists(
    st.one_of(st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"")), st.text(max_size=40).map(str.encode))
)


@given(st.binary(max_size=400))
def test_records_are_separated_by_newlines_alone(data: bytes) -> None:
    lines = templates.split_lines(data)
    assert len(lines) == data.count(b"\n") + (bool(data) and not data.endswith(b"\n"))
    assert b"\n".join(lines) == data.removesuffix(b"\n")
    assert len(templates.split_keys(data)) == len(lines)


@given(st.binary(max_size=400), st.integers(1, 50))
def test_blocks_are_whole_lines_and_all_of_the_data(data: bytes, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(templates, "BLOCK_BYTES", size)
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


@given(
    st.text(alphabet="09 aT:[]()<>=/'\".-\x1b\0ü", max_size=80).map(lambda text: text.encode()),
    st.sampled_from(
        [b"", b"Jul 28 03:11:02 web1 app[77]: ", b"[  12.5] ", b"2026-07-28T00:00:00Z h p[1]: ", b"<3>1 2 3 4 5 6 [7] "]
    ),
)
def test_lines_that_differ_in_digits_are_taken_apart_at_the_same_place(body: bytes, header: bytes) -> None:
    line = templates.clean(header + body)
    key = templates.clean(templates.split_keys(header + body + b"\n")[0])
    assert len(line) == len(key)
    assert len(templates.take_apart(line).message) == len(templates.take_apart(key).message)
