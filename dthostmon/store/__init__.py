"""What outlives a run, in SQLite or PostgreSQL: cursors, runs, findings, the bytes that were read."""

from dthostmon.store.changes import ChangesWanted, StoredChange
from dthostmon.store.chunks import StoredChunk
from dthostmon.store.cycles import CycleRow
from dthostmon.store.findings import StoredFinding
from dthostmon.store.keys import ApiKey
from dthostmon.store.ledger import LedgerEntry, LedgerGap
from dthostmon.store.lock import DaemonLock
from dthostmon.store.normality import NormalTemplate
from dthostmon.store.opinions import StoredOpinion
from dthostmon.store.pages import InvalidPageError, Page
from dthostmon.store.questions import Unjudged
from dthostmon.store.retention import PruneResult
from dthostmon.store.schema import UpgradeResult
from dthostmon.store.series import Point, Series
from dthostmon.store.statistics import StoreStats
from dthostmon.store.store import Store, open_store, upgrade

__all__ = [
    "ApiKey",
    "ChangesWanted",
    "CycleRow",
    "DaemonLock",
    "InvalidPageError",
    "LedgerEntry",
    "LedgerGap",
    "NormalTemplate",
    "Page",
    "Point",
    "PruneResult",
    "Series",
    "Store",
    "StoreStats",
    "StoredChange",
    "StoredChunk",
    "StoredFinding",
    "StoredOpinion",
    "Unjudged",
    "UpgradeResult",
    "open_store",
    "upgrade",
]
