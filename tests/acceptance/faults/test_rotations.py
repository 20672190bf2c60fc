"""Faults 12 to 17: what is done to a log between two visits, and a file server that shows its past."""

import gzip
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dthostmon.model import Host
from dthostmon.transport import DirectoryEntry, Files, FileStat, Session, Shell, connect
from tests import parts
from tests.acceptance.faults.conftest import Log, Watch

Kept = tuple[Watch, Log]


async def begin(kept: Kept) -> Kept:
    """Read 30 lines, so that the file can be known by its bytes, and write 10 more."""
    watch, log = kept
    await watch.ok()
    log.append(30)
    await watch.ok()
    log.append(10)
    return watch, log


async def reads_everything_once(watch: Watch, log: Log, visits: int = 2) -> None:
    for _ in range(visits):
        await watch.ok()
    assert await watch.stored() == log.written


async def test_fault_12_rename_and_create_loses_no_line(kept: Kept) -> None:
    watch, log = await begin(kept)
    log.rename()
    log.append(5)
    run = await watch.ok()
    assert run.logs[0].rotated
    await reads_everything_once(watch, log)


async def test_fault_12_lines_that_are_written_to_the_renamed_file_come_too(kept: Kept) -> None:
    watch, log = await begin(kept)
    log.rename()
    await watch.ok()
    late = b"written before the program reloaded\n"
    with Path(f"{log.path}.1").open("ab") as file:
        file.write(late)
    log.written += late
    log.append(5)
    await reads_everything_once(watch, log)


async def test_fault_12_a_real_logrotate_loses_no_line(kept: Kept, tmp_path: Path) -> None:
    watch, log = await begin(kept)
    configuration = tmp_path / "logrotate.conf"
    configuration.write_text(f'"{log.path}" {{\n  rotate 5\n  create\n  su root root\n}}\n')
    for count in (5, 6, 7):  # files of one size and one second cannot be told apart over SFTP
        command = [parts.program("logrotate"), "--force", "--state", str(tmp_path / "state"), str(configuration)]
        subprocess.run(command, check=True)
        log.append(count)
        await watch.ok()
    assert Path(f"{log.path}.3").exists()
    await reads_everything_once(watch, log)


async def test_fault_13_two_rotations_between_two_visits_lose_no_line(kept: Kept) -> None:
    watch, log = await begin(kept)
    for _ in range(2):
        log.rename()
        log.append(5)
    await reads_everything_once(watch, log)


