"""Logs made for measuring, from a seed: the same bytes in every run, and nobody's real log.

In a form # is a number, @ an address, $ a word of letters and digits.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

SEED = 20_26
BEGIN = datetime(2026, 7, 10, tzinfo=UTC)
LINES_PER_SECOND = 20
LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789"
LETTER_OF_BYTE = bytes(LETTERS[number % len(LETTERS)] for number in range(256))
SUPPLY_BYTES = 1 << 16
WORD_LETTERS = (3, 12)

# one form per kind of line that an ordinary server writes, about as often as it writes them
ORDINARY = (
    "CRON[#]: (root) CMD (test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; })",
    "CRON[#]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
    "CRON[#]: pam_unix(cron:session): session closed for user root",
    "sshd[#]: Failed password for root from @ port # ssh2",
    "sshd[#]: Connection closed by authenticating user root @ port # [preauth]",
    "sshd[#]: Accepted publickey for deploy from @ port # ssh2: ED25519 SHA256:kbVdYyYbXJq1G8xO",
    "systemd[1]: Started session-#.scope - Session # of User deploy.",
    "systemd[1]: logrotate.service: Deactivated successfully.",
    "systemd-logind[401]: New session # of user deploy.",
    "kernel: [#.#] [UFW BLOCK] IN=eth0 OUT= SRC=@ DST=192.0.2.10 LEN=# TTL=# ID=# PROTO=TCP SPT=# DPT=#",
    "postfix/smtpd[#]: connect from unknown[@]",
    "postfix/qmgr[#]: removed after # ms, queue holds # messages",
    "nginx: @ - - request # answered 200 with # bytes in #.# ms",
    "dhclient[700]: bound to @ -- renewal in # seconds.",
)
# the same kinds, with a random word in each place that may vary; the last has nothing else
RANDOM = (
    "CRON[#]: ($) CMD (/usr/local/bin/$ --report /etc/$/$)",
    "CRON[#]: pam_unix(cron:session): session opened for user $(uid=#) by $(uid=#)",
    "sshd[#]: Invalid user $ from @ port #",
    "sshd[#]: Failed password for $ from @ port # ssh2",
    "sshd[#]: Connection closed by authenticating user $ @ port # [preauth]",
    "sshd[#]: Accepted publickey for $ from @ port # ssh2: ED25519 SHA256:$$$$",
    "systemd[1]: Started $.service - Session # of User $.",
    "systemd-logind[401]: New session $ of user $.",
    "kernel: [#.#] [UFW BLOCK] IN=$ OUT= SRC=@ DST=@ LEN=# TTL=# ID=# PROTO=TCP SPT=# DPT=#",
    "postfix/smtpd[#]: connect from $.$.example.org[@]",
    "postfix/qmgr[#]: $: from=<$@example.org>, size=#, nrcpt=# (queue active)",
    "app[#]: request $ of user $ for /$/$ took # ms, trace=$",
    "app[#]: block $ replicated from $ to $ in # ms",
    "dhclient[#]: bound to @ on $ -- renewal in # seconds.",
    "nginx: $ $ $ $",
)


def seeded() -> random.Random:
    """Return the source of all chance: every run measures the same bytes."""
    return random.Random(SEED)  # noqa: S311  # nothing here is secret


def taken(lines: Iterator[bytes], size: int) -> bytes:
    """Return whole lines of at least `size` bytes together."""
    kept = []
    while size > 0:
        kept.append(next(lines))
        size -= len(kept[-1])
    return b"".join(kept)


def numbers_vary(chance: random.Random) -> Iterator[bytes]:
    """Yield the lines of a syslog that repeats but for its numbers and addresses."""
    return syslog(ORDINARY, chance)


def all_parameters_vary(chance: random.Random) -> Iterator[bytes]:
    """Yield the lines of a syslog in which each parameter of each line is a random word."""
    return syslog(RANDOM, chance)


def syslog(forms: Sequence[str], chance: random.Random) -> Iterator[bytes]:
    """Yield lines of the forms under the headers of a clock that goes on, for ever."""
    fillers = [filler(form, chance) for form in forms]
    for head in heads():
        for _ in range(LINES_PER_SECOND):
            yield f"{head} {fillers[int(chance.random() * len(fillers))]()}\n".encode()


def heads() -> Iterator[str]:
    """Yield stamp and host of each second, for ever."""
    second = BEGIN
    while True:
        yield f"{second:%b} {second.day:2} {second:%H:%M:%S} web1"
        second += timedelta(seconds=1)


def words(chance: random.Random) -> Callable[[], str]:
    """Return what makes random words; they are cut from a supply, because to choose each letter takes far longer."""
    supply, place = "", 0
    shortest, longest = WORD_LETTERS

    def word() -> str:
        nonlocal supply, place
        length = shortest + int(chance.random() * (longest - shortest + 1))
        if place + length > len(supply):
            supply, place = chance.randbytes(SUPPLY_BYTES).translate(LETTER_OF_BYTE).decode(), 0
        place += length
        return supply[place - length : place]

    return word


def filler(form: str, chance: random.Random) -> Callable[[], str]:
    """Return what fills a form, anew at each call."""
    draw = chance.random

    def number() -> str:
        return str(int(draw() * 10 ** (1 + int(draw() * 5))))

    def address() -> str:
        return f"{int(draw() * 256)}.{int(draw() * 256)}.{int(draw() * 256)}.{int(draw() * 256)}"

    makers = {"#": number, "@": address, "$": words(chance)}
    # @ behind a word is a part of a name or of a mail address
    pieces = re.split(r"(#|\$|(?<![\w$>])@)", form)
    text = "".join("%s" if piece in makers else piece.replace("%", "%%") for piece in pieces)
    wanted = [makers[piece] for piece in pieces if piece in makers]
    return lambda: text % tuple([make() for make in wanted])
