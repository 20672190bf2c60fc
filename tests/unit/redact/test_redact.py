"""What redaction leaves alone, what it leaves of a line, and that it is done at once."""

import string
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dthostmon.redact import MAX_CHARACTERS, redact
from dthostmon.redact.accounts import looks_like_a_user_name
from dthostmon.redact.marks import Kind

ORDINARY = Path("tests/testdata/redact/ordinary.log").read_text(encoding="utf-8").splitlines()
MARKERS = (
    "password=",
    "passwd: ",
    "token=",
    "Authorization: ",
    "Bearer ",
    "basic ",
    "Cookie: ",
    "://",
    "@",
    ":",
    "=",
    "'",
    '"',
    "\\",
    "mysql -p",
    "curl -u ",
    "--password ",
    "echo ",
    "| chpasswd",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "Invalid user ",
    " from 203.0.113.9 port 5",
    "secret",
    "api_key",
    "eyJ",
    "4111111111111111",
    "[redacted: password]",
    "[redacted: ",
    "a",
    "B",
    "7",
    " ",
    "\n",
    ";",
    "&",
    "?",
    "<",
    ">",
    "/",
    "\\n",
    "{",
    "}",
    ",",
    "proctitle=6D7973716C002D7061626364",
    "\ufdd0",
    "AKIA",
    "hunter2hunter",
    "example.com",
    "%40",
    "%3A%2F%2F",
    "password is ",
    "PASSWORD '",
)
HOSTILE = st.lists(st.sampled_from(MARKERS) | st.text(max_size=5), max_size=30).map("".join)


@pytest.mark.parametrize("line", ORDINARY)
def test_an_ordinary_line_stays_as_it_is(line: str) -> None:
    assert redact(line) == line


def test_there_are_enough_ordinary_lines() -> None:
    assert len(set(ORDINARY)) >= 150


@pytest.mark.parametrize(
    ("line", "redacted"),
    [
        ("app: DB_PASS=x1y2z3 DB_USER=app", "app: DB_PASS=[redacted: password] DB_USER=app"),
        ("(password=abcdef)", "(password=[redacted: password])"),
        ("a=1&b=2 password=abcdef, user=bob", "a=1&b=2 password=[redacted: password], user=bob"),
        ("https://bob:abcdef@web1/x", "https://bob:[redacted: password]@web1/x"),
        ("Cookie: a=b1; c=d2", "Cookie: a=[redacted: cookie]; c=[redacted: cookie]"),
        ("Set-Cookie: a=b1; Path=/; Max-Age=60", "Set-Cookie: a=[redacted: cookie]; Path=/; Max-Age=60"),
        ("curl -u bob:abcdef x", "curl -u bob:[redacted: password] x"),
        ("echo bob:abcdef | chpasswd", "echo bob:[redacted: password] | chpasswd"),
        ("Authorization: Bearer abcdef", "Authorization: Bearer [redacted: credentials]"),
        (
            "Failed password for invalid user a!b from 203.0.113.9 port 1 ssh2",
            "Failed password for invalid user [redacted: user name, perhaps a password] from 203.0.113.9 port 1 ssh2",
        ),
        ('{"password": "a b", "user": "bob"}', '{"password": "[redacted: password]", "user": "bob"}'),
    ],
)
def test_nothing_but_the_secret_goes(line: str, redacted: str) -> None:
    assert redact(line) == redacted


@pytest.mark.parametrize(
    "name",
    [
        "root",
        "admin",
        "www-data",
        "PlcmSpIp",
        "Administrator",
        "user01",
        "db2inst1",
        "ec2-user",
        "CORP\\alice",
        "host$",
        "ADMIN",
    ],
)
def test_a_name_looks_like_one(name: str) -> None:
    assert looks_like_a_user_name(name)


@pytest.mark.parametrize(
    "typed",
    ["Sommer2024", "p4ssw0rd", "geheim!", "123456", "qwertz12345", "correct horse", "a" * 33, "", "äöü", "Tr0ub4dor&3"],
)
def test_a_password_does_not_look_like_a_name(typed: str) -> None:
    assert not looks_like_a_user_name(typed)


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111112",  # no Luhn digit
        "3f2504e0-4111-1111-1111-1111aaaa0000",
        "41111111-1111-1111-1111-111111111111",
        "94111111111111111",
        "0.4111111111111111",
        "4111111111111111.5",
        "4111111111111111abc",
        "id4111111111111111",
        "1764271234123456",
        "2026-11-27 19:35:01",
        "+4111111111111111",
        "4111 1111 1111 1111 1111",
        "4111-1111 1111-1111",
    ],
)
def test_a_number_is_no_card(number: str) -> None:
    assert redact(f"x {number} y") == f"x {number} y"


