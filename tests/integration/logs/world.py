"""A log on a host and what happens to it: programs write, rotations come in every way, files go away.

Each piece that is written holds a token of its own, so what was read can be held against what was written.
"""

import bz2
import gzip
import lzma
import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import zstandard

TOKEN = re.compile(rb"#(\d{6})\.")
SECONDS_PER_STEP = 2  # so that times of whole seconds tell the steps apart
OLDEST = 40  # more copies than a story has steps

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zst": lambda data: zstandard.ZstdCompressor().compress(data),
}


def tokens(data: bytes) -> list[int]:
    """Return the tokens in some bytes, in order."""
    return [int(number) for number in TOKEN.findall(data)]


class World:
    """One log in a folder of its own. `lost` are the tokens whose file went away before they were `read`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "app.log"
        self.count = 0
        self.lost: set[int] = set()
        self.read: set[int] = set()
        self.now = 1_000_000
        self.was_renamed = False
        self._write(self.log, b"")

    def append(self, lines: int) -> None:
        """Write whole lines, ending a half one first."""
        text = b"".join(b"%s a line of the log\n" % self._token() for _ in range(lines))
        self._write(self.log, text)

    def append_half(self) -> None:
        """Write the start of a line."""
        self._write(self.log, b"%s half a line, " % self._token())

    def append_late(self) -> None:
        """Write a line as a program does that still has the renamed file open, and wrote to it before."""
        late = Path(f"{self.log}.1")
        if self.was_renamed and late.exists() and late.stat().st_size:
            self._write(late, b"%s a late line\n" % self._token())

    def rename(self, *, create: bool = True) -> None:
        """Rotate by renaming; `create` makes the new file at once."""
        if self.log.exists():
            self._shift()
            self.log.rename(f"{self.log}.1")
            self.was_renamed = True
        if create:
            self._write(self.log, b"")

    def copy_and_truncate(self) -> None:
        """Rotate as programs need it that never let go of their file."""
        if self.log.exists():
            self._shift()
            shutil.copy2(self.log, f"{self.log}.1")
            os.truncate(self.log, 0)
            self._stamp(self.log)
            self.was_renamed = False

    def compress(self, kind: str, number: int) -> None:
        """Compress a rotated copy, which keeps its time."""
        plain = Path(f"{self.log}.{number}")
        if plain.exists():
            packed = Path(f"{plain}.{kind}")
            packed.write_bytes(COMPRESSORS[kind](plain.read_bytes()))
            shutil.copystat(plain, packed)
            plain.unlink()

    def drop_oldest(self) -> None:
        """Delete the oldest copy, as `rotate N` does."""
        for number in range(OLDEST, 0, -1):
            if found := self._copies(number):
                self._destroy(found)
                return

    def truncate(self) -> None:
        """Empty the log, with no copy."""
        if self.log.exists():
            self._forget(self.log.read_bytes())
            os.truncate(self.log, 0)
            self._stamp(self.log)

    def replace(self) -> None:
        """Delete the log and make it anew."""
        if self.log.exists():
            self._destroy([self.log])
        self._write(self.log, b"")

    def delete(self) -> None:
        """Delete the log."""
        if self.log.exists():
            self._destroy([self.log])

    def expected(self) -> set[int]:
        """Return the tokens that must have been read once all is read."""
        return set(range(self.count)) - self.lost

    def _token(self) -> bytes:
        self.count += 1
        return b"#%06d." % (self.count - 1)

    def _write(self, path: Path, data: bytes) -> None:
        with path.open("ab") as file:
            file.write(data)
        self._stamp(path)

    def _stamp(self, path: Path) -> None:
        self.now += SECONDS_PER_STEP
        os.utime(path, (self.now, self.now))

    def _shift(self) -> None:
        for number in range(OLDEST, 0, -1):
            for old in self._copies(number):
                old.rename(str(old).replace(f".log.{number}", f".log.{number + 1}"))

    def _copies(self, number: int) -> list[Path]:
        return [
            path
            for kind in ("", *(f".{kind}" for kind in COMPRESSORS))
            if (path := Path(f"{self.log}.{number}{kind}")).exists()
        ]

    def _destroy(self, paths: Iterable[Path]) -> None:
        for path in paths:
            self._forget(_unpacked(path))
            path.unlink()

    def _forget(self, data: bytes) -> None:
        self.lost |= set(tokens(data)) - self.read


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    match path.suffix:
        case ".gz":
            return gzip.decompress(data)
        case ".xz":
            return lzma.decompress(data)
        case ".bz2":
            return bz2.decompress(data)
        case ".zst":
            return zstandard.ZstdDecompressor().decompress(data)
    return data
