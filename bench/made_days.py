"""Days of logs of whole hosts, made for measuring: the same bytes in every run, and nobody's real log.

Each kind of host has voices: the form of a line (see `made_logs`), the log that it goes to, and how many of it a day
has. What strangers do comes in campaigns, one address after the other, each with many tries. A day of a host differs
from the day before by its chance, and one day by what happens on it.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from made_logs import BEGIN, SEED, filler

SYSLOG, AUTH, ACCESS, ERRORS = (
    "/var/log/syslog",
    "/var/log/auth.log",
    "/var/log/nginx/access.log",
    "/var/log/nginx/error.log",
)
DAY_SECONDS = 86_400
HOUR_SECONDS = 3600.0
VISITORS = 3000
MOST_TRIES = 300  # of one address that guesses passwords
PAUSE_SECONDS = (2.0, 120.0)  # between two of them
GUESSED = (
    "root",
    "root",
    "root",
    "admin",
    "test",
    "ubuntu",
    "oracle",
    "postgres",
    "git",
    "pi",
    "user",
    "deploy1",
    "ftpuser",
)
UNKNOWN_GUESSED = (
    "Invalid user {user} from {address} port {port}",
    "pam_unix(sshd:auth): check pass; user unknown",
    "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={address}",
    "Failed password for invalid user {user} from {address} port {port} ssh2",
    "Received disconnect from {address} port {port}:11: Bye Bye [preauth]",
    "Disconnected from invalid user {user} {address} port {port} [preauth]",
)
KNOWN_GUESSED = (
    "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={address}  user={user}",
    "Failed password for {user} from {address} port {port} ssh2",
    "Received disconnect from {address} port {port}:11: Bye Bye [preauth]",
    "Disconnected from authenticating user {user} {address} port {port} [preauth]",
)
SCANNED = (
    "/.env",
    "/.git/config",
    "/wp-login.php",
    "/phpmyadmin/",
    "/admin/",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
)


@dataclass(frozen=True, slots=True)
class Voice:
    """A kind of line. It is written between `since` and `until`, hours of the day."""

    log: str
    form: str
    per_day: int
    since: float = 0.0
    until: float = 24.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of host. `happens` are voices of the last day alone, `guesses` how many passwords strangers try a day."""

    name: str
    voices: Sequence[Voice]
    happens: Sequence[Voice] = ()
    guesses: int = 60
    scans: int = 0

    @property
    def logs(self) -> tuple[str, ...]:
        """The logs that it has."""
        return tuple(dict.fromkeys(voice.log for voice in (*self.voices, *self.happens)))


