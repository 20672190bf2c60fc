"""The composition root: builds the parts, runs one cycle or the daemon, and stops everything in order."""

from dthostmon.app.daemon import Daemon, Listening, run_daemon
from dthostmon.app.parts import monitor_once, open_parts, prune

__all__ = ["Daemon", "Listening", "monitor_once", "open_parts", "prune", "run_daemon"]
