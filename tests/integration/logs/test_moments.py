"""What changes on a host while a visit looks at it: nothing is misread, and what cannot be settled waits."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from dthostmon.logs import Caps
from dthostmon.model import Severity
from dthostmon.transport import DirectoryEntry, Files, FileStat
from tests.integration.logs.conftest import Reader, WithoutInodes
from tests.integration.logs.test_reading import append, lines
from tests.integration.logs.test_rotation import copy_and_truncate, rename


@dataclass
class Interrupted:
    """A session's files; something happens on the host right after the nth call (stat, list and read all count)."""

    files: Files
    happens: Callable[[], None] = lambda: None
    after: int = -1
    calls: int = 0
    told: dict[str, FileStat] = field(default_factory=dict)

    async def stat(self, path: str) -> FileStat | None:
        found = self.told.get(path) or await self.files.stat(path)
        self._count()
        return found

    async def list(self, directory: str) -> list[DirectoryEntry]:
        found = list(await self.files.list(directory))
        self._count()
        return found

    async def read(self, path: str, offset: int, length: int) -> bytes:
        found = await self.files.read(path, offset, length)
        self._count()
        return found

    def _count(self) -> None:
        if self.calls == self.after:
            self.happens()
        self.calls += 1


def numbers(data: bytes) -> list[int]:
    """Return the numbers of the lines."""
    return [int(line.split()[1]) for line in data.splitlines()]


def keep_and_truncate(log: Path) -> None:
    """Rotate by copytruncate, keeping the older copies."""
    rename(log, create=False)
    Path(f"{log}.1").rename(log)
    copy_and_truncate(log)


@pytest.mark.parametrize("moment", range(14))
@pytest.mark.parametrize("rotate", [rename, keep_and_truncate])
async def test_a_rotation_in_the_middle_of_a_visit_costs_no_line(
    files: Files, log: Path, moment: int, rotate: Callable[[Path], None]
) -> None:
    interrupted = Interrupted(files)
    reader = Reader(interrupted, (str(log),))
    await reader.visit()
    append(log, lines(10))
    await reader.visit()
    append(log, lines(2000, start=10))  # more than is read at once
    rename(log)
    append(log, lines(20, start=2010))
    interrupted.calls, interrupted.after = 0, moment

    def happens() -> None:
        rotate(log)
        append(log, lines(30, start=2030))

    interrupted.happens = happens
    for _ in range(5):
        await reader.visit()
    if interrupted.calls <= moment:
        happens()
        await reader.visit()
    assert numbers(reader.everything) == list(range(2060))


@pytest.mark.parametrize("moment", range(6))
async def test_a_rotation_while_a_growing_log_is_read_costs_no_line(files: Files, log: Path, moment: int) -> None:
    interrupted = Interrupted(files)
    reader = Reader(interrupted, (str(log),))
    append(log, lines(10))
    await reader.visit()
    append(log, lines(3000, start=10))
    interrupted.calls, interrupted.after = 0, moment

    def happens() -> None:
        rename(log)
        append(log, lines(5000, start=3010))

    interrupted.happens = happens
    for _ in range(5):
        await reader.visit()
    assert interrupted.calls > moment
    assert numbers(reader.everything) == list(range(8010))


async def test_a_size_that_goes_back_for_a_moment_is_not_read_again(files: Files, log: Path) -> None:
    stale = Interrupted(files)
    reader = Reader(stale, (str(log),))
    await reader.visit()
    append(log, lines(20))
    await reader.visit()
    found = await files.stat(str(log))
    assert found is not None
    stale.told[str(log)] = replace(found, size=found.size - 300)
    reading = await reader.visit()
    assert reading.problems == ()
    stale.told.clear()
    append(log, lines(5, start=20))
    await reader.visit()
    assert reader.everything == lines(25)


async def test_a_size_that_stays_back_is_a_gap_and_the_file_is_read_anew(reader: Reader, log: Path) -> None:
    append(log, lines(20) + b"half")
    await reader.visit()
    os.truncate(log, len(lines(8)))
    told = [problem.kind for _ in range(4) for problem in (await reader.visit()).problems]
    assert told == ["log-gap"]
    assert reader.everything == lines(20) + lines(8)


async def test_copies_that_are_newer_than_a_deleted_one_are_still_read(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    earlier = log.stat().st_mtime - 10
    os.utime(log, (earlier, earlier))
    await reader.visit()
    append(log, lines(1, start=10))
    log.unlink()
    for start in (20, 30):
        append(log, lines(10, start=start))
        rename(log)
    append(log, lines(10, start=40))
    reading = await reader.visit()
    assert reader.everything == lines(10) + lines(30, start=20)
    [gap] = reading.logs[0].gaps
    assert gap.bytes is None  # nobody saw what was written before the file went
    assert [(problem.kind, problem.severity) for problem in reading.problems] == [("log-gap", Severity.INFO)]


async def test_another_file_of_the_same_size_within_one_second_is_seen(files: Files, log: Path) -> None:
    reader = Reader(files, (str(log),))
    await reader.visit()
    append(log, lines(10))
    await reader.visit()
    rename(log)
    append(log, lines(10, start=10))
    stamp = Path(f"{log}.1").stat().st_mtime
    os.utime(log, (stamp, stamp))
    await reader.visit()
    assert reader.everything == lines(20)


async def test_a_backlog_beyond_the_lag_is_skipped_counted_and_told(files: Files, log: Path) -> None:
    reader = Reader(files, (str(log),), Caps(log=2000, lag=10_000))
    await reader.visit()
    append(log, lines(100))
    await reader.visit()
    append(log, lines(1000, start=100))
    reading = await reader.visit()
    [one] = reading.logs
    assert one.data.startswith(b"line ")
    assert lines(1100).endswith(one.data)
    assert one.bytes_appeared == len(one.data) + one.bytes_skipped
    assert one.bytes_skipped > 40_000
    assert one.skip_reason == "the backlog was longer than max_lag"
    assert [(problem.kind, problem.severity) for problem in reading.problems] == [("log-lag", Severity.WARN)]
    assert (await reader.visit()).problems == ()
    everything_read = sum(len(part) for part in reader.everything.splitlines(keepends=True))
    assert everything_read + one.bytes_skipped == len(lines(1100))


@dataclass(frozen=True)
class Hanging(WithoutInodes):
    """Files on a host that never lists a folder to its end."""

    async def list(self, directory: str) -> list[DirectoryEntry]:
        await asyncio.sleep(3600)
        return await super().list(directory)


async def test_a_visit_that_is_cancelled_while_it_lists_a_folder_leaves_no_task(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    log.unlink()
    reader.files = Hanging(reader.files)
    before = asyncio.all_tasks()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.visit()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
