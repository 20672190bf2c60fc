"""Chunks: the very bytes that were read, compressed, in the order they were read."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from functools import partial

import sqlalchemy as sa

from dthostmon.model import LogReading
from dthostmon.store import hosts
from dthostmon.store.columns import AnyRow
from dthostmon.store.connection import Connection
from dthostmon.store.engine import Database
from dthostmon.store.tables import chunks, logs

PIECE_BYTES = 1024 * 1024
PIECES_PER_QUERY = 4
ZSTD_LEVEL = 3
ZSTD = "zstd"

_SAVE = sa.insert(chunks)


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A piece of a log as it was read at `read_at`, the start of its run: at most 1 MiB, in whole lines.

    Only a line that is longer than that is cut.
    """

    path: str
    read_at: datetime
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Piece:
    """One compressed piece of what a visit read; `position` counts the pieces of one log in one visit."""

    path: str
    position: int
    raw_size: int
    data: bytes = field(repr=False)


async def compress(readings: Iterable[LogReading]) -> Sequence[Piece]:
    """Compress what was read, in a thread: 16 MiB take longer than the event loop may wait."""
    full = [reading for reading in readings if reading.data]
    return await asyncio.to_thread(_compress, full) if full else ()


def _compress(readings: Sequence[LogReading]) -> Sequence[Piece]:
    import zstandard

    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    return [
        Piece(reading.path, position, len(part), compressor.compress(part))
        for reading in readings
        for position, part in enumerate(_parts(reading.data))
    ]


def _parts(data: bytes) -> Iterator[memoryview]:
    """Cut data into pieces of whole lines; only a line that is longer than a piece is cut itself."""
    view = memoryview(data)
    start = 0
    while start < len(view):
        end = start + PIECE_BYTES
        if end < len(view):
            end = data.rfind(b"\n", start, end) + 1 or end
        yield view[start:end]
        start = end


def _decompress(codec: str, raw_size: int, data: bytes) -> bytes:
    import zstandard

    if codec != ZSTD:
        raise ValueError(f"a chunk is stored as {codec!r}, which this version of dthostmon cannot read")
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=raw_size)


async def save(
    connection: Connection, host_id: int, log_ids: Mapping[str, int], read_at: datetime, pieces: Iterable[Piece]
) -> None:
    """Store the pieces of one visit."""
    rows = [
        {
            "host_id": host_id,
            "log_id": log_ids[piece.path],
            "read_at": read_at,
            "position": piece.position,
            "codec": ZSTD,
            "raw_size": piece.raw_size,
            "data": piece.data,
        }
        for piece in pieces
    ]
    if rows:
        await connection.execute(_SAVE, rows)


async def read(
    database: Database, host: str, path_glob: str | None, since: datetime | None, until: datetime | None
) -> AsyncIterator[StoredChunk]:
    """Yield a host's chunks in the order they were read, a few at a time, holding no connection in between."""
    host_id, paths = await database.read(partial(_paths, host, path_glob))
    wanted = [chunks.c.host_id == host_id, chunks.c.log_id.in_(paths)]
    wanted += [chunks.c.read_at >= since] if since else []
    wanted += [chunks.c.read_at < until] if until else []
    last = 0
    while paths and (rows := await _next(database, wanted, last)):
        for row in rows:
            data = await asyncio.to_thread(_decompress, row.codec, row.raw_size, row.data)
            yield StoredChunk(paths[row.log_id], row.read_at, data)
        last = rows[-1].id


async def _paths(host: str, path_glob: str | None, connection: Connection) -> tuple[int | None, Mapping[int, str]]:
    known = await hosts.find(connection, host)
    host_id = known.id if known else None
    rows = await connection.execute(sa.select(logs.c.id, logs.c.path).where(logs.c.host_id == host_id))
    return host_id, {row.id: row.path for row in rows if path_glob is None or fnmatchcase(row.path, path_glob)}


async def _next(database: Database, wanted: Sequence[sa.ColumnElement[bool]], last: int) -> Sequence[AnyRow]:
    query = sa.select(chunks).where(*wanted, chunks.c.id > last).order_by(chunks.c.id).limit(PIECES_PER_QUERY)
    return await database.rows(query)
