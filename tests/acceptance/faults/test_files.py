"""Faults 18 to 21: logs that are deleted, closed to us, half-written, far too many, or no files at all."""

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dthostmon.model import Host, Severity
from dthostmon.transport import DirectoryEntry, Files, FileStat, Session, Shell, connect
from tests import parts
from tests.acceptance.faults.conftest import TROUBLED, Log, Watch
from tests.fixtures.fleet import FleetHost
from tests.fixtures.sshd import SshServer, make_host

MakeWatch = Callable[[Host], Watch]
Fleet = Callable[..., Sequence[FleetHost]]
Kept = tuple[Watch, Log]

MANY = 10_000


async def test_fault_18_a_deleted_log_is_given_up_after_two_cycles_and_its_loss_is_told_once(kept: Kept) -> None:
    watch, log = kept
    await watch.ok()
    log.append(30)
    log.add(b"half a li")
    await watch.ok()
    log.path.unlink()
    runs = [await watch.ok() for _ in range(4)]
    skipped = [sum(entry.bytes_skipped for entry in run.logs) for run in runs]
    assert skipped == [0, len(b"half a li"), 0, 0]
    told = [[finding.severity for finding in run.findings if finding.kind == "log-gap"] for run in runs]
    assert told == [[], [Severity.WARN], [], []]
    assert "log-missing" in {finding.kind for finding in runs[-1].findings}
    assert await watch.stored() == log.written.removesuffix(b"half a li")


async def test_fault_18_a_deleted_log_that_comes_back_is_read_from_its_start(kept: Kept) -> None:
    watch, log = kept
    await watch.ok()
    log.append(30)
    await watch.ok()
    log.path.unlink()
    for _ in range(3):
        await watch.ok()
    log.append(3)
    await watch.ok()
    assert await watch.stored() == log.written


async def test_fault_18_an_unreadable_log_is_a_finding_and_the_others_are_read(fleet: Fleet, watch: MakeWatch) -> None:
    [host] = fleet(1)
    logs = [Log(host.var_log / name) for name in ("closed.log", "open.log")]
    watched = watch(make_host(host, logs=["/var/log/closed.log", "/var/log/open.log"]))
    for log in logs:
        log.append(30)
    await watched.ok()
    logs[0].path.chmod(0)
    for log in logs:
        log.append(5)
    before = (await watched.cursors())["/var/log/closed.log"]
    for _ in range(3):
        run = await watched.ok()
        [finding] = [finding for finding in run.findings if finding.kind == "log-unreadable"]
        assert (finding.severity, finding.fields["path"]) == (Severity.WARN, "/var/log/closed.log")
        ledger = {entry.path: entry for entry in run.logs}
        assert ledger["/var/log/closed.log"].skip_reason == "permission denied"
    assert (await watched.cursors())["/var/log/closed.log"] == before
    logs[0].path.chmod(0o644)
    await watched.ok()
    stored = await watched.stored()
    assert sorted(stored.splitlines()) == sorted(b"".join(log.written for log in logs).splitlines())


async def test_fault_18_a_folder_that_may_not_be_listed_is_a_finding(fleet: Fleet, watch: MakeWatch) -> None:
    [host] = fleet(1)
    log = Log(host.var_log / "app.log")
    log.append()
    closed = host.var_log / "closed"
    closed.mkdir(mode=0o700)
    watched = watch(make_host(host, logs=["/var/log/*.log", "/var/log/closed/*.log"]))
    run = await watched.ok()
    assert "log-folder-unreadable" in {finding.kind for finding in run.findings}
    assert await watched.stored() == log.written


async def test_fault_19_a_half_written_line_waits_for_its_end(kept: Kept) -> None:
    watch, log = kept
    await watch.ok()
    whole = log.append(3)
    log.add(b"a line that is still being writ")
    run = await watch.ok()
    assert await watch.stored() == whole
    assert run.logs[0].bytes_pending == len(b"a line that is still being writ")
    log.add(b"ten\nand the next one\n")
    await watch.ok()
    assert await watch.stored() == log.written
    assert (await watch.ok()).logs[0].bytes_pending == 0


async def test_fault_19_a_half_written_line_that_stays_so_is_taken_after_two_unchanged_cycles(kept: Kept) -> None:
    watch, log = kept
    await watch.ok()
    whole = log.append(3)
    log.add(b"the program died here")
    for _ in range(2):
        await watch.ok()
        assert await watch.stored() == whole
    await watch.ok()
    assert await watch.stored() == log.written
    log.append(3)
    await watch.ok()
    assert await watch.stored() == log.written


