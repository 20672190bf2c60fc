"""What is on hosts, probe by probe: each content is stored once, whichever hosts have it, and a mark tells whether it
is still as it was.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache, partial
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from dthostmon import model
from dthostmon.model import Inventory, StoredInventory, Thing, ThingKind
from dthostmon.store.columns import safe_json
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import insert
from dthostmon.store.engine import Database
from dthostmon.store.tables import host_inventories, hosts, inventories

ZSTD_LEVEL = 3
MAX_CONTENT_BYTES = 64 * 2**20  # of one inventory unpacked: no probe tells more

_MARKS = sa.select(host_inventories.c.probe, host_inventories.c.mark, host_inventories.c.lasting).where(
    host_inventories.c.host_id == sa.bindparam("host")
)
_CLASSES = {
    kind: made for made in vars(model).values() if isinstance(made, type) and (kind := getattr(made, "kind", None))
}


@dataclass(frozen=True, slots=True)
class KnownInventories:
    """What each visit wants to know of inventories, by probe: their marks, and the things that it looks at again."""

    marks: Mapping[str, str]
    lasting: Mapping[str, tuple[Thing, ...]]


async def known(connection: Connection, host_id: int) -> KnownInventories:
    """Return what is known of a host's inventories, without what is in them."""
    found = (await connection.execute(_MARKS, {"host": host_id})).all()
    return KnownInventories(
        {row.probe: row.mark for row in found}, {row.probe: _things(row.lasting) for row in found if row.lasting}
    )


async def load(database: Database, host: str, probes: Sequence[str] | None = None) -> Mapping[str, StoredInventory]:
    """Return what some probes found on a host, or all of them; a probe that never told is absent."""
    query = (
        sa.select(host_inventories, inventories.c.content)
        .join(hosts, host_inventories.c.host_id == hosts.c.id)
        .join(inventories, host_inventories.c.digest == inventories.c.digest)
        .where(hosts.c.name == host)
    )
    if probes is not None:
        query = query.where(host_inventories.c.probe.in_(probes))
    found = await database.rows(query)
    return {row.probe: StoredInventory(row.mark, _unpacked(row.content), _things(row.lasting)) for row in found}


async def save(connection: Connection, host_id: int, found: Mapping[str, StoredInventory], at: datetime) -> None:
    """Keep what probes found on a host in the place of what they found before."""
    if not found:
        return
    packed = {probe: _packed(stored.inventory) for probe, stored in found.items()}
    database = connection.dialect.name
    contents = {digest: {"digest": digest, "content": content, "stored_at": at} for digest, content in packed.values()}
    await connection.execute(insert(database, inventories).on_conflict_do_nothing(), list(contents.values()))
    rows = [
        {
            "host_id": host_id,
            "probe": probe,
            "mark": stored.mark,
            "digest": packed[probe][0],
            "lasting": list(map(_document, stored.lasting)),
        }
        for probe, stored in found.items()
    ]
    await connection.execute(_saving(database), rows)


@cache
def _saving(database: str) -> sa.Insert:
    new = insert(database, host_inventories)
    changed = {name: new.excluded[name] for name in ("mark", "digest", "lasting")}
    keys = [host_inventories.c.host_id, host_inventories.c.probe]
    return new.on_conflict_do_update(index_elements=keys, set_=changed)


async def prune(database: Database) -> int:
    """Delete the contents that no host has any more; return how many went."""
    used = sa.select(host_inventories.c.digest)
    statement = sa.delete(inventories).where(inventories.c.digest.not_in(used))
    deleted: int = (await database.write(partial(_execute, statement))).rowcount
    return deleted


async def _execute(statement: sa.Delete, connection: Connection) -> Any:
    return await connection.execute(statement)


def _packed(inventory: Inventory) -> tuple[str, bytes]:
    """Return an inventory as bytes, and their digest."""
    import zstandard

    document = {
        "kinds": sorted(inventory.kinds),
        "scope": inventory.scope,
        "missing": dict(sorted(inventory.missing.items())),
        "unseen": {kind: dict(sorted(parts.items())) for kind, parts in sorted(inventory.unseen.items())},
        "things": [_document(thing) for thing in inventory.things],
    }
    raw = json.dumps(safe_json(document), separators=(",", ":"), ensure_ascii=True).encode("ascii")
    return sha256(raw).hexdigest(), zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(raw)


def _document(thing: Thing) -> Mapping[str, Any]:
    named = {field.name: getattr(thing, field.name) for field in fields(thing)}  # type: ignore[arg-type]  # each is a dataclass
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in named.items()}
    return {"kind": thing.kind, **told}


def _unpacked(content: bytes) -> Inventory:
    import zstandard

    document = json.loads(zstandard.ZstdDecompressor().decompress(content, max_output_size=MAX_CONTENT_BYTES))
    return Inventory(
        things=_things(document["things"]),
        missing={ThingKind(kind): reason for kind, reason in document["missing"].items() if kind in _CLASSES},
        scope=document["scope"],
        unseen={ThingKind(kind): parts for kind, parts in document.get("unseen", {}).items() if kind in _CLASSES},
        kinds=frozenset(ThingKind(kind) for kind in document["kinds"] if kind in _CLASSES),
    )


def _things(stored: Sequence[dict[str, Any]]) -> tuple[Thing, ...]:
    return tuple(thing for one in stored if (thing := _thing(one)))


def _thing(stored: dict[str, Any]) -> Thing | None:
    """Build a thing; None where another version knew a kind that this one does not, and fields alike."""
    made = _CLASSES.get(stored["kind"])
    if made is None:
        return None
    known = {field.name for field in fields(made)}
    thing: Thing = made(**{name: _value(name, value) for name, value in stored.items() if name in known})
    return thing


def _value(name: str, stored: Any) -> Any:
    """Build a field: JSON has neither tuples nor times, and the names of times end in `at`."""
    if isinstance(stored, list):
        return tuple(stored)
    is_time = name == "at" or name.endswith("_at")
    return datetime.fromisoformat(stored) if is_time and isinstance(stored, str) else stored