@pytest.mark.parametrize("rotations", [1, 2])
async def test_fault_14_a_compressed_remainder_is_read(kept: Kept, rotations: int) -> None:
    watch, log = await begin(kept)
    for _ in range(rotations):
        log.rename()
        log.append(5)
    oldest = Path(f"{log.path}.{rotations}")
    with oldest.open("rb") as plain, gzip.open(f"{oldest}.gz", "wb") as compressed:
        shutil.copyfileobj(plain, compressed)
    stamp = oldest.stat()
    os.utime(f"{oldest}.gz", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # as gzip does
    oldest.unlink()
    await reads_everything_once(watch, log)


async def test_fault_14_a_remainder_that_is_deleted_is_a_gap_that_is_told(kept: Kept) -> None:
    watch, log = await begin(kept)
    log.add(b"half a li")
    await watch.ok()
    log.path.unlink()
    log.path.touch()
    log.append(5)
    run = await watch.ok()
    [gap] = run.logs[0].gaps
    assert gap.bytes == len(b"half a li")
    assert "log-gap" in {finding.kind for finding in run.findings}
    assert await watch.stored() == log.written.replace(b"half a li", b"")


def copy_and_truncate(log: Log) -> None:
    shutil.copy2(log.path, f"{log.path}.1")
    os.truncate(log.path, 0)


async def test_fault_15_copytruncate_loses_no_line(kept: Kept) -> None:
    watch, log = await begin(kept)
    copy_and_truncate(log)
    log.append(5)
    await reads_everything_once(watch, log)


async def test_fault_15_a_file_that_grew_past_the_offset_after_copytruncate_is_not_misread(kept: Kept) -> None:
    watch, log = await begin(kept)
    copy_and_truncate(log)
    log.append(80)
    await reads_everything_once(watch, log)


async def test_fault_15_truncated_and_grown_past_the_offset_without_a_copy_is_read_anew_and_told(kept: Kept) -> None:
    watch, log = await begin(kept)
    await watch.ok()
    before = log.written
    os.truncate(log.path, 0)
    log.append(80)
    assert log.path.stat().st_size > len(before)
    run = await watch.ok()
    assert "log-gap" in {finding.kind for finding in run.findings}
    await reads_everything_once(watch, log)


async def replace_with_same_inode(watch: Watch, log: Log, count: int, *, copy: bool = False) -> None:
    """Delete the log and make it again, with so many lines, until the file system gives it the number it had."""
    kind = subprocess.run(["stat", "-f", "-c", "%T", log.path], check=True, stdout=subprocess.PIPE, text=True).stdout
    if not kind.startswith("ext"):
        pytest.skip(f"this test needs ext4 for temporary files, not {kind.strip()}")
    for attempt in range(20):
        inode = log.path.stat().st_ino
        if copy:
            shutil.copy2(log.path, f"{log.path}.1")
        log.path.unlink()
        log.path.touch()
        if log.path.stat().st_ino == inode:
            log.append(count)
            return
        log.append(41 + attempt)  # another process was quicker and has the number now
        await watch.ok()
        log.append(10 if copy else 0)
    pytest.fail("the file system did not use the inode again")


@pytest.mark.parametrize("count", [5, 80])
async def test_fault_16_a_reused_inode_is_not_taken_for_the_same_file(kept: Kept, count: int) -> None:
    watch, log = await begin(kept)
    await watch.ok()
    await replace_with_same_inode(watch, log, count)
    run = await watch.ok()
    assert "log-gap" in {finding.kind for finding in run.findings}
    await reads_everything_once(watch, log)


async def test_fault_16_a_reused_inode_hides_no_renamed_file(kept: Kept) -> None:
    watch, log = await begin(kept)
    await replace_with_same_inode(watch, log, 80, copy=True)
    await reads_everything_once(watch, log)


@dataclass
class StaleFiles:
    """A host's files whose sizes are those of the past at the first look of a visit, as NFS may show them."""

    files: Files
    path: str
    shrink: int
    looks: int = 0

    async def stat(self, path: str) -> FileStat | None:
        found = await self.files.stat(path)
        return self._aged(found) if found and path == self.path else found

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        entries = await self.files.list(directory)
        is_it = {entry.name: f"{directory}/{entry.name}" == self.path for entry in entries}
        return [replace(entry, stat=self._aged(entry.stat)) if is_it[entry.name] else entry for entry in entries]

    async def read(self, path: str, offset: int, length: int) -> bytes:
        return await self.files.read(path, offset, length)

    def _aged(self, stat: FileStat) -> FileStat:
        self.looks += 1
        return replace(stat, size=max(0, stat.size - self.shrink)) if self.looks == 1 else stat


@dataclass
class StaleSession:
    """A session that shows stale sizes."""

    session: Session
    files: StaleFiles
    client_address: str | None = None

    @property
    def shell(self) -> Shell | None:
        return self.session.shell

    async def close(self) -> None:
        await self.session.close()


@pytest.mark.parametrize(("shrink", "pattern"), [(100, "*.log"), (10_000, "app.log")])
async def test_fault_17_a_stale_size_is_confirmed_before_anything_is_read_again(
    kept: Kept, shrink: int, pattern: str
) -> None:
    watch, log = kept
    watch.host = replace(watch.host, logs=(str(log.path.with_name(pattern)),))
    await watch.ok()
    log.append(60)
    await watch.ok()
    assert await watch.stored() == log.written

    async def connect_to_nfs(host: Host) -> Session:
        session = await connect(host)
        if host.name != watch.host.name:
            return session
        return StaleSession(session, StaleFiles(session.files, str(log.path), shrink))

    watch.connect = connect_to_nfs
    for count in (0, 1, 3):
        log.append(count)
        run = await watch.ok()
        assert run.logs[0].bytes_skipped == 0
        assert not [finding for finding in run.findings if finding.kind == "log-gap"]
    watch.connect = connect
    await reads_everything_once(watch, log)