@dataclass
class CountedFiles:
    """A host's files; counts what is asked."""

    files: Files
    stats: int = 0
    listings: int = 0

    async def stat(self, path: str) -> FileStat | None:
        self.stats += 1
        return await self.files.stat(path)

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        self.listings += 1
        return await self.files.list(directory)

    async def read(self, path: str, offset: int, length: int) -> bytes:
        return await self.files.read(path, offset, length)


@dataclass
class CountedSession:
    """A session whose files count."""

    session: Session
    files: CountedFiles
    client_address: str | None = None

    @property
    def shell(self) -> Shell | None:
        return self.session.shell

    async def close(self) -> None:
        await self.session.close()


async def test_fault_20_of_ten_thousand_files_in_a_glob_the_newest_are_read_and_the_rest_is_told(
    sshd: Callable[..., SshServer], watch: MakeWatch
) -> None:
    server = sshd()
    oldest = server.root / "00000.log"
    oldest.write_bytes(b"an old line\n")
    os.utime(oldest, (1_000_000_000, 1_000_000_000))
    for number in range(1, MANY):
        log = server.root / f"{number:05}.log"
        if number < MANY - 500:
            log.hardlink_to(oldest)  # a file of its own as far as anybody can see, and made in no time
        else:
            log.write_bytes(b"a line\n")
    counted: list[CountedFiles] = []

    async def connect_counted(host: Host) -> Session:
        session = await connect(host)
        if host.name != TROUBLED:
            return session
        counted.append(CountedFiles(session.files))
        return CountedSession(session, counted[-1])

    watched = watch(make_host(server, logs=[f"{server.root}/*.log"]))
    watched.connect = connect_counted
    run = await watched.ok()
    assert len(run.logs) == 500
    assert {Path(log.path).name for log in run.logs} == {f"{number:05}.log" for number in range(MANY - 500, MANY)}
    [finding] = [finding for finding in run.findings if finding.kind == "log-too-many"]
    assert finding.severity is Severity.WARN
    assert str(MANY) in finding.title
    oldest.unlink()
    oldest.write_bytes(b"a new line\n")  # the oldest becomes the newest
    await watched.ok()
    assert (await watched.stored()).endswith(b"a new line\n")
    assert [(files.stats, files.listings) for files in counted] == [(0, 1), (0, 1)]


async def test_fault_21_what_is_no_regular_file_is_told_and_never_opened(kept: Kept) -> None:
    parts.root()  # for the device
    watch, log = kept
    folder = log.path.parent
    os.mkfifo(folder / "fifo.log")
    os.mknod(folder / "device.log", stat.S_IFCHR | 0o644, os.makedev(1, 5))  # /dev/zero: it would never end
    (folder / "folder.log").mkdir()
    (folder / "loop.log").symlink_to("loop.log")
    (folder / "around.log").symlink_to("back.log")
    (folder / "back.log").symlink_to("around.log")
    (folder / "nowhere.log").symlink_to("absent")
    (folder / "down.log").symlink_to("..")
    names = [f"{name}.log" for name in ("fifo", "device", "folder", "loop", "around", "nowhere", "down")]
    log.append()
    watch.host = replace(watch.host, logs=(f"{folder}/*.log", f"{folder}/*/app.log"))
    for _ in range(2):
        run = await watch.ok()
        assert [entry.path for entry in run.logs] == [str(log.path)]
    watch.host = replace(watch.host, logs=(str(log.path), *(f"{folder}/{name}" for name in names)))
    run = await watch.ok()
    told = {Path(finding.fields["path"]).name: finding.kind for finding in run.findings}
    not_regular = dict.fromkeys(("fifo.log", "device.log", "folder.log", "down.log"), "log-not-regular")
    assert told == not_regular | dict.fromkeys(("loop.log", "around.log", "nowhere.log"), "log-missing")
    assert await watch.stored() == log.written


@pytest.mark.parametrize("kind", ["fifo", "folder", "loop"])
async def test_fault_21_a_log_that_becomes_no_file_is_told_and_comes_back(kept: Kept, kind: str) -> None:
    watch, log = kept
    await watch.ok()
    log.append(30)
    await watch.ok()
    away = log.path.with_name("away")
    log.path.rename(away)
    if kind == "fifo":
        os.mkfifo(log.path)
    elif kind == "folder":
        log.path.mkdir()
    else:
        log.path.symlink_to(log.path.name)
    for _ in range(3):
        run = await watch.ok()
        assert {finding.kind for finding in run.findings} & {"log-not-regular", "log-missing"}
    log.path.rmdir() if kind == "folder" else log.path.unlink()
    away.rename(log.path)
    log.append(3)
    await watch.ok()
    assert await watch.stored() == log.written
