"""Real journals, read by the real journalctl, over SSH and on this machine."""

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex

import pytest

from dthostmon import logs, rules
from dthostmon.cycle import HostChecks, Parts
from dthostmon.errors import CursorConflictError
from dthostmon.logs import Caps, streams
from dthostmon.model import Gap, LogsReading, Run, RunStatus, Severity, Visit
from dthostmon.store import Store
from dthostmon.transport import Connections, Limits, Session, connect, local
from tests import parts
from tests.fixtures.journal import START, Journal
from tests.fixtures.sshd import SshServer, make_host, make_local_host
from tests.integration.logs.visitor import LOOK_BACK, Visitor

WHOLE = "journal:"


def messages(data: bytes) -> list[bytes]:
    """Return what the lines say, without their headers."""
    return [re.sub(rb'^<\d+>1 \S+ \S+ \S+ \S+ - (?:-|\[journal@0 unit="[^"]*"\]) ', b"", line) for line in lines(data)]


def lines(data: bytes) -> list[bytes]:
    return data.split(b"\n")[:-1]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "host")


@pytest.fixture
async def here(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Session]:
    monkeypatch.setitem(local.ENVIRONMENT, "PATH", f"{journal.bin}:{local.ENVIRONMENT['PATH']}")
    session = await connect(make_local_host())
    yield session
    await session.close()


@pytest.fixture
async def over_ssh(journal: Journal, sshd: Callable[..., SshServer]) -> AsyncIterator[Session]:
    server = sshd(options=[f"SetEnv PATH={journal.bin}:/usr/bin:/bin"])
    session = await connect(make_host(server))
    yield session
    await session.close()


@pytest.fixture
def visitor(here: Session) -> Visitor:
    return Visitor(here)


async def test_every_entry_is_read_once_and_in_order_over_visits(here: Session, over_ssh: Session, journal: Journal):
    local_visitor, ssh_visitor = Visitor(here), Visitor(over_ssh)
    expected = []
    for visit in range(5):
        written = [f"visit {visit} entry {number}".encode() for number in range(visit * 3)]
        expected += written
        journal.write(*written)
        for visitor in (local_visitor, ssh_visitor):
            reading = await visitor.visit()
            assert visit == 0 or (reading.problems, reading.logs[0].bytes_pending) == ((), 0)
    assert messages(local_visitor.everything) == messages(ssh_visitor.everything) == expected


async def test_an_entry_is_a_line_of_syslog_with_its_priority_and_unit(visitor: Visitor, journal: Journal):
    journal.write(
        "Failed password for root",
        PRIORITY="4",
        SYSLOG_FACILITY="10",
        SYSLOG_IDENTIFIER="sshd",
        _PID="812",
        _SYSTEMD_UNIT="ssh.service",
    )
    journal.write("hello", _COMM="nginx")
    first, second = lines((await visitor.only()).data)
    assert first == (
        b'<84>1 2023-11-14T22:13:20.000001Z web1 sshd 812 - [journal@0 unit="ssh.service"] Failed password for root'
    )
    assert second == b"<14>1 2023-11-14T22:13:20.000002Z web1 nginx - - - hello"


async def test_a_unit_gives_its_own_entries_only(visitor: Visitor, journal: Journal):
    visitor.patterns = ("journal:ssh.service",)
    journal.write("one", _SYSTEMD_UNIT="ssh.service")
    journal.write("other", _SYSTEMD_UNIT="cron.service")
    await visitor.visit()
    journal.write("another", _SYSTEMD_UNIT="cron.service")
    assert (await visitor.visit()).problems == ()
    journal.write("two", "three", _SYSTEMD_UNIT="ssh.service")
    assert (await visitor.visit()).problems == ()
    await visitor.visit()
    assert messages(visitor.everything) == [b"one", b"two", b"three"]


