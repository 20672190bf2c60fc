"""Files as the source of facts: what a parser gets of them, whatever they hold."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.identity import IDENTITY
from dthostmon.facts.metrics import metrics_since
from dthostmon.facts.sources import FILE_BYTES, FactFiles, Told, content_of
from dthostmon.transport import DirectoryEntry, FileStat, FileSystemUsage

PATHS = [
    *("/etc/os-release", "/etc/timezone", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/arch", "/proc/version"),
    *("/proc/uptime", "/proc/stat", "/proc/meminfo", "/proc/loadavg", "/proc/self/mounts"),
]


class Held:
    """The files of a host that holds what it is given."""

    def __init__(self, contents: Mapping[str, bytes], usage: FileSystemUsage | None = None) -> None:
        self.contents = contents
        self.space = usage
        self.reads: list[str] = []

    async def read(self, path: str, offset: int, length: int) -> bytes:
        self.reads.append(path)
        if path not in self.contents:
            raise FileUnreadableError(path, "no such file")
        return self.contents[path][offset : offset + length]

    async def usage(self, path: str) -> FileSystemUsage | None:  # noqa: ARG002  # the signature of Files
        return self.space

    async def link(self, path: str) -> str | None:  # noqa: ARG002  # the signature of Files
        return None

    async def stat(self, path: str) -> FileStat | None:
        raise NotImplementedError

    async def list(self, directory: str) -> list[DirectoryEntry]:  # noqa: ARG002  # the signature of Files
        return []


async def test_a_file_is_read_once_for_all_that_ask() -> None:
    held = Held({"/proc/stat": b"cpu  1 2 3 4\ncpu0 1 2 3 4\n"})
    files = FactFiles(held)
    answers = await asyncio.gather(*(files.beginning("/proc/stat") for _ in range(5)))
    assert answers == [held.contents["/proc/stat"]] * 5
    assert held.reads == ["/proc/stat"]


async def test_what_is_read_later_is_read_anew_and_after_the_first_time() -> None:
    held = Held({"/proc/stat": b"cpu  1 2 3 4\n"})
    files = FactFiles(held)
    later = asyncio.create_task(files.beginning_later("/proc/stat", 0.01))
    await files.beginning("/proc/stat")
    held.contents = {"/proc/stat": b"cpu  2 3 4 5\n"}
    assert await later == b"cpu  2 3 4 5\n"
    assert await files.beginning("/proc/stat") == b"cpu  1 2 3 4\n"


async def test_the_first_file_that_can_be_read_tells() -> None:
    files = FactFiles(Held({"/usr/lib/os-release": b"NAME=x"}))
    assert await content_of("/etc/os-release", "/usr/lib/os-release")(files) == Told(b"NAME=x")
    with pytest.raises(FileUnreadableError, match="/b: no such file"):
        await content_of("/a", "/b")(files)


async def test_a_file_that_is_too_long_is_not_told_in_part() -> None:
    with pytest.raises(FileUnreadableError, match="longer than"):
        await FactFiles(Held({"/proc/meminfo": bytes(FILE_BYTES)})).content("/proc/meminfo")


async def test_a_kernel_is_known_by_either_file() -> None:
    version = Held({"/proc/version": b"Linux version 6.1.0-25-amd64 (debian-kernel@lists.debian.org) #1 SMP\n"})
    assert await IDENTITY.files["uname"](FactFiles(version)) == Told(b"6.1.0-25-amd64")
    release = Held({"/proc/sys/kernel/osrelease": b"6.1.0\n"})
    assert await IDENTITY.files["uname"](FactFiles(release)) == Told(b"6.1.0\n")


@given(
    contents=st.dictionaries(st.sampled_from(PATHS), st.binary(max_size=200)),
    mounts=st.lists(st.tuples(st.binary(max_size=20), st.sampled_from([b"ext4", b"overlay", b"xfs"])), max_size=5),
    usage=st.none() | st.builds(FileSystemUsage, *(st.integers(0, 2**64) for _ in range(6))),
)
def test_any_files_give_facts_or_a_reason(
    contents: dict[str, bytes], mounts: list[tuple[bytes, bytes]], usage: FileSystemUsage | None
) -> None:
    lines = b"\n".join(b"/dev/x /%s %s rw 0 0" % (name.replace(b" ", rb"\040"), kind) for name, kind in mounts)

    async def ask() -> None:
        files = FactFiles(Held({"/proc/self/mounts": lines} | contents, usage))
        for probe in (IDENTITY, metrics_since((1,) * 8)):
            told: dict[str, bytes] = {}
            for part, source in probe.files.items():
                with suppress(FileUnreadableError):
                    told[part] = (await source(files)).output
            probe.parse(told)

    asyncio.run(ask())
