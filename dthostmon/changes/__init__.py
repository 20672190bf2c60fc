"""What changed on a host: from what is there before and after to changes in words, findings, and what broke what."""

from dthostmon.changes.comparison import differences, merged
from dthostmon.changes.relation import WINDOW, with_changes
from dthostmon.changes.states import acceptable, lasting, state_findings
from dthostmon.changes.table import entries
from dthostmon.changes.telling import ToldChange, tell

__all__ = [
    "WINDOW",
    "ToldChange",
    "acceptable",
    "differences",
    "entries",
    "lasting",
    "merged",
    "state_findings",
    "tell",
    "with_changes",
]
