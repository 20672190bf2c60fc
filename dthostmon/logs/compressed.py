"""Rotated files that were compressed, read as if they were plain: unpacked here, so a host pays for its bytes alone.

A host may send anything: a piece is unpacked in bounded steps, and what unpacks to too much is unreadable.
"""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from dthostmon.errors import FileUnfinishedError, FileUnreadableError
from dthostmon.transport import DirectoryEntry, FileReader, FileStat
from dthostmon.transport.threads import DaemonThreads

PIECE_BYTES = 1024 * 1024  # what is fetched at a time
STEP_BYTES = 1024 * 1024  # what is unpacked at a time
KEPT_BYTES = 128 * 1024  # what is kept from where a reader looked first: what came since a visit is seldom more
LARGEST_PACKED = 256 * 1024 * 1024
LARGEST_UNPACKED = 4 * 1024 * 1024 * 1024
XZ_MEMORY_BYTES = 80 * 1024 * 1024  # xz -9 needs 65 MiB
ZSTD_WINDOW_BYTES = 8 * 1024 * 1024  # the largest that zstd makes without --long and --ultra
ZSTD_SLICE_BYTES = 256  # zstandard has no bounded step; so few bytes hold at most 85 blocks of 128 KiB
UNPACKERS = 2

COMPRESSED = re.compile(r"(?P<plain>.+)\.(?P<kind>gz|xz|zst|bz2|lz4)")

_threads = DaemonThreads("unpack", UNPACKERS)


class _Decoder(Protocol):
    """One member of a compressed file, as the standard library's bz2 and lzma decompress it."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _GzipMember:
    """zlib's decoder with the interface of bz2's and lzma's."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self._is_short = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return self._is_short and not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        step = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self._is_short = len(step) < max_length  # else more may be waiting inside
        return step


class _ZstdFrame:
    """zstandard's decoder with the same interface; `max_length` is kept roughly, by feeding little at a time."""

    def __init__(self) -> None:
        import zstandard

        self._inner = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES).decompressobj()
        self._waiting = b""
        self._at = 0  # so far of what waits was taken

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return self._at >= len(self._waiting)

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data + self._waiting[self._at :]

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        import zstandard

        if data:
            self._waiting, self._at = self._waiting[self._at :] + data, 0
        steps = bytearray()
        while not self.needs_input and not self.eof and len(steps) < max_length:
            part = self._waiting[self._at : self._at + ZSTD_SLICE_BYTES]
            self._at += len(part)
            try:
                steps += self._inner.decompress(part)
            except zstandard.ZstdError as exc:  # loaded where it is used
                raise ValueError(str(exc)) from exc
        return bytes(steps)


@dataclass(frozen=True, slots=True)
class _Kind:
    """A way of compressing: the bytes that begin each member of a file, and what decodes one."""

    magic: bytes
    make_decoder: Callable[[], _Decoder]


_KINDS = {
    "gz": _Kind(b"\x1f\x8b", _GzipMember),
    "xz": _Kind(b"\xfd7zXZ\0", partial(lzma.LZMADecompressor, memlimit=XZ_MEMORY_BYTES)),
    "bz2": _Kind(b"BZh", bz2.BZ2Decompressor),
    "zst": _Kind(b"\x28\xb5\x2f\xfd", _ZstdFrame),
}
_BROKEN = (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError)


class _Unpacking:
    """One pass through a compressed file: counts what it unpacks to, and keeps some bytes of it."""

    def __init__(self, kind: _Kind, start: int, length: int) -> None:
        self._kind = kind
        self._decoder = kind.make_decoder()
        self._between = b""  # what followed the last member and is not known to be another
        self.start = start
        self.length = length
        self.size = 0
        self.kept = bytearray()

    @property
    def is_whole(self) -> bool:
        """Whether the last member that began has ended."""
        return self._decoder.eof

    def take(self, piece: bytes) -> None:
        """Unpack the next piece of the file. Raises the decoder's own errors."""
        for step in self._steps(piece):
            begin = max(0, self.start - self.size)
            end = max(0, self.start + self.length - self.size)
            self.kept += step[begin:end]
            self.size += len(step)
            if self.size > LARGEST_UNPACKED:
                return

    def _steps(self, piece: bytes) -> Iterator[bytes]:
        """Yield what a piece unpacks to, in steps of a bounded size."""
        while piece or not (self._decoder.eof or self._decoder.needs_input):
            if self._decoder.eof:
                piece = self._next_member(piece)
                if not piece:
                    return
            step = self._decoder.decompress(piece, STEP_BYTES)
            piece = self._decoder.unused_data if self._decoder.eof else b""
            yield step

    def _next_member(self, piece: bytes) -> bytes:
        """Make ready for the next member and return its first bytes; nothing where padding or rubbish follows."""
        self._between = (self._between + piece).lstrip(b"\0")
        if not self._between.startswith(self._kind.magic):
            self._between = self._between[: len(self._kind.magic)]
            return b""
        first, self._between = self._between, b""
        self._decoder = self._kind.make_decoder()
        return first


@dataclass(slots=True)
class UnpackedFiles:
    """A host's files, the compressed ones among them as what they unpack to. `stat` and `read` of those cost a pass
    through the file each, unless what is asked was kept from the pass before: look where you will read first.
    """

    files: FileReader
    _passes: dict[str, _Unpacking] = field(default_factory=dict)

    async def stat(self, path: str) -> FileStat | None:
        """See `FileReader`; the size of a compressed file is what it unpacks to."""
        found = await self.files.stat(path)
        if found is None or not found.regular or not is_compressed(path):
            return found
        done = self._passes.get(path) or await self._unpack(path, 0, KEPT_BYTES)
        return replace(found, size=done.size)

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        """See `FileReader`; sizes are those on the disk."""
        return await self.files.list(directory)

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """See `FileReader`."""
        if not is_compressed(path):
            return await self.files.read(path, offset, length)
        done = self._passes.get(path)
        if done is None or not _was_kept(done, offset, length):
            done = await self._unpack(path, offset, max(length, KEPT_BYTES))
        return bytes(done.kept[offset - done.start : offset - done.start + length])

    async def _unpack(self, path: str, start: int, length: int) -> _Unpacking:
        """Go through a compressed file once. Raises FileUnreadableError for one that is broken, unfinished or too
        large.
        """
        unpacking = _Unpacking(_kind_of(path), start, length)
        packed = 0
        while piece := await self.files.read(path, packed, PIECE_BYTES):
            packed += len(piece)
            try:
                await _threads.run(partial(unpacking.take, piece))
            except _BROKEN as exc:
                raise FileUnreadableError(path, f"it cannot be unpacked: {exc}") from exc
            if packed > LARGEST_PACKED or unpacking.size > LARGEST_UNPACKED:
                raise FileUnreadableError(path, "it is larger than is unpacked")
        if not unpacking.is_whole:
            raise FileUnfinishedError(path, "its end is missing")
        self._passes = {path: unpacking}  # one at a time: each may hold as much as a log's cap
        return unpacking


def is_compressed(path: str) -> bool:
    """Tell by its name whether a file is compressed."""
    return COMPRESSED.fullmatch(path) is not None


def _kind_of(path: str) -> _Kind:
    found = COMPRESSED.fullmatch(path)
    suffix = found["kind"] if found else ""
    if suffix not in _KINDS:
        raise FileUnreadableError(path, f"{suffix} files are not unpacked; {', '.join(_KINDS)} files are")
    return _KINDS[suffix]


def _was_kept(done: _Unpacking, offset: int, length: int) -> bool:
    end = min(offset + length, done.size)
    return done.start <= offset and end <= done.start + len(done.kept)
