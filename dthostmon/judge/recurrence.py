"""What a host was asked about lately: what comes again and again is not asked about at every visit."""

from collections import OrderedDict, deque
from collections.abc import Collection
from datetime import datetime, timedelta

from dthostmon.judge.cache import is_fresh
from dthostmon.model import History

MAX_TIMES = 3  # that one matter of a host is asked about within OPINION_LIFETIME
MAX_MATTERS = 5000  # of all hosts together, about 500 bytes each
WATCHED = timedelta(hours=24)  # how long a host is watched before anything is left unasked

Matter = tuple[str, ...]


class Recurrence:
    """When each matter was asked about last, until the process ends: after that, it is asked about again."""

    def __init__(self, limit: int = MAX_MATTERS) -> None:
        self._limit = limit
        self._asked: OrderedDict[tuple[str, Matter], deque[datetime]] = OrderedDict()

    def has_enough(self, host: str, matters: Collection[Matter], history: History, now: datetime) -> bool:
        """Tell whether each of these matters was asked about often enough. A host of a day is asked about always."""
        if not matters or history.first_run_at is None or now - history.first_run_at < WATCHED:
            return False
        return all(self._times(host, matter, now) >= MAX_TIMES for matter in matters)

    def note(self, host: str, matters: Collection[Matter], now: datetime) -> None:
        """Remember that a model has judged them; those that were not asked about for longest make room."""
        for matter in matters:
            self._asked.setdefault((host, matter), deque(maxlen=MAX_TIMES)).append(now)
            self._asked.move_to_end((host, matter))
        while len(self._asked) > self._limit:
            self._asked.popitem(last=False)

    def _times(self, host: str, matter: Matter, now: datetime) -> int:
        return sum(is_fresh(since, now) for since in self._asked.get((host, matter), ()))
