"""A rotation between two visits loses no line and doubles none."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from dthostmon.errors import FileUnreadableError
from dthostmon.logs import Caps
from dthostmon.logs.rotation import list_siblings, rotated_name
from dthostmon.model import FilePosition, Severity
from dthostmon.transport import Files
from tests.integration.logs.conftest import Reader, WithoutInodes
from tests.integration.logs.test_reading import append, lines


def rename(log: Path, *, create: bool = True) -> None:
    """Rotate as logrotate does with `create`: .1 becomes .2, the log becomes .1."""
    for number in (8, 7, 6, 5, 4, 3, 2, 1):
        old = Path(f"{log}.{number}")
        if old.exists():
            old.rename(f"{log}.{number + 1}")
    log.rename(f"{log}.1")
    if create:
        log.touch()


def rename_with_date(log: Path, date: str) -> None:
    log.rename(f"{log}-{date}")
    log.touch()


def copy_and_truncate(log: Path) -> None:
    shutil.copy(log, f"{log}.1")
    os.truncate(log, 0)


async def test_the_rest_of_a_renamed_file_comes_before_the_new_file(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    append(log, lines(5, start=10))
    rename(log)
    append(log, lines(5, start=15))
    reading = await reader.only()
    assert reading.rotated
    assert reading.data == lines(10, start=10)


async def test_a_file_that_was_rotated_twice_is_followed_through_both(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    append(log, lines(5, start=10))
    rename(log)
    append(log, lines(5, start=15))
    rename(log)
    append(log, lines(5, start=20))
    assert (await reader.only()).data == lines(15, start=10)


async def test_dated_names_are_followed_in_the_order_of_their_dates(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    for index, date in enumerate(("20260131", "20260201", "20260202")):
        append(log, lines(5, start=10 + 5 * index))
        rename_with_date(log, date)
    append(log, lines(5, start=25))
    assert (await reader.only()).data == lines(20, start=10)


async def test_copytruncate_gives_the_rest_of_the_copy(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    append(log, lines(5, start=10))
    copy_and_truncate(log)
    append(log, lines(5, start=15))
    assert (await reader.only()).data == lines(10, start=10)


async def test_a_file_that_grew_past_the_offset_after_copytruncate_is_recognised(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    append(log, lines(2, start=10))
    copy_and_truncate(log)
    append(log, lines(50, start=12))
    assert (await reader.only()).data == lines(52, start=10)


async def test_a_program_that_still_writes_to_the_renamed_file_is_followed(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    rename(log)
    append(log, lines(5, start=10))
    assert (await reader.only()).data == lines(5, start=10)
    append(Path(f"{log}.1"), lines(5, start=15))
    append(log, lines(5, start=20))
    assert (await reader.only()).data == lines(10, start=15)
    rename(log)
    append(Path(f"{log}.2"), lines(1, start=25))
    append(log, lines(1, start=26))
    assert (await reader.only()).data == lines(2, start=25)


async def test_a_log_whose_new_file_comes_late_is_followed_in_the_renamed_one(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    append(log, lines(5, start=10))
    rename(log, create=False)
    assert (await reader.only()).data == lines(5, start=10)
    append(Path(f"{log}.1"), lines(5, start=15))
    assert (await reader.only()).data == lines(5, start=15)
    append(log, lines(5, start=20))
    assert (await reader.only()).data == lines(5, start=20)


async def test_a_cap_in_the_middle_of_a_rotated_file_is_caught_up(files: Files, log: Path) -> None:
    reader = Reader(files, (str(log),), Caps(log=700))
    await reader.visit()
    append(log, lines(10))
    for _ in range(3):
        await reader.visit()
    append(log, lines(50, start=10))
    rename(log)
    append(log, lines(50, start=60))
    rename(log)
    append(log, lines(50, start=110))
    for _ in range(30):
        await reader.visit()
    assert reader.everything == lines(160)


async def test_an_unfinished_line_of_an_older_file_is_not_joined_to_the_next_file(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    append(log, b"cut off")
    rename(log)
    append(log, lines(2, start=10))
    rename(log)
    append(log, lines(2, start=12))
    reading = await reader.only()
    assert reading.parts == (b"cut off", lines(2, start=10), lines(2, start=12))


async def test_a_file_replaced_without_a_copy_is_read_anew_and_told(reader: Reader, log: Path) -> None:
    append(log, lines(10) + b"half")
    await reader.visit()
    log.unlink()
    append(log, lines(3, start=50))
    reading = await reader.visit()
    [one] = reading.logs
    assert one.data == lines(3, start=50)
    assert one.bytes_skipped == 4
    assert one.skip_reason is not None
    assert [(problem.kind, problem.severity) for problem in reading.problems] == [("log-gap", Severity.WARN)]


async def test_a_truncated_file_is_read_from_its_start(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    os.truncate(log, 0)
    append(log, lines(2, start=70))
    assert (await reader.only()).data == lines(2, start=70)


async def test_an_empty_file_that_was_written_and_rotated_is_read(reader: Reader, log: Path) -> None:
    earlier = log.stat().st_mtime - 10
    os.utime(log, (earlier, earlier))
    await reader.visit()
    append(log, lines(3))
    rename(log)
    append(log, lines(3, start=3))
    assert (await reader.only()).data == lines(6)


async def test_without_the_fingerprint_check_the_regrown_file_would_be_misread(
    reader: Reader, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test of the test: the scenario above fails when the hash check is taken out."""
    append(log, lines(10))
    await reader.visit()
    append(log, lines(2, start=10))
    copy_and_truncate(log)
    append(log, lines(50, start=12))
    for module in ("positions", "segments", "rotation", "file_log"):
        monkeypatch.setattr(f"dthostmon.logs.{module}.fingerprint", lambda _before: "the same for all")
    cursor = reader.state.cursors[str(log)]
    current = FilePosition(
        **{name: getattr(cursor.current, name) for name in FilePosition.__slots__} | {"fingerprint": "the same for all"}
    )
    object.__setattr__(cursor, "current", current)
    assert (await reader.only()).data != lines(52, start=10)


