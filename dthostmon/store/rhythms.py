"""When logs had lines, and how long they were silent."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from dthostmon.model import OpenRecords, RecordLine, RecordPart, Rhythm, Template
from dthostmon.store.columns import AnyRow
from dthostmon.store.connection import Connection
from dthostmon.store.tables import logs

COLUMNS = (logs.c.first_lines_at, logs.c.last_lines_at, logs.c.longest_silence, logs.c.open_records)
MAX_OPEN_PROGRAMS = 64  # as many as are followed while a log is read

_SAVE = sa.update(logs).where(logs.c.id == sa.bindparam("log"))


def value(row: AnyRow) -> Rhythm | None:
    """Build a log's rhythm from its row; None where it never had lines."""
    if row.first_lines_at is None:
        return None
    return Rhythm(row.first_lines_at, row.last_lines_at, row.longest_silence or 0.0)


def open_records(row: AnyRow) -> OpenRecords | None:
    """Build what a log's next line may continue from its row."""
    stored = row.open_records
    if not stored:
        return None
    by_program = {program: _line(line) for program, line in stored["by_program"]}
    return OpenRecords(_line(stored["last"]) if stored["last"] else None, by_program)


def _line(stored: Sequence[Any]) -> RecordLine:
    name, text, template_program, part, program, level, has_header = stored
    template = Template(name, text, template_program)
    return RecordLine(template, RecordPart(part), program, level, has_header)


def _stored_line(line: RecordLine) -> list[Any]:
    one = line.template
    return [one.id, one.text, one.program, line.part.value, line.program, line.level, line.has_header]


def _stored(records: OpenRecords | None) -> dict[str, Any] | None:
    if records is None:
        return None
    newest = list(records.by_program.items())[-MAX_OPEN_PROGRAMS:]
    return {
        "last": _stored_line(records.last) if records.last else None,
        "by_program": [[program, _stored_line(line)] for program, line in newest],
    }


async def save(
    connection: Connection,
    log_ids: Mapping[str, int],
    changed: Mapping[str, Rhythm],
    records: Mapping[str, OpenRecords],
) -> None:
    """Store the rhythms of some logs, and what their next lines may continue (both by path)."""
    rows = [
        {
            "log": log_ids[path],
            "first_lines_at": rhythm.first_at,
            "last_lines_at": rhythm.last_at,
            "longest_silence": rhythm.longest_silence,
            "open_records": _stored(records.get(path)),
        }
        for path, rhythm in changed.items()
    ]
    if rows:
        await connection.execute(_SAVE, rows)
