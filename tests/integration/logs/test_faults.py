"""What goes wrong on a host is told once, costs no other line, and mends itself when the cause is gone."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dthostmon.errors import FileUnreadableError
from dthostmon.logs import Caps
from dthostmon.model import Severity
from dthostmon.transport import DirectoryEntry, Files, FileStat
from tests.integration.logs.conftest import LOOK_BACK, Reader
from tests.integration.logs.test_reading import append, lines
from tests.integration.logs.test_rotation import rename


@dataclass
class Guarded:
    """A session's files, of which some are refused (root, who runs these tests, may read everything); counts reads."""

    files: Files
    refused: set[str] = field(default_factory=set)
    not_told: set[str] = field(default_factory=set)
    listings: int = 0
    largest_read: int = 0

    async def stat(self, path: str) -> FileStat | None:
        if path in self.not_told:
            raise FileUnreadableError(path, "permission denied")
        return await self.files.stat(path)

    async def list(self, directory: str) -> list[DirectoryEntry]:
        self.listings += 1
        self._check(directory)
        return list(await self.files.list(directory))

    async def read(self, path: str, offset: int, length: int) -> bytes:
        self._check(path)
        self.largest_read = max(self.largest_read, length)
        return await self.files.read(path, offset, length)

    def _check(self, path: str) -> None:
        if path in self.refused:
            raise FileUnreadableError(path, "permission denied")


@pytest.fixture
def guarded(files: Files) -> Guarded:
    return Guarded(files)


async def test_many_replaced_files_do_not_use_up_what_a_visit_may_take(files: Files, tmp_path: Path) -> None:
    logs = [tmp_path / f"{number}.log" for number in range(5)]
    reader = Reader(files, (f"{tmp_path}/*.log",), Caps(log=4000, host=16000))
    await reader.visit()
    for log in logs:
        append(log, lines(10))
    await reader.visit()
    for log in logs:
        os.truncate(log, 0)
        append(log, lines(100, start=500))
    for _ in range(10):
        await reader.visit()
    assert len(reader.everything) == 5 * len(lines(110))


async def test_a_backlog_that_is_truncated_away_is_counted_as_lost_once(files: Files, log: Path) -> None:
    reader = Reader(files, (str(log),), Caps(log=1000))
    await reader.visit()
    append(log, lines(100))
    first = await reader.only()
    os.truncate(log, 0)
    append(log, lines(1, start=900))
    second = await reader.visit()
    assert second.logs[0].bytes_skipped == first.bytes_pending > 0
    assert [(problem.kind, problem.severity) for problem in second.problems] == [("log-gap", Severity.WARN)]
    assert (await reader.visit()).problems == ()


async def test_a_replaced_file_that_no_cap_is_left_for_is_pending_and_not_lost_again(
    files: Files, tmp_path: Path
) -> None:
    reader = Reader(files, (f"{tmp_path}/*.log",), Caps(log=4000, host=4000))
    await reader.visit()
    small, big = tmp_path / "a.log", tmp_path / "b.log"
    append(small, lines(10) + b"half")
    append(big, lines(10))
    await reader.visit()
    small.unlink()
    append(small, lines(80, start=100))
    append(big, lines(70, start=10))
    lost = 0
    for _ in range(6):
        lost += sum(log.bytes_skipped for log in (await reader.visit()).logs)
    assert lost == 4
    assert len(reader.everything) == len(lines(170))


async def test_a_deleted_log_is_told_once_and_costs_nothing_afterwards(guarded: Guarded, tmp_path: Path) -> None:
    reader = Reader(guarded, (f"{tmp_path}/*.log",))
    await reader.visit()
    for number in range(20):
        append(tmp_path / f"{number}.log", lines(2) + b"half")
    await reader.visit()
    for number in range(20):
        (tmp_path / f"{number}.log").unlink()
    lost = [sum(log.bytes_skipped for log in (await reader.visit()).logs) for _ in range(4)]
    assert lost == [0, 20 * 4, 0, 0]
    guarded.listings = 0
    assert (await reader.visit()).logs == ()
    assert guarded.listings <= 2


