"""Whatever happens to a log between visits, as long as its rotated files are kept: each byte is read once, in order."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dthostmon.logs import Caps
from dthostmon.model import Host, Thresholds, TransportKind
from dthostmon.transport import connect
from tests.integration.logs.conftest import LOOK_BACK, Reader, WithoutInodes

HOST = Host("here", TransportKind.LOCAL, None, None, (), (), (), Thresholds(), 60, 30, LOOK_BACK)
SECONDS_PER_STEP = 2  # so that times of whole seconds tell the steps apart


class World:
    """A log on a host, everything that was written to it, and a clock that moves with each step."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "app.log"
        self.written = b""
        self.lines = 0
        self.now = 1_000_000
        self.log.touch()
        self.stamp()

    def stamp(self) -> None:
        self.now += SECONDS_PER_STEP
        os.utime(self.log, (self.now, self.now))

    def append(self, count: int) -> None:
        data = b"".join(b"line %06d\n" % number for number in range(self.lines, self.lines + count))
        self.lines += count
        self.write(data)

    def write(self, data: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(data)
        self.written += data
        self.stamp()

    def rename(self) -> None:
        for number in range(30, 0, -1):
            old = Path(f"{self.log}.{number}")
            if old.exists():
                old.rename(f"{self.log}.{number + 1}")
        self.log.rename(f"{self.log}.1")
        self.log.touch()
        self.stamp()

    def copytruncate(self) -> None:
        for number in range(30, 0, -1):
            old = Path(f"{self.log}.{number}")
            if old.exists():
                old.rename(f"{self.log}.{number + 1}")
        shutil.copy2(self.log, f"{self.log}.1")
        os.truncate(self.log, 0)
        self.stamp()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 60)),
        st.tuples(st.just("half"), st.just(0)),
        st.tuples(st.just("rename"), st.just(0)),
        st.tuples(st.just("copytruncate"), st.just(0)),
        st.tuples(st.just("visit"), st.just(0)),
    ),
    max_size=25,
)


async def play(chosen: Sequence[tuple[str, int]], *, inodes: bool, cap: int) -> tuple[bytes, bytes]:
    """Play the steps with a visit before and enough of them after; return what was written and what was read."""
    with tempfile.TemporaryDirectory() as name:
        world = World(Path(name))
        session = await connect(HOST)
        files = session.files if inodes else WithoutInodes(session.files)
        reader = Reader(files, (str(world.log),), Caps(log=cap))
        await reader.visit()
        for step, count in chosen:
            match step:
                case "append":
                    world.append(count)
                case "half":
                    world.write(b"half ")
                case "rename":
                    world.rename()
                case "copytruncate":
                    world.copytruncate()
                case _:
                    await reader.visit()
        for _ in range(len(world.written) // cap * 2 + 8):
            await reader.visit()
        await session.close()
        return world.written, reader.everything


@pytest.mark.parametrize("inodes", [True, False], ids=["with inodes", "without inodes"])
@pytest.mark.parametrize("cap", [4 * 1024 * 1024, 300], ids=["ordinary cap", "tiny cap"])
@settings(max_examples=100, deadline=None)
@given(chosen=steps)
def test_each_byte_is_read_once_and_in_order(inodes: bool, cap: int, chosen: Sequence[tuple[str, int]]) -> None:
    written, read = asyncio.run(play(chosen, inodes=inodes, cap=cap))
    assert read == written
