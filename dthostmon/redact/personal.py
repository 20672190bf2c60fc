"""What belongs to a person: e-mail addresses and card numbers."""

import re
from collections.abc import Sequence

from dthostmon.redact.marks import Kind
from dthostmon.redact.pattern import Pattern, Redaction

_UNITS_AND_FILES = "service socket timer mount automount target device slice scope path swap conf log sock pid"
_NO_DOMAINS = frozenset(_UNITS_AND_FILES.split())
# local parts that name a program or an office of every mail system, and domains that name ciphers and not mailboxes
_OFFICES = "root git postmaster mailer-daemon double-bounce nobody www-data noreply no-reply"
_PROGRAMS = frozenset(_OFFICES.split())
_NO_MAIL = frozenset({"openssh.com", "libssh.org"})
_BEFORE_MESSAGE_ID = re.compile(
    r"(?:message-?id|msg-?id|in-reply-to|references|(?<![a-z])id)[\"']?[=:\s]\s{0,2}[\"']?<?[^\s<>,;]*$", re.IGNORECASE
)
_MESSAGE_ID_REACH = 160

_CARD_STARTS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[68]\d)\d{11}"
    r"|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}|(?:50|67|63)\d{14}"
)


def _is_mailbox(match: re.Match[str]) -> bool:
    local, domain = match["local"].lower(), match["domain"]
    last = domain.rpartition(".")[2].lower()
    if not (last.isalpha() or last.startswith("xn--")) or len(last) < 2 or last in _NO_DOMAINS:
        return False
    if local in _PROGRAMS or domain.lower() in _NO_MAIL or _is_remote_path(match) or _is_principal(match):
        return False
    return not _is_message_id(match)


def _is_remote_path(match: re.Match[str]) -> bool:
    return match.string[match.end() : match.end() + 2] in {":/", ":~"}


def _is_principal(match: re.Match[str]) -> bool:
    """Kerberos names users and services of a realm in capitals: `alice@EXAMPLE.COM`, `HTTP/web1@EXAMPLE.COM`."""
    return match["domain"].isupper() and not match["local"].isupper()


def _is_message_id(match: re.Match[str]) -> bool:
    before = match.string[max(0, match.start() - _MESSAGE_ID_REACH) : match.start()]
    found = _BEFORE_MESSAGE_ID.search(before)
    if found is None:
        return False
    return not found[0].lower().startswith("id") or any(map(str.isdigit, match["local"]))


def _is_card(match: re.Match[str]) -> bool:
    digits = match["secret"].replace(" ", "").replace("-", "")
    return _CARD_STARTS.fullmatch(digits) is not None and _has_luhn_digit(digits)


def _has_luhn_digit(digits: str) -> bool:
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


PERSONAL: Sequence[Redaction] = (
    Pattern(
        Kind.EMAIL,
        ("@", "%40"),
        re.compile(
            r"(?<![\w.+'-])(?P<secret>(?P<local>\w[\w.+'-]*+)(?:@|%40)(?P<domain>[^\W_][\w-]*+(?:\.[\w-]++)++))",
            re.IGNORECASE,
        ),
        _is_mailbox,
    ),
    # nothing of a longer number, of a word, of a decimal fraction; groups have one separator
    Pattern(
        Kind.CARD,
        (),
        re.compile(
            r"(?P<secret>[2-6](?<![\w.+-][2-6])(?<!\d [2-6])(?:\d{12,18}"
            r"|\d{3}(?P<gap>[ -])\d{4}(?P=gap)\d{4}(?P=gap)\d{4}(?:(?P=gap)\d{3})?"
            r"|\d{3}(?P<space>[ -])\d{6}(?P=space)\d{4,5}))(?![\w+-]|\.\d| \d)",
            re.ASCII,
        ),
        _is_card,
    ),
)
