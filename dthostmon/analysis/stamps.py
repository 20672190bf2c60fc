"""When lines were written, stamp by stamp: most lines have theirs in common with others, and to read one takes long."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from dthostmon import templates
from dthostmon.analysis.moment import Moment

MAX_STAMPS = 2_000
NO_MOMENT = Moment(datetime(1970, 1, 1, tzinfo=UTC))

_SECONDS = {f"{second:02}": (timedelta(seconds=second), second) for second in range(60)}
_FIRST, _LAST = "00", "59"


class Moments(NamedTuple):
    """When a line was written, as it says, and the seconds since 1970 that count: the visit's where it says nothing."""

    told: datetime | None
    seconds: float


class Stamps(dict[str, Moments]):
    """When the lines of one visit were written, by their beginning up to where its stamp ends.

    Without a moment no line has a time. Full, it forgets: that changes no result.
    """

    def __init__(self, moment: Moment | None) -> None:
        super().__init__()
        self._moment = moment
        self._untold = Moments(None, (moment or NO_MOMENT).now.timestamp())
        self._minutes: dict[str, tuple[datetime, float] | None] = {}  # with the same as seconds since 1970

    def of_lines(self, texts: Sequence[str]) -> list[Moments]:
        """Return when cleaned lines were written."""
        if self._moment is None:
            return [self._untold] * len(texts)
        of = self._moment.of
        stamps = templates.leading_stamps(texts)
        return [
            self._made(of(text)) if stamp is None else self[stamp] for text, stamp in zip(texts, stamps, strict=True)
        ]

    def __missing__(self, stamp: str) -> Moments:
        if len(self) >= MAX_STAMPS:
            self.clear()
            self._minutes.clear()
        known = self[stamp] = self._untold if self._moment is None else self._read(stamp, self._moment)
        return known

    def _made(self, told: datetime | None) -> Moments:
        return self._untold if told is None else Moments(told, told.timestamp())

    def _read(self, stamp: str, moment: Moment) -> Moments:
        begin, second = stamp[:-2], _SECONDS.get(stamp[-2:])
        if second is None or begin[-1:] != ":":
            return self._made(moment.of(stamp))
        if begin not in self._minutes:
            self._minutes[begin] = _minute(moment, begin)
        minute = self._minutes[begin]
        if minute is None:
            return self._made(moment.of(stamp))
        begin_of_minute, seconds = minute
        return Moments(begin_of_minute + second[0], seconds + second[1])


def _minute(moment: Moment, begin: str) -> tuple[datetime, float] | None:
    """Return the time that stamps with this beginning count their seconds from; None where they do no such thing.

    What stands at the end may be the minutes of a zone, and a minute may lie on the border of two years.
    """
    first, last = moment.of(begin + _FIRST), moment.of(begin + _LAST)
    return (first, first.timestamp()) if first and last and last - first == _SECONDS[_LAST][0] else None