async def test_a_copy_is_no_log_of_its_own_while_its_log_is_away(files: Files, log: Path) -> None:
    append(log, lines(10))
    reader = Reader(files, (f"{log.parent}/app*",))
    await reader.visit()
    append(log, lines(5, start=10))
    rename(log, create=False)
    await reader.visit()
    append(log, lines(5, start=15))
    await reader.visit()
    assert reader.everything == lines(20)


async def test_a_copy_that_was_read_before_its_log_appeared_is_not_read_again(files: Files, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(Path(f"{log}.1"), lines(10))
    reader = Reader(files, (f"{tmp_path}/app*",))
    await reader.visit()
    append(log, lines(10, start=10))
    await reader.visit()
    rename(log)
    append(log, lines(5, start=20))
    for _ in range(4):
        await reader.visit()
    assert reader.everything == lines(25)


async def test_more_than_nine_rotations_in_one_day_are_followed_in_order(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    for number in (9, 10, 11):
        append(log, lines(5, start=5 * number))
        rename_with_date(log, f"20260131.{number}")
    await reader.visit()
    await reader.visit()
    assert reader.everything == lines(10) + lines(15, start=45)


@pytest.mark.parametrize(("rotated", "other"), [("old", "bak"), ("bak", "old")])
async def test_a_copy_that_somebody_made_hides_no_rotated_file(
    reader: Reader, log: Path, rotated: str, other: str
) -> None:
    append(log, lines(10))
    await reader.visit()
    append(log, lines(5, start=10))
    log.rename(f"{log}.{rotated}")
    log.touch()
    Path(f"{log}.{other}").write_bytes(b"a copy that somebody made\n")
    await reader.visit()
    await reader.visit()
    assert reader.everything == lines(15)


async def test_a_backlog_in_the_file_before_the_last_survives_the_next_rotations(reader: Reader, log: Path) -> None:
    reader.caps = Caps(log=1000, host=1000)
    append(log, lines(10))
    await reader.visit()
    rename(log)
    append(log, lines(10, start=10))
    await reader.visit()
    append(Path(f"{log}.1"), lines(100, start=100))
    rename(log)
    rename(log)
    append(log, lines(5, start=20))
    for _ in range(10):
        await reader.visit()
    assert reader.everything == lines(20) + lines(100, start=100) + lines(5, start=20)


async def test_half_a_line_in_the_file_before_the_last_survives_a_rotation_without_create(
    reader: Reader, log: Path
) -> None:
    append(log, lines(10))
    await reader.visit()
    rename(log)
    append(log, lines(10, start=10))
    await reader.visit()
    append(Path(f"{log}.1"), b"last words")
    rename(log)
    rename(log, create=False)
    await reader.visit()
    assert reader.everything == lines(20) + b"last words"


@dataclass(frozen=True)
class Unreadable(WithoutInodes):
    """Files of which one may not be read."""

    path: str

    async def read(self, path: str, offset: int, length: int) -> bytes:
        if path == self.path:
            raise FileUnreadableError(path, "permission denied")
        return await self.files.read(path, offset, length)


@pytest.mark.parametrize("is_log_away", [False, True])
async def test_what_is_lost_of_a_rotated_file_is_a_gap_and_a_finding(
    reader: Reader, log: Path, is_log_away: bool
) -> None:
    append(log, lines(10))
    await reader.visit()
    rename(log)
    append(log, lines(10, start=10))
    await reader.visit()
    if is_log_away:
        log.unlink()
    for _ in range(4):
        await reader.visit()
    append(Path(f"{log}.1"), b"half a line")
    await reader.visit()
    Path(f"{log}.1").unlink()
    readings = [await reader.visit() for _ in range(4)]
    assert sum(log.bytes_skipped for reading in readings for log in reading.logs) == len(b"half a line")
    assert [found.kind for reading in readings for found in reading.problems if found.kind == "log-gap"] == ["log-gap"]


async def test_a_copy_in_between_that_may_not_be_read_is_a_gap_and_a_finding(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    rename(log)
    append(log, lines(5, start=10))
    rename(log)
    append(log, lines(5, start=15))
    reader.files = Unreadable(reader.files, f"{log}.1")
    reading = await reader.visit()
    assert [gap.bytes for gap in reading.logs[0].gaps] == [None]
    assert "log-gap" in {found.kind for found in reading.problems}


async def test_what_stands_in_a_log_that_may_not_be_read_is_unknown(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    append(log, lines(10, start=10))
    reader.files = Unreadable(reader.files, str(log))
    reading = await reader.only()
    assert reading.unreadable == "permission denied"
    assert reading.bytes_pending is None


async def test_the_reason_of_a_gap_names_few_of_many_copies(files: Files, log: Path) -> None:
    append(log, lines(10))
    reader = Reader(files, (str(log),))
    await reader.visit()
    log.unlink()
    append(log, lines(5))
    for number in range(1, 50):
        Path(f"{log}.{number}.gz").write_bytes(b"no gzip")
    gaps = [gap for _ in range(3) for gap in (await reader.only()).gaps]
    assert 1 <= len(gaps) <= 2  # what was looked for in vain, and what came after it
    assert {gap.reason.count("cannot be unpacked") for gap in gaps} == {3}
    assert "17 more could not be read" in gaps[0].reason  # of the 20 that are looked into at most


async def test_only_names_that_begin_as_the_log_does_are_looked_at(files: Files, log: Path) -> None:
    for number in range(50):
        (log.parent / f"session-{number}.log").touch()
    for name in ("app.log.1", "app-20260131.log", "app.log-20260130.gz"):
        (log.parent / name).touch()
    rotated_name.cache_clear()
    found = await list_siblings(files, str(log))
    assert {Path(one.path).name for one in found} == {"app.log.1", "app-20260131.log", "app.log-20260130.gz"}
    assert rotated_name.cache_info().misses <= 4


async def test_numbers_that_grow_with_time_are_followed(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    for number in range(1, 5):
        append(log, lines(10, start=10 * number))
        os.utime(log, (1_800_000_000 + 10 * number, 1_800_000_000 + 10 * number))
        log.rename(f"{log}.{number}")
        log.touch()
    append(log, lines(10, start=50))
    reading = await reader.only()
    assert reading.data == lines(50, start=10)
