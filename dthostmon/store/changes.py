"""What changed on hosts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from dthostmon.model import Change, Severity, ThingKind
from dthostmon.store.columns import AnyRow
from dthostmon.store.connection import Connection
from dthostmon.store.engine import Database
from dthostmon.store.pages import Page, before, page
from dthostmon.store.tables import changes, hosts

RECENT_CHANGES = 500

_SAVE = sa.insert(changes).returning(changes.c.id, sort_by_parameter_order=True)


@dataclass(frozen=True, slots=True)
class ChangesWanted:
    """Which changes: of one host or of all, seen from `since` on, of one kind; None = whichever."""

    host: str | None = None
    since: datetime | None = None
    kind: ThingKind | None = None


@dataclass(frozen=True, slots=True)
class StoredChange:
    """A change, the host that it is of, and the run that saw it."""

    change: Change
    host: str
    run_id: str


async def save(connection: Connection, host_id: int, run_id: int, found: Sequence[Change]) -> Sequence[int]:
    """Store changes; return their ids in order."""
    if not found:
        return ()
    rows = [{"host_id": host_id, "run_id": run_id, **_row(change)} for change in found]
    return list((await connection.execute(_SAVE, rows)).scalars())


async def history(database: Database, wanted: ChangesWanted, limit: int, after: str | None) -> Page[StoredChange]:
    """Return changes, the newest first."""
    query = sa.select(changes, hosts.c.name).join(hosts, changes.c.host_id == hosts.c.id)
    query = query.where(before(after, changes.c.seen_at, changes.c.id))
    if wanted.host is not None:
        query = query.where(hosts.c.name == wanted.host)
    if wanted.since is not None:
        query = query.where(changes.c.seen_at >= wanted.since)
    if wanted.kind is not None:
        query = query.where(changes.c.kind == wanted.kind)
    found = await database.rows(query.order_by(changes.c.seen_at.desc(), changes.c.id.desc()).limit(limit + 1))
    stored = [StoredChange(change_value(row), row.name, str(row.run_id)) for row in found]
    return page(stored, limit, lambda item: (item.change.seen_at, int(item.change.id or 0)))


async def recent(database: Database, host: str, since: datetime) -> Sequence[Change]:
    """Return what changed on a host since a time, the newest first, RECENT_CHANGES at most; without the diffs."""
    columns = [column for column in changes.c if column.name != "diff"]
    query = sa.select(*columns).join(hosts, changes.c.host_id == hosts.c.id).where(hosts.c.name == host)
    query = query.where(changes.c.seen_at >= since).order_by(changes.c.seen_at.desc(), changes.c.id.desc())
    return [change_value(row) for row in await database.rows(query.limit(RECENT_CHANGES))]


def _row(change: Change) -> dict[str, Any]:
    return {
        "seen_at": change.seen_at,
        "happened_at": change.happened_at,
        "kind": change.kind.value,
        "subject": change.subject,
        "before": change.before,
        "after": change.after,
        "sentence": change.sentence,
        "severity": int(change.severity),
        "expected": change.expected,
        "cause": change.cause,
        "diff": change.diff,
        "words": list(change.words),
    }


def change_value(row: AnyRow) -> Change:
    """Build a change from its row."""
    return Change(
        kind=ThingKind(row.kind),
        subject=row.subject,
        before=row.before,
        after=row.after,
        sentence=row.sentence,
        severity=Severity(row.severity),
        expected=row.expected,
        seen_at=row.seen_at,
        cause=row.cause,
        happened_at=row.happened_at,
        diff=getattr(row, "diff", ""),
        words=tuple(row.words),
        id=str(row.id),
    )