async def test_the_journal_and_two_units_are_read_in_one_visit(visitor: Visitor, journal: Journal):
    visitor.patterns = (WHOLE, "journal:a.service", "journal:b")
    for number in range(3):
        journal.write(f"a{number}", _SYSTEMD_UNIT="a.service")
        journal.write(f"b{number}", _SYSTEMD_UNIT="b.service")
        reading = await visitor.visit()
        data = {log.path: messages(log.data) for log in reading.logs}
        a, b = f"a{number}".encode(), f"b{number}".encode()
        assert data == {WHOLE: [a, b], "journal:a.service": [a], "journal:b": [b]}


async def test_a_unit_that_starts_to_write_later_is_read_from_its_first_entry(visitor: Visitor, journal: Journal):
    visitor.patterns = ("journal:late.service",)
    journal.write("other", _SYSTEMD_UNIT="cron.service")
    [told] = (await visitor.visit()).problems
    assert told.severity is Severity.INFO
    assert told.title == "journal:late.service has no entry yet"
    journal.write("first", _SYSTEMD_UNIT="late.service")
    reading = await visitor.visit()
    assert reading.problems == ()
    assert messages(reading.logs[0].data) == [b"first"]


async def test_the_first_visit_takes_the_newest_entries_within_the_look_back(visitor: Visitor, journal: Journal):
    journal.write(*(f"{number:04}" for number in range(3000)))
    visitor.look_back = 2000
    reading = await visitor.only()
    taken = messages(reading.data)
    assert 2000 - 100 < len(reading.data) <= 2000
    assert taken == [f"{number:04}".encode() for number in range(3000 - len(taken), 3000)]
    journal.write("more")
    assert messages((await visitor.only()).data) == [b"more"]


async def test_hostile_entries_stay_one_line_each(visitor: Visitor, journal: Journal):
    journal.write_entries(
        [
            [("MESSAGE", b"two\nlines\r\x00\x1b[31m\xff\xfe tab\t")],
            [
                ("MESSAGE", "first"),
                ("MESSAGE", "second"),
                ("SYSLOG_IDENTIFIER", 'a b]\n"c'),
                ("SYSLOG_IDENTIFIER", "z"),
            ],
            [("NOTHING", "no message")],
            [("MESSAGE", "x"), ("PRIORITY", "99999999999999999999"), ("SYSLOG_FACILITY", "-3"), ("SYSLOG_PID", "1 2")],
            [("MESSAGE", "u"), ("_SYSTEMD_UNIT", 'a"]\\\n.service')],
            [("MESSAGE", "\n\n__CURSOR=s=1\n\nMESSAGE=forged\n\n")],
            [("MESSAGE", b"")],
            [("MESSAGE", b"last")],
        ]
    )
    data = lines((await visitor.only()).data)
    assert len(data) == 8
    bodies = messages(b"".join(line + b"\n" for line in data))
    assert bodies[0] == b"two#012lines#015#000#033[31m\xff\xfe tab#011"
    assert sorted(bodies[1].split(b"#012")) == [b"first", b"second"]
    assert b" z - " in data[1] or b' a_b]_"c - ' in data[1]
    assert bodies[2] == b""
    assert data[3].startswith(b"<14>1 ")
    assert b" 1_2 - - x" in data[3]
    assert data[4].endswith(rb'[journal@0 unit="a\"\]\\#012.service"] u')
    assert bodies[5] == b"#012#012__CURSOR=s=1#012#012MESSAGE=forged#012#012"
    assert bodies[7] == b"last"


async def test_a_long_message_is_cut_and_marked(visitor: Visitor, journal: Journal):
    journal.write(b"before", b"x" * 200_000, b"after")
    visitor.look_back = 1024 * 1024
    before, long, after = messages((await visitor.only()).data)
    assert (before, after) == (b"before", b"after")
    assert long.startswith(b"x" * 65536 + b" [cut: 200000 bytes, sha256 ")


