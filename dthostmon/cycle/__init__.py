"""One check of one host, and one pass over the hosts that are due.

Knows nothing of the scheduler, the web or the terminal: what it needs of the store and the transport comes in as
arguments.
"""

from dthostmon.cycle.check import check_host
from dthostmon.cycle.checks import HostChecks
from dthostmon.cycle.parts import Parts, RunStore
from dthostmon.cycle.passes import run_cycle
from dthostmon.cycle.visit import make_coverage

__all__ = ["HostChecks", "Parts", "RunStore", "check_host", "make_coverage", "run_cycle"]
