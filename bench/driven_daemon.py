"""`dthostmon run` whose cycles also start at SIGUSR1, so that a benchmark need not wait for the interval.

All else is the program itself: the command line, the store, the lock, the API, the scheduler and its jobs.
"""

import asyncio
import signal
from collections.abc import Iterable

from dthostmon.__main__ import main
from dthostmon.app import daemon
from dthostmon.app.schedule import Schedule


class DrivenSchedule(Schedule):
    """A schedule that calls all its cycles due when the signal comes."""

    def start(self, intervals: Iterable[float]) -> None:
        """See `Schedule`."""
        armed = frozenset(intervals)
        super().start(armed)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._start_all, armed)

    def _start_all(self, intervals: frozenset[float]) -> None:
        self.arm(())
        self.arm(intervals)  # a new job is due at once


if __name__ == "__main__":
    daemon.Schedule = DrivenSchedule
    main()