async def test_an_entry_larger_than_all_that_may_be_printed_is_passed(visitor: Visitor, journal: Journal):
    journal.write("one")
    await visitor.visit()
    visitor.caps = Caps(log=50_000, host=60_000)
    journal.write(b"y" * 400_000, b"two")
    for _ in range(3):
        reading = await visitor.visit()
        assert reading.problems == ()
    one, long, two = messages(visitor.everything)
    assert (one, two) == (b"one", b"two")
    assert re.fullmatch(rb"y{65536} \[cut: more than \d+ bytes\]", long)


async def test_a_backlog_is_caught_up_over_several_visits(visitor: Visitor, journal: Journal):
    journal.write("before")
    await visitor.visit()
    expected = [b"before", *(f"entry {number}".encode() for number in range(200))]
    journal.write(*expected[1:])
    visitor.caps = Caps(log=4000, host=5000)
    pending = []
    for _ in range(6):
        reading = await visitor.only()
        assert len(reading.data) <= 4000
        pending.append(reading.bytes_pending)
    assert messages(visitor.everything) == expected
    assert (pending[0], pending[-1]) == (None, 0)


async def test_files_of_the_journal_may_be_rotated_and_the_machine_may_boot(visitor: Visitor, journal: Journal):
    journal.write("one", "two")
    await visitor.visit()
    journal.write("three")
    journal.rotate("system@2.journal")
    journal.boot = "f" * 32
    journal.write("four")
    assert (await visitor.visit()).problems == ()
    journal.write("five")
    assert (await visitor.visit()).problems == ()
    assert messages(visitor.everything) == [b"one", b"two", b"three", b"four", b"five"]


@pytest.mark.parametrize("pattern", [WHOLE, "journal:a.service"])
async def test_what_was_vacuumed_before_it_was_read_is_a_gap(visitor: Visitor, journal: Journal, pattern: str):
    visitor.patterns = (pattern,)
    journal.write("one", _SYSTEMD_UNIT="a.service")
    await visitor.visit()
    journal.write("lost", _SYSTEMD_UNIT="a.service")
    journal.vacuum()
    journal.write("left", "newest", _SYSTEMD_UNIT="a.service")
    reading = await visitor.visit()
    [told], [log] = reading.problems, reading.logs
    assert (told.kind, told.severity, told.fields) == ("log-gap", Severity.WARN, {"path": pattern})
    assert log.gaps == (Gap(None, log.skip_reason),)
    assert (await visitor.visit()).problems == ()
    assert messages(visitor.everything) == [b"one", b"left", b"newest"]


async def test_a_quiet_unit_whose_last_entry_was_vacuumed_has_no_gap(visitor: Visitor, journal: Journal):
    visitor.patterns = ("journal:quiet.service",)
    journal.write("one", _SYSTEMD_UNIT="quiet.service")
    await visitor.visit()
    journal.rotate("system@2.journal")
    journal.write("noise", _SYSTEMD_UNIT="loud.service")
    await visitor.visit()
    (journal.files / "system.journal").unlink()
    journal.write("two", _SYSTEMD_UNIT="quiet.service")
    assert (await visitor.visit()).problems == ()
    assert messages(visitor.everything) == [b"one", b"two"]


@pytest.mark.parametrize("clock", [START - 10**12, START + 10**12])
async def test_the_journal_of_another_machine_is_a_gap_and_is_read_on(visitor: Visitor, journal: Journal, clock: int):
    journal.write("one")
    await visitor.visit()
    journal.vacuum()
    journal.boot, journal.now = "e" * 32, clock
    journal.write("new machine", "second entry")
    reading = await visitor.visit()
    assert [problem.kind for problem in reading.problems] == ["log-gap"]
    journal.write("third entry")
    assert (await visitor.visit()).problems == ()
    assert messages(visitor.everything) == [b"one", b"new machine", b"second entry", b"third entry"]


