"""Facts about a host: each probe is some commands and a pure parser; all of a visit's commands run in one exec."""

from dthostmon.facts.gather import Answers, Wanted, ask, gather
from dthostmon.facts.inventories import INVENTORIES
from dthostmon.facts.zone import zone_of

__all__ = ["INVENTORIES", "Answers", "Wanted", "ask", "gather", "zone_of"]
