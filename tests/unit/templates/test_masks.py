"""Messages to templates."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon import templates
from dthostmon.templates.masks import mask_all


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("Failed password for root from 203.0.113.7 port 40000", "Failed password for <*> from <*> port <*>"),
        ("Failed password for invalid user bob from 203.0.113.7", "Failed password for invalid user <*> from <*>"),
        ("Connection from 2001:db8::7 closed.", "Connection from <*> closed."),
        ("segfault at 7f21c8 ip 000055d0c1a2 error 4", "segfault at <*> ip <*> error <*>"),
        ("request 0b1ca4c2-7d51-4a9e-9d5b-2f2b1c1d7f11 done", "request <*> done"),
        ('open "/etc/shadow file" failed', "open <*> failed"),
        ("can't open /var/lib/app/data: No such file", "can't open <*>: No such file"),
        ("res=failed acct=alice uid=1000", "res=failed acct=<*> uid=<*>"),
        ("session opened for user alice by (uid=0)", "session opened for user <*> by (uid=<*>)"),
        ("started at Sun Jul 10 03:55:15 2005", "started at <*>"),
        ("from mail.example.org to bob@example.org", "from <*> to <*>"),
        ("fetched https://example.org/a in 3 ms", "fetched <*> in <*>"),
        ("used 3 MB of 7 GB", "used <*> of <*>"),
        ("sizes 1, 2, 3 and 4", "sizes <*> and <*>"),
        ("padded   to   columns", "padded to columns"),
        ("progress.....done", "progress... done"),
        ('level=error msg="pull of 7 failed" image=x', "level=error msg=pull of <*> failed image=x"),
        ('192.0.2.1 "GET /a?b HTTP/1.1" status: 200', "<*> GET <*> status: <*>"),
        ("lifetime <1 sec and 30 B sent", "lifetime <*> and <*> sent"),
        ("lock=3 ws=null held= true user=", "lock=<*> ws=<*> held= <*> user=<*>"),
        ("started example.app/.Main and read/write", "started <*> and read/write"),
        ("wrote 1301 bytes (1.27 KB) out", "wrote <*> bytes out"),
        ("plain words stay", "plain words stay"),
    ],
)
def test_parameters_are_masked(message: str, masked: str) -> None:
    assert templates.template_of(message.encode()).text == masked


def test_a_line_that_looks_like_our_masks_stays_apart() -> None:
    forged = templates.template_of(b"user <*> logged in, took <*>")
    real = templates.template_of(b"user bob logged in, took 7")
    assert forged.text == "user <*> logged in, took <\\*>"
    assert forged.id != real.id


def test_what_frameworks_put_before_a_message_is_no_part_of_its_template() -> None:
    lines = (
        b"2026-07-28 03:11:02,978 INFO [main] org.example.App: job 7 is done",
        b"2026-07-28 03:11:02,978 INFO [pool-1-thread-7] org.example.App: job 7 is done",
        b"2026-07-28 03:11:02,978 - example.worker - INFO - job 7 is done",
        b"[2026-07-28T03:11:02,978][INFO ][o.e.App] [node] job 7 is done",
        b"03:11:02.978 [main] INFO  o.e.App - job 7 is done",
    )
    assert {templates.template_of(line).text for line in lines} == {"job <*> is done"}


def test_an_access_line_is_known_by_its_method_and_the_class_of_its_status() -> None:
    line = b'203.0.113.7 - bob [28/Jul/2026:09:20:00 +0000] "GET /a?b HTTP/1.1" %d 1234 "-" "agent"'
    assert templates.template_of(line % 503).text == '<*> "GET <*>" 5xx <*>'
    assert templates.template_of(line % 404) == templates.template_of(line % 403)
    assert templates.template_of(line % 404) != templates.template_of(line % 200)


def test_the_class_of_a_status_that_is_a_member_stays() -> None:
    assert templates.template_of(b'{"msg":"done","status":503}').text == "done status=5xx"
    assert templates.template_of(b"exited, status=203/EXEC").text == "exited, status=<*>"


PIECES = st.lists(
    st.sampled_from(
        [
            "0",
            "a",
            " ",
            "  ",
            "=",
            "'",
            '"',
            "(",
            ")",
            "[-]",
            "<*>",
            "user ",
            " for ",
            " from ",
            "/x",
            "Jan 0",
            "...",
            "-",
            "INFO",
            "status=",
            "GET ",
            "msg=",
            ".com",
            "@",
            ",",
            "://",
            "*",
            "MB",
            "\t",
            "ü",
            "]",
            "[",
            "bytes",
            " - ",
        ]
    ),
    max_size=14,
).map("".join)


@given(st.lists(PIECES, min_size=1, max_size=5))
def test_messages_masked_together_are_masked_as_each_alone(messages: list[str]) -> None:
    assert mask_all(messages) == [templates.mask(message) for message in messages]


@given(PIECES)
def test_a_template_holds_no_number(message: str) -> None:
    assert not re.search(r"\d", templates.template_of(message.encode()).text)


def test_what_is_quoted_at_the_beginning_is_the_message() -> None:
    line = b'E1127 10:00:00.123456  1234 file.go:12] "Failed to pull image" err="no such host" image="nginx:1.2"'
    text = "Failed to pull image err=no such host image=<*>"
    assert templates.template_of(line).text == text
    assert templates.template_of(b"Jul 28 03:11:02 web1 kubelet[5]: " + line).text.endswith(f"] {text}")