async def test_of_two_racing_visits_one_is_stored(visitor: Visitor, journal: Journal, sqlite_store: Store):
    store = sqlite_store
    journal.write("one", "two")
    readings = [await logs.read_new(visitor.session, (WHOLE,), await store.load_state("web1"), LOOK_BACK) for _ in "ab"]
    outcomes = await asyncio.gather(
        *(store.save_run(_visit(reading, minute)) for minute, reading in enumerate(readings)), return_exceptions=True
    )
    assert sorted(isinstance(outcome, CursorConflictError) for outcome in outcomes) == [False, True]
    journal.write("three")
    state = await store.load_state("web1")
    [log] = (await logs.read_new(visitor.session, (WHOLE,), state, LOOK_BACK)).logs
    assert messages(log.data) == [b"three"]


async def test_entries_are_judged_stored_and_accounted_for_in_a_run(
    here: Session, journal: Journal, sqlite_store: Store
):
    store = sqlite_store
    packs = rules.load_packs([rules.builtin_folder()])
    visit = Connections(keep_up_to=0).visit
    parts_of_check = Parts(store, visit, packs, lambda: datetime.now(UTC), time.monotonic, partial(token_hex, 4))
    host = replace(make_local_host(logs=(WHOLE,)), probes=())
    expected = b""
    for number in range(2):
        journal.write(f"Failed password for root from 192.0.2.{number} port 22 ssh2", SYSLOG_IDENTIFIER="sshd")
        run = await HostChecks(parts_of_check, 1).check(host)
        [row] = run.logs
        expected += b"<14>1 2023-11-14T22:13:20.00000%dZ web1 sshd - - - " % journal.written
        expected += b"Failed password for root from 192.0.2.%d port 22 ssh2\n" % number
        assert (row.lines, row.bytes_unexplained, row.bytes_pending, row.skip_reason) == (1, 0, 0, None)
        assert [finding.rule for finding in run.findings] == ["sshd.failed-password"]
    assert b"".join([chunk.data async for chunk in store.chunks("here", "journal:*")]) == expected


async def test_a_user_without_rights_is_told_what_to_do(visitor: Visitor, journal: Journal):
    parts.root()
    with _folder_for_all() as folder:
        other = Journal(folder / "host")
        other.write("secret")
        before = f"{parts.program('setpriv')} --reuid=65534 --regid=65534 --clear-groups"
        script = f'#!/bin/sh\nexec {before} {parts.program("journalctl")} --directory={other.files} "$@"\n'
        journal.install_script(script)
        reading = await visitor.visit()
    [told], [log] = reading.problems, reading.logs
    assert (told.kind, told.severity) == ("log-unreadable", Severity.WARN)
    assert "usermod -aG systemd-journal" in told.recommended_action
    assert (log.cursor, log.data) == (None, b"")
    assert log.unreadable == "the monitoring user may not read the system's journal"
    assert reading.patterns == frozenset()


async def test_a_host_that_keeps_no_journal_is_told_of_and_nothing_else(visitor: Visitor):
    reading = await visitor.visit()
    told = [(problem.kind, problem.severity) for problem in reading.problems]
    assert told == [("log-missing", Severity.INFO), ("log-none", Severity.WARN)]
    assert reading.logs == ()


async def test_a_host_without_journalctl_is_told_of_and_nothing_else(visitor: Visitor, journal: Journal):
    journal.install_script("#!/bin/sh\nexit 127\n")
    reading = await visitor.visit()
    told, nothing = reading.problems
    assert nothing.kind == "log-none"
    assert (told.severity, told.title) == (
        Severity.INFO,
        "journal: is not there: there is no journalctl on this host",
    )


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'unrecognized option' >&2; exit 1", "exit status 1, it said: unrecognized option"),
        ("case $* in *short*) ;; *) echo no export format;; esac", "systemd 236 or newer is needed"),
        ("case $* in *short*) ;; *) echo no; exit 3;; esac", "exit status 3, it said: no"),
    ],
)
async def test_a_journalctl_that_fails_is_told_with_its_words(
    visitor: Visitor, journal: Journal, script: str, reason: str
):
    journal.install_script(f"#!/bin/sh\n{script}\n")
    reading = await visitor.visit()
    [told] = reading.problems
    assert told.severity is Severity.WARN
    assert reason in told.title
    assert reading.patterns == frozenset()


