"""What is new in a log is read once, whole lines only, and every byte is accounted for."""

import os
from dataclasses import replace
from pathlib import Path

from dthostmon.app.parts import make_parts
from dthostmon.cycle import HostChecks
from dthostmon.logs import Caps
from dthostmon.model import HostState, Severity
from dthostmon.store import Store
from dthostmon.transport import Connections, Files
from tests.fixtures.sshd import make_local_host
from tests.integration.logs.conftest import LOOK_BACK, Reader


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def lines(count: int, start: int = 0) -> bytes:
    return b"".join(
        b"line %06d of a log that is long enough to be told apart\n" % number for number in range(start, start + count)
    )


async def test_a_first_visit_starts_at_a_whole_line_within_the_look_back(files: Files, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, lines(5000))
    reading = await Reader(files, (str(log),)).only()
    assert log.read_bytes().endswith(reading.data)
    assert reading.data.startswith(b"line ")
    assert LOOK_BACK - 100 < len(reading.data) <= LOOK_BACK


async def test_a_small_file_is_read_from_its_start_at_the_first_visit(files: Files, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    append(log, lines(3))
    assert (await Reader(files, (str(log),)).only()).data == lines(3)


async def test_a_file_that_appears_later_is_read_from_its_first_byte(files: Files, tmp_path: Path) -> None:
    reader = Reader(files, (f"{tmp_path}/*.log",))
    await reader.visit()
    append(tmp_path / "late.log", lines(5000))
    assert (await reader.only()).data == lines(5000)


async def test_only_new_lines_are_read(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    assert (await reader.only()).data == lines(10)
    assert (await reader.only()).data == b""
    append(log, lines(5, start=10))
    assert (await reader.only()).data == lines(5, start=10)


async def test_a_half_written_line_is_pending_until_it_is_whole(reader: Reader, log: Path) -> None:
    append(log, lines(2) + b"half a li")
    reading = await reader.only()
    assert (reading.data, reading.bytes_pending) == (lines(2), 9)
    append(log, b"ne\n")
    reading = await reader.only()
    assert (reading.data, reading.bytes_pending) == (b"half a line\n", 0)


async def test_an_unfinished_line_is_taken_after_two_unchanged_visits(reader: Reader, log: Path) -> None:
    append(log, b"the last words")
    assert (await reader.only()).data == b""
    assert (await reader.only()).data == b""
    assert (await reader.only()).data == b"the last words"
    append(log, b" and more\n")
    assert (await reader.only()).data == b" and more\n"


async def test_what_a_cap_leaves_is_pending_and_read_next_time(files: Files, log: Path) -> None:
    reader = Reader(files, (str(log),), Caps(log=1000))
    await reader.visit()
    append(log, lines(100))
    reading = await reader.only()
    assert 0 < len(reading.data) <= 1000
    assert reading.bytes_pending == len(lines(100)) - len(reading.data)
    for _ in range(10):
        await reader.visit()
    assert reader.everything == lines(100)


async def test_a_flood_in_one_log_does_not_starve_the_others(files: Files, tmp_path: Path) -> None:
    reader = Reader(files, (f"{tmp_path}/*.log",), Caps(host=2000))
    await reader.visit()
    append(tmp_path / "a-flood.log", lines(1000))
    append(tmp_path / "quiet.log", lines(1))
    read = {Path(log.path).name: log for log in (await reader.visit()).logs}
    assert read["quiet.log"].data == lines(1)
    assert 0 < len(read["a-flood.log"].data) < 2000


async def test_binary_bytes_arrive_as_they_are(reader: Reader, log: Path) -> None:
    data = bytes(range(256)) * 10 + b"\xff\xfe\x00\n"
    append(log, data)
    assert (await reader.only()).data == data


async def test_a_line_longer_than_what_is_held_is_passed_on_in_pieces(reader: Reader, log: Path) -> None:
    append(log, b"x" * (1024 * 1024 + 5))
    assert len((await reader.only()).data) == 1024 * 1024 + 5


async def test_a_missing_log_is_an_information_and_no_failure(files: Files, tmp_path: Path) -> None:
    reading = await Reader(files, (f"{tmp_path}/none.log",)).visit()
    told = [(problem.kind, problem.severity) for problem in reading.problems]
    assert told == [("log-missing", Severity.INFO), ("log-none", Severity.WARN)]  # the latter: nothing else is read


async def test_a_host_of_which_no_log_is_read_says_so(files: Files, tmp_path: Path) -> None:
    reading = await Reader(files, (f"{tmp_path}/*.log",)).visit()
    assert [(problem.kind, problem.severity) for problem in reading.problems] == [("log-none", Severity.WARN)]


async def test_a_fifo_and_a_directory_are_told_and_never_opened(files: Files, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    reading = await Reader(files, (f"{tmp_path}/fifo", str(tmp_path))).visit()
    assert [problem.kind for problem in reading.problems] == ["log-not-regular", "log-not-regular"]
    assert reading.logs == ()


async def test_a_glob_takes_regular_files_and_links_to_them_only(files: Files, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.log")
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "nowhere.log").symlink_to(tmp_path / "none")
    (tmp_path / "loop.log").symlink_to(tmp_path / "loop.log")
    append(tmp_path / "real.log", lines(1))
    (tmp_path / "link.log").symlink_to(tmp_path / "real.log")
    reading = await Reader(files, (f"{tmp_path}/*.log",)).visit()
    assert {Path(log.path).name for log in reading.logs} == {"real.log", "link.log"}
    assert reading.problems == ()


async def test_a_glob_in_the_middle_of_a_path_is_expanded(files: Files, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        append(tmp_path / name / "app.log", lines(1))
    reading = await Reader(files, (f"{tmp_path}/*/app.log",)).visit()
    assert {log.path for log in reading.logs} == {f"{tmp_path}/one/app.log", f"{tmp_path}/two/app.log"}


async def test_only_the_newest_files_are_read_and_the_rest_is_a_warning(files: Files, tmp_path: Path) -> None:
    for number in range(6):
        path = tmp_path / f"{number}.log"
        append(path, lines(1))
        os.utime(path, (1000 + number, 1000 + number))
    reading = await Reader(files, (f"{tmp_path}/*.log",), Caps(files=4)).visit()
    assert {Path(log.path).name for log in reading.logs} == {"2.log", "3.log", "4.log", "5.log"}
    assert [(problem.kind, problem.severity) for problem in reading.problems] == [("log-too-many", Severity.WARN)]


async def test_rotated_and_compressed_copies_are_no_logs_of_their_own(files: Files, tmp_path: Path) -> None:
    for name in ("app.log", "app.log.1", "app.log-20260101", "app.log.2.gz", "other.log.1"):
        append(tmp_path / name, lines(1))
    reading = await Reader(files, (f"{tmp_path}/*",)).visit()
    assert {Path(log.path).name for log in reading.logs} == {"app.log", "other.log.1"}


async def test_names_of_hostile_bytes_are_read_like_others(files: Files, tmp_path: Path) -> None:
    names = [b"new\nline.log", b"quote'\".log", b"\xff\xfe.log", b"back\\slash.log", b"$(reboot).log"]
    for name in names:
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:  # noqa: PTH123  # pathlib cannot name these bytes
            file.write(lines(1))
    reading = await Reader(files, (f"{tmp_path}/*.log",)).visit()
    assert [log.data for log in reading.logs] == [lines(1)] * len(names)


async def test_the_same_state_reads_the_same_lines_again(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    before = reader.state
    first = await reader.only()
    reader.state = before
    assert (await reader.only()).data == first.data
    assert isinstance(before, HostState)


async def test_the_rest_of_a_line_too_long_to_be_held_is_no_line_of_its_own(reader: Reader, log: Path) -> None:
    forged = b"Jul 28 06:00:00 web1 sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2"
    append(log, b"x" * 70_000)
    first = await reader.only()
    assert first.parts == (b"x" * 70_000,)
    append(log, forged + b"\nthe next line\n")
    second = await reader.only()
    assert second.data == forged + b"\nthe next line\n"
    assert second.parts == (b"the next line\n",)
    append(log, b"y" * 70_000)
    await reader.visit()
    append(log, b"z" * 70_000)
    third = await reader.only()
    assert (len(third.data), third.parts) == (70_000, ())
    assert reader.everything == log.read_bytes()


async def test_a_line_too_long_to_be_held_is_accounted_for(log: Path, sqlite_store: Store) -> None:
    host = replace(make_local_host(logs=[str(log)]), probes=())
    checks = HostChecks(make_parts(sqlite_store, Connections(keep_up_to=0)), 1)
    await checks.check(host)
    for piece in (b"x" * 70_000, b"y" * 70_000, b"end\nshort\n"):
        append(log, piece)
        run = await checks.check(host)
        [row] = run.logs
        assert (row.bytes_unexplained, row.bytes_analysed) == (0, len(piece))
    assert row.lines == 1


async def test_the_unfinished_rest_of_a_long_line_is_never_judged_as_a_line(reader: Reader, log: Path) -> None:
    append(log, b"x" * 70_000)
    await reader.visit()
    append(log, b" Accepted password for root from 192.0.2.7 port 22 ssh2")
    readings = [(await reader.visit()).logs[0] for _ in range(3)]
    assert [part for reading in readings for part in reading.parts] == []
    assert sum(sum(reading.continued.values()) for reading in readings) == log.stat().st_size - 70_000


async def test_the_first_line_behind_a_skipped_backlog_is_judged(reader: Reader, log: Path) -> None:
    reader.caps = Caps(log=100_000, lag=200_000)
    append(log, b"x" * 70_000)
    await reader.visit()
    append(log, b"\n" + lines(5000))
    reading = await reader.only()
    assert reading.bytes_skipped
    assert b"".join(reading.parts) == reading.data


async def test_a_backlog_has_its_turn_beside_logs_that_fill_the_cap_each_time(files: Files, tmp_path: Path) -> None:
    busy = [tmp_path / f"{number}.log" for number in range(4)]
    behind = tmp_path / "behind.log"
    for path in (*busy, behind):
        path.touch()
    reader = Reader(files, (f"{tmp_path}/*.log",), caps=Caps(log=1000, host=4000))
    await reader.visit()
    line = b"x" * 49 + b"\n"
    append(behind, 100 * line)
    for _ in range(20):
        for path in busy:
            append(path, 20 * line)
        await reader.visit()
    assert reader.state.cursors[str(behind)].current.offset == 5000
