"""How many lines an hour a template usually has on a host, and by how much that varies. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dthostmon.model import History, Rates, TemplateCount

HOUR_SECONDS = 3600.0
WEEK_HOURS = 168
WEEKS = 4
RECENT_HOURS = 24
MIN_WEEKS = 3
MIN_RECENT = 8
MAX_SECONDS = 7 * 86400.0
# makes the median absolute deviation comparable to a standard deviation (of normal data)
MAD_SCALE = 1.4826


@dataclass(frozen=True, slots=True)
class Usual:
    """The usual lines an hour, and how far from it is ordinary."""

    median: float
    deviation: float


def new_rates(seen: Sequence[TemplateCount], history: History, now: datetime) -> Mapping[str, Rates]:
    """Return the rates of the templates of this visit; none on a first visit, whose time nobody knows."""
    if history.last_run_at is None:
        return {}
    seconds = min(max((now - history.last_run_at).total_seconds(), 1.0), MAX_SECONDS)
    hour = int(now.timestamp() // HOUR_SECONDS)
    return {entry.template.id: _advanced(_of(entry, history), entry.count, seconds, hour) for entry in seen}


def _of(entry: TemplateCount, history: History) -> Rates | None:
    known = history.templates.get(entry.template.id)
    return known.rates if known else None


def _advanced(rates: Rates | None, count: int, seconds: float, hour: int) -> Rates:
    if rates is None:
        return Rates(hour, count, seconds)
    if rates.hour == hour:
        return replace(rates, count=rates.count + count, seconds=rates.seconds + seconds)
    rate = hourly(rates)
    recent = (rate, *rates.recent)[:RECENT_HOURS]
    week = _with(rates.week, rates.hour, rate) if rates.week or len(recent) == RECENT_HOURS else ()
    return Rates(hour, count, seconds, recent, week)


def _with(week: Sequence[float], hour: int, rate: float) -> tuple[float, ...]:
    """Return the rates by hour of the week with a new one in front of that hour's."""
    slots = list(week) or [math.nan] * (WEEK_HOURS * WEEKS)
    start = hour % WEEK_HOURS * WEEKS
    slots[start : start + WEEKS] = [rate, *slots[start : start + WEEKS - 1]]
    return tuple(slots)


def hourly(rates: Rates) -> float:
    """Return the lines an hour of the newest hour: what an hour that is not over had so far is the least it has."""
    return rates.count / max(1.0, rates.seconds / HOUR_SECONDS)


def usual(rates: Rates) -> Usual | None:
    """Return what is usual at this hour of the week, or lately where too few weeks are known; None = nobody knows."""
    start = rates.hour % WEEK_HOURS * WEEKS
    same_hour = [rate for rate in rates.week[start : start + WEEKS] if not math.isnan(rate)]
    if len(same_hour) >= MIN_WEEKS:
        return _usual(same_hour)
    return _usual(rates.recent) if len(rates.recent) >= MIN_RECENT else None


def _usual(rates: Sequence[float]) -> Usual:
    import statistics  # with fractions and decimals, for hosts that have been watched for hours

    median = statistics.median(rates)
    return Usual(median, MAD_SCALE * statistics.median(abs(rate - median) for rate in rates))
