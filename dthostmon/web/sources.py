"""What the routes read from; the composition root fills it in."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from dthostmon.model import Host
from dthostmon.reports.documents import Document
from dthostmon.store import Store


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of /health: 200 where `is_healthy`, else 503."""

    is_healthy: bool
    document: Document


@dataclass(frozen=True, slots=True)
class Sources:
    """The store, the hosts of the configuration in force, the daemon's own health, and the clock."""

    store: Store
    hosts: Callable[[], Sequence[Host]]
    health: Callable[[], Awaitable[Health]]
    clock: Callable[[], datetime]


SOURCES = web.AppKey("sources", Sources)