BASE = (
    Voice(SYSLOG, "CRON[#]: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)", 144),
    Voice(SYSLOG, "CRON[#]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)", 24),
    Voice(AUTH, "CRON[#]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)", 168),
    Voice(AUTH, "CRON[#]: pam_unix(cron:session): session closed for user root", 168),
    Voice(
        AUTH,
        "sshd[#]: Accepted publickey for deploy from 198.51.100.4 port # ssh2: ED25519 SHA256:kbVdYyYbXJq1G8xO",
        30,
    ),
    Voice(AUTH, "sshd[#]: pam_unix(sshd:session): session opened for user deploy(uid=1000) by deploy(uid=0)", 30),
    Voice(AUTH, "sshd[#]: pam_unix(sshd:session): session closed for user deploy", 30),
    Voice(AUTH, "systemd-logind[401]: New session # of user deploy.", 30),
    Voice(AUTH, "systemd-logind[401]: Session # logged out. Waiting for processes to exit.", 30),
    Voice(AUTH, "systemd-logind[401]: Removed session #.", 30),
    Voice(SYSLOG, "systemd[1]: Started session-#.scope - Session # of User deploy.", 30),
    Voice(SYSLOG, "systemd[1]: session-#.scope: Deactivated successfully.", 30),
    Voice(SYSLOG, "systemd[1]: Starting sysstat-collect.service - system activity accounting tool...", 144),
    Voice(SYSLOG, "systemd[1]: sysstat-collect.service: Deactivated successfully.", 144),
    Voice(SYSLOG, "systemd[1]: Finished sysstat-collect.service - system activity accounting tool.", 144),
    Voice(SYSLOG, "systemd[1]: Starting apt-daily.service - Daily apt download activities...", 12),
    Voice(SYSLOG, "systemd[1]: Finished apt-daily.service - Daily apt download activities.", 12),
    Voice(SYSLOG, "systemd[1]: Finished logrotate.service - Rotate log files.", 12),
    Voice(SYSLOG, "chronyd[612]: Selected source 198.51.100.# (2.debian.pool.ntp.org)", 12),
    Voice(
        SYSLOG,
        "kernel: [#.#] [UFW BLOCK] IN=eth0 OUT= SRC=@ DST=192.0.2.10 LEN=44 TTL=# ID=# PROTO=TCP SPT=# DPT=#",
        2500,
    ),
    Voice(SYSLOG, "dhclient[700]: bound to 192.0.2.10 -- renewal in # seconds.", 24),
    Voice(SYSLOG, "postfix/smtpd[#]: connect from unknown[@]", 150),
    Voice(SYSLOG, "postfix/smtpd[#]: disconnect from unknown[@] ehlo=1 quit=1 commands=2", 150),
    Voice(SYSLOG, "postfix/qmgr[#]: $: from=<root@web1.example.org>, size=#, nrcpt=1 (queue active)", 60),
    Voice(SYSLOG, "postfix/qmgr[#]: $: removed", 60),
)
AGENT = '"-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"'


