"""Lines as an ordinary server writes them; nobody's real log."""

import random
from collections.abc import Iterator

SEED = 20_26

# # becomes a number
FORMS = (
    "CRON[#]: (root) CMD (test -x /usr/sbin/anacron || run-parts --report /etc/cron.daily)",
    "CRON[#]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
    "sshd[#]: Failed password for invalid user guest from 203.0.113.# port # ssh2",
    "sshd[#]: Connection closed by 203.0.113.# port # [preauth]",
    "systemd[1]: Started session-#.scope - Session # of User deploy.",
    "systemd-logind[401]: New session # of user deploy.",
    "kernel: [#.#] [UFW BLOCK] IN=eth0 OUT= SRC=203.0.113.# DST=192.0.2.10 LEN=# PROTO=TCP SPT=# DPT=#",
    "postfix/smtpd[#]: connect from unknown[203.0.113.#]",
    "nginx: 203.0.113.# - - GET / answered 200 with # bytes in # ms",
    "worker[#]: job # of queue mail took # ms",
)


def seeded() -> random.Random:
    """Return the source of all chance: every run writes the same lines."""
    return random.Random(SEED)  # noqa: S311  # nothing here is secret


def some_bytes(size: int, chance: random.Random) -> bytes:
    """Return whole lines of at least `size` bytes together."""
    lines: list[bytes] = []
    while size > 0:
        lines.append(_line(chance))
        size -= len(lines[-1])
    return b"".join(lines)


def some_lines(count: int, chance: random.Random) -> bytes:
    """Return `count` lines."""
    return b"".join(_line(chance) for _ in range(count))


def _line(chance: random.Random) -> bytes:
    clock = f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"
    return f"Jul {chance.randint(1, 28):2} {clock} web1 {''.join(_filled(chance))}\n".encode()


def _filled(chance: random.Random) -> Iterator[str]:
    for character in chance.choice(FORMS):
        yield str(chance.randint(1, 254)) if character == "#" else character
