"""Opinions that were given before on the very same records."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from dthostmon.model import Opinion

OPINION_LIFETIME = timedelta(hours=24)
MAX_OPINIONS = 500  # in memory: about 3 KB each


@dataclass(frozen=True, slots=True)
class KnownOpinion:
    """A validated opinion with the names of the provider and the model that gave it."""

    opinion: Opinion
    provider: str
    model: str


class OpinionCache(Protocol):
    """Keeps opinions for OPINION_LIFETIME. `key` stands for the canonical records of a question. Raises StoreError."""

    async def get(self, key: str, now: datetime) -> KnownOpinion | None:
        """Return the opinion of a key; None where it is not known or too old."""

    async def put(self, key: str, known: KnownOpinion, now: datetime) -> None:
        """Keep an opinion."""


class MemoryOpinionCache:
    """Keeps the opinions that were used last, until the process ends."""

    def __init__(self, limit: int = MAX_OPINIONS) -> None:
        self._limit = limit
        self._opinions: OrderedDict[str, tuple[datetime, KnownOpinion]] = OrderedDict()

    async def get(self, key: str, now: datetime) -> KnownOpinion | None:
        """See `OpinionCache`."""
        since, known = self._opinions.get(key, (None, None))
        if since is None or not is_fresh(since, now):
            return None
        self._opinions.move_to_end(key)
        return known

    async def put(self, key: str, known: KnownOpinion, now: datetime) -> None:
        """See `OpinionCache`; the one that was not used for longest makes room."""
        self._opinions[key] = (now, known)
        self._opinions.move_to_end(key)
        if len(self._opinions) > self._limit:
            self._opinions.popitem(last=False)


def is_fresh(since: datetime, now: datetime) -> bool:
    """Say whether an opinion may still be used; one from the future, after a clock was set back, ages as well."""
    return abs(now - since) < OPINION_LIFETIME