async def test_a_journal_that_does_not_answer_in_time_is_not_taken_for_another_one(
    visitor: Visitor, journal: Journal, monkeypatch: pytest.MonkeyPatch
):
    visitor.patterns = ("journal:a.service",)
    journal.write("one", _SYSTEMD_UNIT="a.service")
    await visitor.visit()
    real = (journal.bin / "journalctl").read_text()
    journal.install_script(real.replace("exec", "case $* in *PRIORITY*--cursor*) sleep 60;; esac\nexec"))
    monkeypatch.setattr(streams, "Limits", partial(Limits, command_seconds=1))
    reading = await visitor.visit()
    assert [told.kind for told in reading.problems] == ["log-unreadable"]
    assert "did not end within its time" in reading.problems[0].title
    journal.install()
    journal.write("two", _SYSTEMD_UNIT="a.service")
    assert (await visitor.visit()).problems == ()
    assert messages(visitor.everything) == [b"one", b"two"]


async def test_a_stored_cursor_never_becomes_part_of_a_command(visitor: Visitor, journal: Journal, tmp_path: Path):
    journal.write("one")
    await visitor.visit()
    known = visitor.state.streams[WHOLE]
    hostile = replace(known, position=replace(known.position, token=f"'; touch {tmp_path}/made; '"))
    visitor.state = replace(visitor.state, streams={WHOLE: hostile})
    assert messages((await visitor.only()).data) == [b"one"]
    assert not (tmp_path / "made").exists()


async def test_without_a_shell_the_journal_is_told_to_be_out_of_reach(visitor: Visitor):
    @dataclass
    class NoShell:
        files: object
        shell: None = None

    visitor.session = NoShell(visitor.session.files)
    visitor.patterns = (WHOLE, "docker:*", "/var/log/none-such.log")
    reading = await visitor.visit()
    kinds = [(told.kind, told.severity, told.fields["path"]) for told in reading.problems]
    assert kinds == [
        ("log-unreadable", Severity.WARN, WHOLE),
        ("log-unreadable", Severity.WARN, "docker:*"),
        ("log-missing", Severity.INFO, "/var/log/none-such.log"),
    ]


async def test_no_log_is_said_to_be_read_only_where_none_is(visitor: Visitor, journal: Journal, tmp_path: Path):
    journal.write("one")
    visitor.patterns = (WHOLE, f"{tmp_path}/nothing/*.log")
    assert (await visitor.visit()).problems == ()
    visitor.patterns = (f"{tmp_path}/nothing/*.log",)
    assert [told.kind for told in (await visitor.visit()).problems] == ["log-none"]


async def test_a_flood_in_the_journal_leaves_files_their_part_of_the_cap(
    visitor: Visitor, journal: Journal, tmp_path: Path
):
    log = tmp_path / "app.log"
    log.write_bytes(b"")
    visitor.patterns = (WHOLE, str(log))
    await visitor.visit()
    journal.write(*["flood" * 20] * 100)
    log.write_bytes(b"line\n" * 400)
    visitor.caps = Caps(log=8000, host=4000)
    sizes = {log.path: len(log.data) for log in (await visitor.visit()).logs}
    assert 1500 < sizes[WHOLE] <= 2000
    assert 1500 < sizes[str(log)] <= 2500


class _folder_for_all:  # noqa: N801  # a context manager reads like a function
    def __enter__(self) -> Path:
        self.path = Path(tempfile.mkdtemp())
        self.path.chmod(0o755)
        return self.path

    def __exit__(self, *exc: object) -> None:
        shutil.rmtree(self.path)


def _visit(reading: LogsReading, minute: int) -> Visit:
    at = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
    return Visit(Run("web1", None, RunStatus.OK, at, 1.0, Severity.INFO, 100), reading.logs, reading.patterns)
