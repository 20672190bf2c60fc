"""Findings of all runs."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from dthostmon.model import Finding
from dthostmon.store import rows
from dthostmon.store.engine import Database
from dthostmon.store.pages import Page, before, page
from dthostmon.store.tables import findings, hosts


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding with the run that found it; `found_at` is when that run started."""

    finding: Finding
    host: str
    run_id: str
    found_at: datetime


async def history(
    database: Database, host: str | None, since: datetime | None, limit: int, after: str | None
) -> Page[StoredFinding]:
    """Return findings, the newest first: of one host or of all."""
    query = sa.select(findings, hosts.c.name).join(hosts, findings.c.host_id == hosts.c.id)
    query = query.where(before(after, findings.c.found_at, findings.c.id))
    query = query.where(hosts.c.name == host) if host is not None else query
    query = query.where(findings.c.found_at >= since) if since is not None else query
    query = query.order_by(findings.c.found_at.desc(), findings.c.id.desc()).limit(limit + 1)
    found = await database.rows(query)
    stored = [StoredFinding(rows.finding_value(row), row.name, str(row.run_id), row.found_at) for row in found]
    return page(stored, limit, lambda item: (item.found_at, int(item.finding.id or 0)))
