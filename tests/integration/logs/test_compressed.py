"""A rotated file that was compressed before it was read to its end is read on, and a broken one harms nobody."""

import gzip
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dthostmon.errors import FileUnfinishedError, FileUnreadableError
from dthostmon.logs import Caps, compressed
from dthostmon.logs.compressed import UnpackedFiles
from dthostmon.model import Severity
from dthostmon.transport import Files, Session
from tests import parts
from tests.integration.logs.conftest import Reader, WithoutInodes
from tests.integration.logs.test_reading import append, lines
from tests.integration.logs.test_rotation import rename

PROGRAMS = {"gz": "gzip", "xz": "xz", "bz2": "bzip2", "zst": "zstd"}


def compress(path: Path, kind: str) -> None:
    """Compress a file with the real program, as logrotate calls it: the original goes, its time stays."""
    options = ["--rm", "-q"] if kind == "zst" else []
    subprocess.run([parts.program(PROGRAMS[kind]), *options, str(path)], check=True)


@pytest.mark.parametrize("kind", PROGRAMS)
async def test_the_rest_of_a_compressed_file_comes_before_the_new_file(reader: Reader, log: Path, kind: str) -> None:
    append(log, lines(10))
    await reader.visit()
    append(log, lines(3000, start=10))
    rename(log)
    compress(Path(f"{log}.1"), kind)
    append(log, lines(5, start=3010))
    reading = await reader.visit()
    assert reader.everything == lines(3015)
    assert reading.problems == ()
    assert (await reader.only()).data == b""


@pytest.mark.parametrize("kind", PROGRAMS)
async def test_several_compressed_files_are_read_in_order_under_a_small_cap(files: Files, log: Path, kind: str) -> None:
    reader = Reader(files, (str(log),), Caps(log=2000))
    await reader.visit()
    append(log, lines(10))
    await reader.visit()
    for start in (10, 110, 210):
        append(log, lines(100, start=start))
        rename(log)
    for number in (1, 2, 3):
        compress(Path(f"{log}.{number}"), kind)
    append(log, lines(10, start=310))
    pending = [(await reader.only()).bytes_pending for _ in range(20)]
    assert reader.everything == lines(320)
    assert pending[0] is None  # nobody can tell what stands in a compressed file without unpacking it
    assert pending[-1] == 0


async def test_a_file_that_was_read_to_its_end_and_then_compressed_is_not_read_again(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    rename(log)
    append(log, lines(5, start=10))
    await reader.visit()
    rename(log)
    compress(Path(f"{log}.2"), "gz")
    append(log, lines(5, start=15))
    reading = await reader.visit()
    assert reader.everything == lines(20)
    assert reading.problems == ()


async def test_what_a_program_wrote_late_is_found_in_the_compressed_file(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    rename(log)
    append(log, lines(5, start=10))
    await reader.visit()
    append(Path(f"{log}.1"), lines(2, start=900))
    compress(Path(f"{log}.1"), "gz")
    await reader.visit()
    assert reader.everything == lines(15) + lines(2, start=900)


async def test_a_file_that_is_still_being_compressed_is_waited_for(reader: Reader, log: Path) -> None:
    append(log, lines(10))
    await reader.visit()
    append(log, lines(200, start=10))
    rename(log)
    whole = gzip.compress(Path(f"{log}.1").read_bytes())
    Path(f"{log}.1").unlink()
    half = Path(f"{log}.1.gz")
    half.write_bytes(whole[: len(whole) // 2])
    append(log, lines(5, start=210))
    assert (await reader.only()).data == b""
    half.write_bytes(whole)
    assert (await reader.only()).data == lines(205, start=10)


@pytest.mark.parametrize("content", [b"", b"no gzip at all", gzip.compress(b"x" * 10_000, mtime=0)[:-20]])
async def test_a_broken_file_is_a_gap_after_it_was_waited_for(reader: Reader, log: Path, content: bytes) -> None:
    append(log, lines(10))
    await reader.visit()
    append(log, lines(5, start=10))
    log.unlink()
    Path(f"{log}.1.gz").write_bytes(content)
    append(log, lines(5, start=50))
    told = [problem for _ in range(4) for problem in (await reader.visit()).problems]
    assert reader.everything == lines(10) + lines(5, start=50)
    assert [(problem.kind, problem.severity) for problem in told] == [("log-gap", Severity.INFO)]


async def test_members_padding_and_rubbish_after_the_last_one(files: Files, tmp_path: Path) -> None:
    packed = tmp_path / "x.1.gz"
    packed.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n") + b"\0" * 100 + b"rubbish")
    unpacked = UnpackedFiles(files)
    assert await unpacked.read(str(packed), 2, 100) == b"e\ntwo\n"
    found = await unpacked.stat(str(packed))
    assert found is not None
    assert found.size == 8


async def test_a_small_file_that_unpacks_to_very_much_is_given_up_early(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "LARGEST_UNPACKED", 10 * 2**20)
    for kind in PROGRAMS:
        bomb = tmp_path / f"x.1.{kind}"
        plain = tmp_path / "x.1"
        with plain.open("wb") as file:
            os.truncate(file.fileno(), 64 * 2**20)
        compress(plain, kind)
        with pytest.raises(FileUnreadableError, match="larger than is unpacked"):
            await UnpackedFiles(files).read(str(bomb), 0, 10)


async def test_a_kind_that_cannot_be_unpacked_and_a_file_cut_short_say_so(files: Files, tmp_path: Path) -> None:
    (tmp_path / "x.1.lz4").write_bytes(b"x")
    with pytest.raises(FileUnreadableError, match="lz4 files are not unpacked; gz, xz, bz2, zst files are"):
        await UnpackedFiles(files).read(str(tmp_path / "x.1.lz4"), 0, 1)
    (tmp_path / "x.1.gz").write_bytes(gzip.compress(b"x" * 1000)[:-3])
    with pytest.raises(FileUnfinishedError, match="its end is missing"):
        await UnpackedFiles(files).read(str(tmp_path / "x.1.gz"), 0, 1)


@dataclass(frozen=True)
class Counted(WithoutInodes):
    """Files that remember how many bytes were asked for of compressed ones."""

    asked: list[int] = field(default_factory=list)

    async def read(self, path: str, offset: int, length: int) -> bytes:
        if path.endswith(".gz"):
            self.asked.append(length)
        return await self.files.read(path, offset, length)


async def test_a_file_that_was_read_to_its_end_and_compressed_by_gzip_is_not_unpacked(
    session: Session, log: Path
) -> None:
    counted = Counted(session.files)
    reader = Reader(counted, (str(log),))
    append(log, lines(100))
    await reader.visit()
    rename(log)
    await reader.visit()
    compress(Path(f"{log}.1"), "gz")
    await reader.visit()
    await reader.visit()
    assert counted.asked == [4]
    assert reader.everything == lines(100)


async def test_a_compressed_file_is_no_log_by_itself(files: Files, tmp_path: Path) -> None:
    path = tmp_path / "old.log.gz"
    path.write_bytes(gzip.compress(lines(1000)))
    reading = await Reader(files, (str(path),)).visit()
    assert reading.logs == ()
    assert [found.kind for found in reading.problems] == ["log-unreadable"]
    assert "compressed" in reading.problems[0].title
