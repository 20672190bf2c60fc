"""The contract of `session.files`, in each way to reach a file: the same bytes, the same errors."""

import os
import socket
from pathlib import Path

import pytest

from dthostmon.errors import FileUnreadableError
from dthostmon.transport import Session, paths

LONG = bytes(range(256)) * 4096 + b"the end"  # 1 MiB: more than one request, less than a window
HOSTILE_NAMES = [b"new\nline", b"quote'\"`", b"$(id)", b"\xff\xfe", b"back\\slash", b"-rf", b" ", b"*", b"\x1b[31m"]


@pytest.fixture
def session(any_session: Session) -> Session:
    return any_session


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_bytes(LONG)
    return path


async def test_a_file_is_told_with_its_size_and_time(session: Session, file: Path) -> None:
    os.utime(file, (1_700_000_000, 1_700_000_000))
    found = await session.files.stat(str(file))
    assert found is not None
    assert (found.size, found.mtime, found.regular, found.directory) == (len(LONG), 1_700_000_000, True, False)


async def test_there_is_no_stat_of_what_does_not_exist(session: Session, file: Path) -> None:
    for path in (file.parent / "absent", file / "below a file", Path("/absent/absent")):
        assert await session.files.stat(str(path)) is None


async def test_a_link_is_followed(session: Session, file: Path) -> None:
    link = file.parent / "link"
    link.symlink_to(file)
    found = await session.files.stat(str(link))
    assert found is not None
    assert (found.size, found.regular) == (len(LONG), True)
    assert await session.files.read(str(link), len(LONG) - 3, 10) == b"end"


async def test_where_a_link_leads_is_told_and_what_is_no_link_leads_nowhere(session: Session, file: Path) -> None:
    (file.parent / "link").symlink_to("log")
    assert await session.files.link(str(file.parent / "link")) == "log"
    for path in (file, file.parent, file.parent / "absent"):
        assert await session.files.link(str(path)) is None


async def test_a_link_in_a_circle_is_nothing(session: Session, tmp_path: Path) -> None:
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    assert await session.files.stat(str(circle)) is None


@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, 10), (5, 0), (100, 255 * 1024), (0, len(LONG)), (0, len(LONG) * 2), (len(LONG) - 5, 100), (700_001, 300_003)],
)
async def test_the_bytes_from_an_offset_are_the_bytes_of_the_file(
    session: Session, file: Path, offset: int, length: int
) -> None:
    assert await session.files.read(str(file), offset, length) == LONG[offset : offset + length]


@pytest.mark.parametrize("offset", [len(LONG), len(LONG) + 1, 2**40])
async def test_there_is_nothing_at_and_behind_the_end(session: Session, file: Path, offset: int) -> None:
    assert await session.files.read(str(file), offset, 1000) == b""


async def test_more_than_a_window_of_requests_is_read_in_order(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "big"
    content = os.urandom(5 * 1024 * 1024 + 17)
    file.write_bytes(content)
    assert await session.files.read(str(file), 3, len(content)) == content[3:]


async def test_a_file_that_the_kernel_makes_up_is_read(session: Session) -> None:
    assert (await session.files.read("/proc/version", 0, 4096)).startswith(b"Linux version")


async def test_what_is_not_a_regular_file_is_never_opened(session: Session, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    for path in (tmp_path / "fifo", tmp_path / "socket", tmp_path, Path("/dev/zero")):
        with pytest.raises(FileUnreadableError, match="not a regular file"):
            await session.files.read(str(path), 0, 100)
    found = await session.files.stat(str(tmp_path / "fifo"))
    assert found is not None
    assert not found.regular


async def test_a_missing_file_cannot_be_read(session: Session, file: Path) -> None:
    with pytest.raises(FileUnreadableError, match="no such file"):
        await session.files.read(str(file.parent / "absent"), 0, 1)


async def test_a_file_that_goes_between_stat_and_read_is_unreadable(session: Session, file: Path) -> None:
    assert await session.files.stat(str(file)) is not None
    file.unlink()
    with pytest.raises(FileUnreadableError, match="no such file"):
        await session.files.read(str(file), 0, 1)


async def test_a_folder_is_listed_with_every_kind_of_entry(session: Session, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("absent")
    os.mkfifo(tmp_path / "fifo")
    entries = {entry.name: entry for entry in await session.files.list(str(tmp_path))}
    kinds = {name: (entry.stat.regular, entry.stat.directory, entry.link) for name, entry in entries.items()}
    expected = {
        "file": (True, False, False),
        "folder": (False, True, False),
        "link": (False, False, True),
        "dangling": (False, False, True),
        "fifo": (False, False, False),
    }
    assert {name: kinds.get(name) for name in expected} == expected
    assert entries["file"].stat.size == 5


async def test_where_there_is_no_folder_there_are_no_entries(session: Session, file: Path) -> None:
    for path in (file.parent / "absent", file):
        assert await session.files.list(str(path)) == []


async def test_a_long_folder_is_listed_whole(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1500):
        (folder / f"{number:04}.log").touch()
    names = sorted(entry.name for entry in await session.files.list(str(folder)))
    assert names == [f"{number:04}.log" for number in range(1500)]


async def test_a_folder_with_more_names_than_allowed_is_refused(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("local", "sftp", "collector"):
        monkeypatch.setattr(f"dthostmon.transport.{module}.MAX_DIRECTORY_ENTRIES", 3)
    for number in range(4):
        (tmp_path / str(number)).touch()
    with pytest.raises(FileUnreadableError, match="more than 3 names"):
        await session.files.list(str(tmp_path))


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=[repr(name) for name in HOSTILE_NAMES])
async def test_a_hostile_name_is_listed_told_and_read(session: Session, tmp_path: Path, name: bytes) -> None:
    folder = tmp_path / "names"
    folder.mkdir()
    raw = os.fsencode(folder) + b"/" + name
    with open(raw, "wb") as file:  # noqa: PTH123  # a Path holds no bytes
        file.write(b"content")
    (entry,) = await session.files.list(str(folder))
    path = f"{folder}/{entry.name}"
    assert paths.to_bytes(path) == raw
    found = await session.files.stat(path)
    assert found is not None
    assert found.size == 7
    assert await session.files.read(path, 0, 100) == b"content"


@pytest.mark.parametrize("path", ["/etc/\\x00/passwd", "/" + "n" * 300])
async def test_a_path_that_cannot_be_is_unreadable(session: Session, path: str) -> None:
    with pytest.raises(FileUnreadableError):
        await session.files.stat(path)
    with pytest.raises(FileUnreadableError):
        await session.files.read(path, 0, 1)


async def test_reading_changes_nothing_in_the_folder(session: Session, file: Path) -> None:
    before = sorted(file.parent.iterdir()), file.stat().st_mtime_ns
    await session.files.read(str(file), 0, 1000)
    await session.files.list(str(file.parent))
    assert (sorted(file.parent.iterdir()), file.stat().st_mtime_ns) == before