async def test_a_log_that_comes_back_as_it_was_is_read_on(reader: Reader, log: Path) -> None:
    append(log, lines(20))
    await reader.visit()
    away = log.with_name("elsewhere")
    log.rename(away)
    for _ in range(4):
        await reader.visit()
    away.rename(log)
    append(log, lines(5, start=20))
    assert (await reader.only()).data == lines(5, start=20)


async def test_a_log_that_becomes_readable_has_its_look_back_then(guarded: Guarded, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, lines(5000))
    guarded.refused.add(str(log))
    reader = Reader(guarded, (str(log),))
    reading = await reader.visit()
    assert [(problem.kind, problem.severity) for problem in reading.problems] == [("log-unreadable", Severity.WARN)]
    guarded.refused.clear()
    assert 0 < len((await reader.only()).data) <= LOOK_BACK


async def test_a_rotated_file_that_cannot_be_read_does_not_stop_its_log(guarded: Guarded, log: Path) -> None:
    reader = Reader(guarded, (str(log),))
    await reader.visit()
    append(log, lines(10))
    await reader.visit()
    rename(log)
    await reader.visit()
    append(Path(f"{log}.1"), lines(1, start=10))
    append(log, lines(2, start=11))
    guarded.refused.add(f"{log}.1")
    reading = await reader.visit()
    assert reading.logs[0].data == lines(2, start=11)


@pytest.mark.parametrize("name", ["app.log-20260131", "app.log.20260131", "app.log.2026-01-31", "app-20260131.log"])
async def test_a_dated_copy_is_the_rest_of_its_log_and_no_log_of_its_own(
    files: Files, tmp_path: Path, name: str
) -> None:
    log = tmp_path / "app.log"
    log.touch()
    reader = Reader(files, (f"{tmp_path}/app*",))
    await reader.visit()
    append(log, lines(10))
    await reader.visit()
    append(log, lines(5, start=10))
    log.rename(tmp_path / name)
    append(log, lines(5, start=15))
    reading = await reader.visit()
    assert [one.data for one in reading.logs] == [lines(10, start=10)]
    assert reading.problems == ()


async def test_a_folder_that_may_not_be_listed_hides_only_itself_and_is_told(guarded: Guarded, tmp_path: Path) -> None:
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
        append(tmp_path / name / "app.log", lines(1))
    guarded.refused.add(f"{tmp_path}/closed")
    reading = await Reader(guarded, (f"{tmp_path}/*/app.*",)).visit()
    assert [log.path for log in reading.logs] == [f"{tmp_path}/open/app.log"]
    assert [problem.kind for problem in reading.problems] == ["log-folder-unreadable"]


async def test_one_name_in_several_folders_is_looked_for_without_listing_these(
    guarded: Guarded, tmp_path: Path
) -> None:
    for name in ("open", "entered", "closed"):
        (tmp_path / name).mkdir()
        append(tmp_path / name / "app.log", lines(1))
    (tmp_path / "without").mkdir()
    guarded.refused |= {f"{tmp_path}/closed", f"{tmp_path}/entered"}
    guarded.not_told.add(f"{tmp_path}/closed/app.log")
    reading = await Reader(guarded, (f"{tmp_path}/*/app.log",)).visit()
    assert [log.path for log in reading.logs] == [f"{tmp_path}/entered/app.log", f"{tmp_path}/open/app.log"]
    assert [problem.kind for problem in reading.problems] == ["log-folder-unreadable"]
    assert f"{tmp_path}/closed" in str(reading.problems[0])
    assert guarded.listings == 1


async def test_a_wide_look_back_is_read_in_small_steps_and_within_the_cap(guarded: Guarded, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, b"x" * 500_000 + b"\n" + lines(2000))
    reader = Reader(guarded, (str(log),), Caps(log=300_000), look_back=10**9)
    reading = await reader.only()
    assert len(reading.data) <= 300_000
    assert reading.data.startswith(b"line ")
    assert guarded.largest_read <= 300_000
