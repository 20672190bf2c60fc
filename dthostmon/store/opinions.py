"""Opinions of models, kept for a while by what they were asked: the same question need not be asked again."""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

import sqlalchemy as sa

from dthostmon.model import Confidence, Opinion, OpinionFinding, Severity
from dthostmon.store.columns import AnyRow
from dthostmon.store.connection import Connection
from dthostmon.store.dialect import insert
from dthostmon.store.engine import Database
from dthostmon.store.tables import opinions


@dataclass(frozen=True, slots=True)
class StoredOpinion:
    """An opinion, the provider and the model that gave it, and when."""

    opinion: Opinion
    provider: str
    model: str
    answered_at: datetime


async def load(database: Database, key: str, since: datetime) -> StoredOpinion | None:
    """Return the opinion that was given on a question at `since` or later; None where there is none."""
    query = sa.select(opinions).where(opinions.c.key == key, opinions.c.answered_at >= since)
    found = await database.rows(query)
    return _stored(found[0]) if found else None


def _stored(row: AnyRow) -> StoredOpinion:
    return StoredOpinion(_opinion(row.opinion), row.provider, row.model, row.answered_at)


async def save(database: Database, key: str, stored: StoredOpinion) -> None:
    """Keep an opinion in the place of an older one on the same question."""
    await database.write(partial(_save, key, stored))


async def _save(key: str, stored: StoredOpinion, connection: Connection) -> None:
    row = {
        "key": key,
        "opinion": asdict(stored.opinion),
        "provider": stored.provider,
        "model": stored.model,
        "answered_at": stored.answered_at,
    }
    await connection.execute(_saving(connection.dialect.name), row)


@cache
def _saving(database: str) -> sa.Insert:
    new = insert(database, opinions)
    changed = {name: new.excluded[name] for name in ("opinion", "provider", "model", "answered_at")}
    return new.on_conflict_do_update(index_elements=[opinions.c.key], set_=changed)


def _opinion(stored: dict[str, Any]) -> Opinion:
    findings = tuple(map(_finding, stored["findings"]))
    severity, recommendations = Severity(stored["severity"]), tuple(stored["recommendations"])
    return Opinion(**{**stored, "findings": findings, "severity": severity, "recommendations": recommendations})


def _finding(stored: dict[str, Any]) -> OpinionFinding:
    severity, confidence = Severity(stored["severity"]), Confidence(stored["confidence"])
    return OpinionFinding(
        **{**stored, "evidence": tuple(stored["evidence"]), "severity": severity, "confidence": confidence}
    )
