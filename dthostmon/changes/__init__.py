"""What changed on a host: from what is there before and after to changes in words, findings, and what broke what."""

from dthostmon.changes.comparison import differences, merged
from dthostmon.changes.relation import with_changes
from dthostmon.changes.table import entries
from dthostmon.changes.telling import ToldChange, tell

__all__ = ["ToldChange", "differences", "entries", "merged", "tell", "with_changes"]