def test_a_long_text_is_cut_before_a_word() -> None:
    redacted = redact("word " * MAX_CHARACTERS)
    assert MAX_CHARACTERS - 10 < len(redacted) <= MAX_CHARACTERS
    assert redacted.endswith("word")


def test_a_mark_in_a_text_is_taken_for_one_and_reserved_characters_are_not() -> None:
    assert redact("password=[redacted: password] x") == "password=[redacted: password] x"
    assert redact("password=[redacted: token]") == "password=[redacted: token]"
    assert redact("a\ufdd0b") == "a\N{REPLACEMENT CHARACTER}b"


@given(HOSTILE)
@settings(max_examples=300, deadline=None)
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(st.text(st.characters(categories=["Ll", "Zs"]), max_size=200))
@settings(deadline=None)
def test_words_without_a_marker_stay(text: str) -> None:
    words = [word for word in text.split() if not any(marker in word for marker in ("pass", "user"))]
    assert redact(" ".join(words)) == " ".join(words)


@given(HOSTILE, st.sampled_from(["abcXYZ123", "p-w!9q8"]))
@settings(deadline=None)
def test_a_password_goes_whatever_stands_in_front(before: str, secret: str) -> None:
    assert secret not in redact(f"{before}\nDB_PASSWORD={secret}\n")


FRAGMENTS = [*MARKERS, *string.punctuation, *" aA0", *(f"[redacted: {kind}]" for kind in Kind)]
PHRASES = [
    "a.",
    "a@",
    "a:",
    "a-",
    "a=",
    "a/",
    "a ",
    "/a",
    "&a",
    "=a&",
    ";a",
    ",a",
    "a\\",
    "4 ",
    "4-",
    "4111 ",
    "1.",
    "://a:",
    "://a",
    "mysql ",
    "mysql '",
    'mysql "',
    "curl -u a",
    "docker login ",
    "echo ",
    "echo |",
    "password",
    "password ",
    "password:",
    "password='",
    "pass pass",
    "token token:",
    "--token ",
    "Cookie: a=",
    "cookie=a;",
    "Authorization: Digest a=",
    "authorization authorization:",
    "basic a",
    "Invalid user ",
    "invalid user a",
    "Invalid user a from ",
    "login login ",
    "ssh-keygen ",
    "htpasswd -b ",
    "htpasswd -",
    "aaaa ",
    "aaaaaaaa\\n",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----aaaaaaaaaaaaaaaaaaaa ",
    "private key aaaa\\",
    "eyJ",
    "eyJa.",
    "sk-",
    "sk-sk",
    "xox",
    "M.",
    "$6$",
    "%3a%2f%2fa%3a",
    "%3a%2f%2f",
    "?a",
    "?token",
    "&tokentoken",
    '\\"password\\":\\"',
    "password:\\",
    "a:a@",
    'a1="-p',
    "FAILED LOGIN 1 FROM a FOR ",
    "user 'a",
    "temporary password ",
    "<password ",
    "password>",
    "proctitle=6D",
    "message-id=a@a.aa ",
    "id=a",
    "Private-Lines: 1 a",
    "b3BlbnNzaC1rZXktdjE ",
    "echo a|sudo ",
    "echo a|a ",
    "rabbitmqctl ",
    "password is ",
    "{SHA}",
    "\t",
    "\n",
    "é",
    "\ufdd1",
]


SHORT_CHARACTERS = MAX_CHARACTERS // 8


def seconds(fragment: str, characters: int) -> float:
    text = fragment * (characters // len(fragment))
    best = float("inf")
    for _ in range(2):
        begun = time.process_time()
        redact(text)
        best = min(best, time.process_time() - begun)
    return best


@pytest.mark.parametrize("fragment", list(dict.fromkeys([*FRAGMENTS, *PHRASES])))
def test_four_times_the_text_takes_about_four_times_as_long(fragment: str) -> None:
    """Quadratic would be 16. A floor keeps what is too short to measure out of the ratio."""
    short = max(seconds(fragment, SHORT_CHARACTERS), 0.004)
    assert seconds(fragment, 4 * SHORT_CHARACTERS) < 9 * short
