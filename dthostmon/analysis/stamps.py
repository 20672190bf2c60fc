"""When lines were written, stamp by stamp: most lines have theirs in common with others, and to read one takes long."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from dthostmon import templates
from dthostmon.analysis.moment import Moment

MAX_STAMPS = 10_000
NO_MOMENT = Moment(datetime(1970, 1, 1, tzinfo=UTC))

_SECONDS = {f"{second:02}": timedelta(seconds=second) for second in range(60)}
_FIRST, _LAST = "00", "59"


class Moments(NamedTuple):
    """When a line was written, as it says, and the seconds since 1970 that count: the visit's where it says nothing."""

    told: datetime | None
    seconds: float


class Stamps:
    """The stamps of one visit. Without a moment no line has a time. Full, it forgets: that changes no result."""

    def __init__(self, moment: Moment | None) -> None:
        self._moment = moment
        self._untold = Moments(None, (moment or NO_MOMENT).now.timestamp())
        self._known: dict[str, Moments] = {}
        self._minutes: dict[str, datetime | None] = {}

    def of_line(self, text: str) -> Moments:
        """Return when a cleaned line was written."""
        if self._moment is None:
            return self._untold
        stamp = templates.leading_stamp(text)
        return self._made(self._moment.of(text)) if stamp is None else self.of_stamp(stamp)

    def of_stamp(self, stamp: str) -> Moments:
        """Return the time of the beginning of a line, up to where its stamp ends."""
        return self._known.get(stamp) or self._read(stamp)

    def _read(self, stamp: str) -> Moments:
        if len(self._known) >= MAX_STAMPS:
            self._known.clear()
            self._minutes.clear()
        known = self._known[stamp] = self._made(self._told(stamp))
        return known

    def _made(self, told: datetime | None) -> Moments:
        return self._untold if told is None else Moments(told, told.timestamp())

    def _told(self, stamp: str) -> datetime | None:
        if self._moment is None:
            return None
        begin, second = stamp[:-2], _SECONDS.get(stamp[-2:])
        if second is None or begin[-1:] != ":":
            return self._moment.of(stamp)
        if begin not in self._minutes:
            self._minutes[begin] = _minute(self._moment, begin)
        minute = self._minutes[begin]
        return self._moment.of(stamp) if minute is None else minute + second


def _minute(moment: Moment, begin: str) -> datetime | None:
    """Return the time that stamps with this beginning count their seconds from; None where they do no such thing.

    What stands at the end may be the minutes of a zone, and a minute may lie on the border of two years.
    """
    first, last = moment.of(begin + _FIRST), moment.of(begin + _LAST)
    return first if first and last and last - first == _SECONDS[_LAST] else None