def _web(requests: int) -> Sequence[Voice]:
    """Return the voices of a web server with so many requests a day."""
    return (
        Voice(ACCESS, f'"GET /articles/# HTTP/1.1" 200 # {AGENT}', requests * 80 // 100),
        Voice(ACCESS, f'"GET /static/# HTTP/1.1" 304 0 {AGENT}', requests * 14 // 100),
        Voice(ACCESS, f'"POST /search HTTP/1.1" 200 # {AGENT}', requests * 3 // 100),
        Voice(ACCESS, f'"GET /old/# HTTP/1.1" 301 178 {AGENT}', requests // 100),
        Voice(ACCESS, f'"GET /articles/# HTTP/1.1" 404 153 {AGENT}', requests // 100),
        Voice(
            ERRORS,
            'open() "/var/www/html/favicon.ico" failed (2: No such file or directory), client: @, server: example.org,'
            ' request: "GET /favicon.ico HTTP/1.1", host: "example.org"',
            requests // 500,
        ),
    )


APPLICATION = (
    Voice(SYSLOG, "shop[812]: request # of user # for /api/orders took # ms, # rows", 14_000),
    Voice(SYSLOG, "shop[812]: request # of user # for /api/carts/# took # ms", 9000),
    Voice(SYSLOG, "shop[812]: sent mail # about order # in # ms", 2000),
    Voice(SYSLOG, "shop[812]: cache holds # entries, # KB, hit rate #", 1440),
    Voice(SYSLOG, "postgres[901]: [#-1] LOG:  checkpoint starting: time", 280),
    Voice(SYSLOG, "postgres[901]: [#-1] LOG:  checkpoint complete: wrote # buffers (#%); # WAL file(s) added", 280),
)
BUSY = (
    Voice(
        ERRORS,
        "upstream timed out (110: Connection timed out) while reading response header from upstream, client: @, server:"
        ' example.org, request: "GET /search HTTP/1.1", upstream: "http://127.0.0.1:8000/search", host: "example.org"',
        12,
    ),
    Voice(
        ERRORS,
        'limiting requests, excess: 20.#, by zone "one", client: @, server: example.org, request: "GET /login'
        ' HTTP/1.1", host: "example.org"',
        150,
    ),
)
# a disk that fails from 14:10 on, what that does to a database and its application, and the repair two hours later
FAILING_DISK = (
    Voice(SYSLOG, "kernel: [#.#] ata1.00: exception Emask 0x0 SAct 0x# SErr 0x0 action 0x0", 90, 14.16, 16),
    Voice(
        SYSLOG,
        "kernel: [#.#] blk_update_request: I/O error, dev sda, sector # op 0x0:(READ) flags 0x80700",
        180,
        14.16,
        16,
    ),
    Voice(SYSLOG, "kernel: [#.#] Buffer I/O error on dev sda1, logical block #, lost async page write", 60, 14.3, 16),
    Voice(
        SYSLOG,
        "kernel: [#.#] EXT4-fs error (device sda1): ext4_journal_check_start:83: Detected aborted journal",
        1,
        14.5,
        14.51,
    ),
    Voice(SYSLOG, "kernel: [#.#] EXT4-fs (sda1): Remounting filesystem read-only", 1, 14.51, 14.52),
    Voice(SYSLOG, "smartd[590]: Device: /dev/sda [SAT], # Currently unreadable (pending) sectors", 4, 14.2, 16),
    Voice(
        SYSLOG,
        'postgres[901]: [#-1] PANIC:  could not write to file "pg_wal/xlogtemp.#": Read-only file system',
        1,
        14.52,
        14.53,
    ),
    Voice(
        SYSLOG,
        "systemd[1]: postgresql@15-main.service: Main process exited, code=killed, status=6/ABRT",
        1,
        14.53,
        14.54,
    ),
    Voice(SYSLOG, "systemd[1]: postgresql@15-main.service: Failed with result 'signal'.", 1, 14.54, 14.55),
    Voice(SYSLOG, "shop[812]: ERROR order # of user # could not be stored: connection refused", 900, 14.53, 16),
    Voice(SYSLOG, "shop[812]: falls back to the queue on disk, which cannot be written", 40, 14.53, 16),
    Voice(SYSLOG, "systemd[1]: Started postgresql@15-main.service - PostgreSQL Cluster 15-main.", 1, 16.05, 16.1),
)
# what a new release of the application writes from 9:05 on, some of it often and some of it once
UPGRADE = (
    Voice(SYSLOG, "systemd[1]: Stopping shop.service - The shop...", 1, 9.05, 9.06),
    Voice(SYSLOG, "systemd[1]: Started shop.service - The shop.", 1, 9.07, 9.08),
    Voice(SYSLOG, "shop[4077]: migrated the table orders to version # in # ms", 1, 9.08, 9.09),
    Voice(SYSLOG, "shop[4077]: the setting cache.size is deprecated, use cache.bytes", 1, 9.08, 9.09),
    Voice(SYSLOG, "shop[4077]: listens on port # with # workers", 1, 9.09, 9.1),
    *(
        Voice(SYSLOG, f"shop[4077]: {told}", per_day, 9.1)
        for told, per_day in (
            ("worker # took job # of queue mail after # ms", 3000),
            ("worker # finished job # of queue mail in # ms", 3000),
            ("session # renewed for user #", 1500),
            ("trace $ sampled, # spans", 900),
            ("pool of connections grew to #", 120),
            ("pool of connections shrank to #", 120),
            ("flushed # metrics in # ms", 850),
            ("retries the request # to the payment service after # ms", 30),
            ("warms the cache with # entries", 12),
            ("compacted the index of products in # ms", 4),
            ("rotated the signing key, the next one is $", 2),
            ("feature flag checkout_v2 is on for # percent of users", 1),
        )
    ),
)
KINDS = (
    Kind("quiet web server", (*BASE, *_web(7000)), scans=3),
    Kind("busy web server", (*BASE, *_web(80_000), *BUSY), scans=12),
    Kind("SSH server under brute force", BASE, guesses=4000),
    Kind("database with a failing disk", (*BASE, *APPLICATION), FAILING_DISK),
    Kind("application after an upgrade", (*BASE, *APPLICATION), UPGRADE),
)


@dataclass(frozen=True, slots=True, order=True)
class Written:
    """A message: when on its day, in seconds, in which log, by whose request if any, and its words."""

    second: float
    log: str
    visitor: str
    text: str


class Day:
    """One day of a host. `number` counts from 0; with `happens` it is the day on which something happens."""

    def __init__(self, kind: Kind, number: int, *, happens: bool) -> None:
        chance = random.Random(f"{SEED} {kind.name} {number}")  # noqa: S311  # nothing here is secret
        voices = (*kind.voices, *(kind.happens if happens else ()))
        self._written = sorted((*_spoken(voices, chance), *_guesses(kind.guesses, chance), *_scans(kind.scans, chance)))
        self.begin = BEGIN + timedelta(days=number)

    def visits(self, seconds: int) -> Iterator[tuple[datetime, Mapping[str, Sequence[str]]]]:
        """Yield the moment of each visit with the lines that were written since the one before, by log."""
        left = iter(self._written)
        one = next(left, None)
        for end in range(seconds, DAY_SECONDS + 1, seconds):
            lines: dict[str, list[str]] = {}
            while one and one.second < end:
                lines.setdefault(one.log, []).append(self._line(one))
                one = next(left, None)
            yield self.begin + timedelta(seconds=end), lines

    def _line(self, one: Written) -> str:
        moment = self.begin + timedelta(seconds=int(one.second))
        if one.log == ACCESS:
            return f"{one.visitor} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] {one.text}"
        if one.log == ERRORS:
            return f"{moment:%Y/%m/%d %H:%M:%S} [error] 700#700: *{int(one.second)} {one.text}"
        return f"{moment:%b} {moment.day:2} {moment:%H:%M:%S} web1 {one.text}"


def _spoken(voices: Sequence[Voice], chance: random.Random) -> Iterator[Written]:
    visitors = [_address(chance) for _ in range(VISITORS)]
    for voice in voices:
        fill = filler(voice.form, chance)
        for _ in range(voice.per_day):
            yield Written(_moment(voice, chance), voice.log, chance.choice(visitors), fill())


def _moment(voice: Voice, chance: random.Random) -> float:
    """Draw a second of the day; requests come three times as often in the evening as at night."""
    while True:
        hour = voice.since + chance.random() * (voice.until - voice.since)
        if voice.log != ACCESS or chance.random() < 0.67 + 0.33 * math.sin((hour - 13) / 24 * 2 * math.pi):
            return hour * HOUR_SECONDS


def _guesses(count: int, chance: random.Random) -> Iterator[Written]:
    """Yield what sshd writes of addresses that try one password after the other, few of them many."""
    while count > 0:
        address, second = _address(chance), chance.random() * DAY_SECONDS
        tries = min(count, int(MOST_TRIES ** chance.random()))
        count -= tries
        pause = chance.uniform(*PAUSE_SECONDS)
        for _ in range(tries):
            second = (second + chance.expovariate(1 / pause)) % DAY_SECONDS
            yield from _guess(address, second, chance)


def _guess(address: str, second: float, chance: random.Random) -> Iterator[Written]:
    user = chance.choice(GUESSED)
    told = KNOWN_GUESSED if user == "root" else UNKNOWN_GUESSED
    process, port = chance.randrange(1000, 4_000_000), chance.randrange(1024, 65_536)
    for place, form in enumerate(told):
        text = form.format(user=user, address=address, port=port)
        yield Written(second + place / 10, AUTH, "", f"sshd[{process}]: {text}")


def _scans(count: int, chance: random.Random) -> Iterator[Written]:
    """Yield the requests of addresses that look for holes, which are not there."""
    for _ in range(count):
        address, second = _address(chance), chance.random() * (DAY_SECONDS - HOUR_SECONDS)
        for path in SCANNED * 3:
            second += chance.random() * 2
            yield Written(second, ACCESS, address, f'"GET {path} HTTP/1.1" 404 153 "-" "Mozilla/5.0"')


def _address(chance: random.Random) -> str:
    """Draw an address, one in twenty of IPv6: the same kinds of lines as in real logs."""
    if chance.random() < 0.05:
        return f"2001:db8:{chance.randrange(65_536):x}::{chance.randrange(1, 65_536):x}"
    return ".".join(str(chance.randrange(1, 255)) for _ in range(4))
