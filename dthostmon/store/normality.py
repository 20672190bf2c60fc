"""Templates that somebody called normal on a host, each until some day."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from dthostmon.store import hosts
from dthostmon.store.connection import Connection
from dthostmon.store.engine import Database
from dthostmon.store.tables import hosts as hosts_table
from dthostmon.store.tables import templates


@dataclass(frozen=True, slots=True)
class NormalTemplate:
    """A template that is called normal on a host."""

    host: str
    template_id: str
    text: str
    until: datetime


async def mark(database: Database, host: str, template_id: str, until: datetime | None) -> bool:
    """Call a template of a host normal until then, None = no longer; False where the host never had it."""
    return await database.write(partial(_mark, host, template_id, until))


async def _mark(name: str, template_id: str, until: datetime | None, connection: Connection) -> bool:
    host = await hosts.find(connection, name)
    if host is None:
        return False
    here = (templates.c.host_id == host.id, templates.c.template_id == template_id)
    marked = await connection.execute(sa.update(templates).where(*here).values(normal_until=until))
    return marked.rowcount == 1


async def load(database: Database, at: datetime, host: str | None) -> tuple[NormalTemplate, ...]:
    """Return what is called normal at that time, on one host or on all."""
    return await database.read(partial(_load, at, host))


async def _load(at: datetime, host: str | None, connection: Connection) -> tuple[NormalTemplate, ...]:
    columns = (hosts_table.c.name, templates.c.template_id, templates.c.text, templates.c.normal_until)
    query = sa.select(*columns).join(hosts_table, hosts_table.c.id == templates.c.host_id)
    query = query.where(templates.c.normal_until > at).order_by(hosts_table.c.name, templates.c.template_id)
    if host is not None:
        query = query.where(hosts_table.c.name == host)
    return tuple(NormalTemplate(*row) for row in await connection.execute(query))
