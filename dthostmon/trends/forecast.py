"""When something that grows will be full. Pure.

The growth is taken apart into blocks of a day, or of a sixth of what was seen where that is less than four days, since
what fills a disk comes and goes with the day. What the blocks grew by is what the next ones may grow by: their mean and
their spread make an interval (of a random walk with a drift that is known as well as so many blocks tell). So do the
later half and the last few of them alone, for what has changed its pace, and a growth that itself grows or shrinks. The
interval that covers all of these is stated, and only where it is narrow enough to act on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, isfinite, sqrt
from statistics import fmean, median, stdev
from typing import NamedTuple

DAY_SECONDS = 86400.0
WEEK_SECONDS = 7 * DAY_SECONDS
# of less than a week nobody knows whether its days off were seen: they may be to come, or all that was seen
DAYS_OFF_SECONDS = 2 * DAY_SECONDS
WORKING_DAYS = 7 / 5
FEWEST_SAMPLES = 24
FEWEST_BLOCKS = 3
BLOCKS_OF_LESS = 6
BLOCKS_OF_TIDES = 4
DAYS_FOR_DAYS = 4
FARTHEST = 3.0  # times what was seen: nobody knows more
MAX_WIDTH = 4.0  # latest / earliest: what is less sure is not worth a word
LEAST_GROWTH = 0.02  # of the capacity, over all that was seen: less is noise, or years away
SURE_OF_CHANGE = 1.5  # standard errors: from there on growth itself may grow or shrink
STEPS = 400  # in which the future is gone through
# Student's t for 95 % on one side at so many degrees of freedom: tables of the distribution
_T = {1: 6.31, 2: 2.92, 3: 2.35, 4: 2.13, 5: 2.02, 6: 1.94, 7: 1.89, 8: 1.86, 9: 1.83, 10: 1.81, 11: 1.80, 12: 1.78}
_T_OF_MANY = 1.75


class Sample(NamedTuple):
    """How much was used at a time, in seconds since whenever."""

    at: float
    used: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Full in `earliest` to `latest` seconds from the last sample."""

    earliest: float
    latest: float


def time_to_full(samples: Sequence[Sample], capacity: float) -> Forecast | None:
    """Return when `capacity` will be reached, None where that cannot be told: the times are in order."""
    if len(samples) < FEWEST_SAMPLES or not all(map(isfinite, (capacity, *(used for _, used in samples)))):
        return None
    span = samples[-1].at - samples[0].at
    block = DAY_SECONDS if span >= DAYS_FOR_DAYS * DAY_SECONDS else span / BLOCKS_OF_LESS
    blocks = _blocks(samples, block) if block > 0 else []
    growth = [later - earlier for earlier, later in pairwise(map(_level, blocks))]
    left = capacity - samples[-1].used
    if len(growth) < FEWEST_BLOCKS or left <= 0 or sum(growth) < LEAST_GROWTH * capacity:
        return None
    found = _covering(growth, left, FARTHEST * span / block)
    if found is None:
        return None
    tide = _tide(blocks[-BLOCKS_OF_TIDES:]) / fmean(growth)
    earliest, latest = max(0.0, found[0] - tide) * block, (found[1] + tide) * block
    if span < WEEK_SECONDS and latest > DAY_SECONDS:
        earliest, latest = _with_days_off(earliest, latest)
    if latest > FARTHEST * span or latest > MAX_WIDTH * max(earliest, 1e-9 * block):
        return None
    return Forecast(earliest, latest)


def _level(block: Sequence[Sample]) -> float:
    return median(sample.used for sample in block)


def _covering(growth: Sequence[float], left: float, farthest: float) -> tuple[float, float] | None:
    """Return in how many blocks the rest is used up, at the earliest and at the latest of all ways it may go on.

    None where it may never be.
    """
    later, latest_few = growth[len(growth) // 2 :], growth[-max(FEWEST_BLOCKS, len(growth) // 4) :]
    paths = (_steady(growth), _steady(later), _steady(latest_few), _changing(growth))
    found = [_reached(path, left, farthest) for path in paths if path]
    told = [one for one in found if one]
    return (min(one[0] for one in told), max(one[1] for one in told)) if len(told) == len(found) else None


def _with_days_off(earliest: float, latest: float) -> tuple[float, float]:
    """Widen an interval of seconds: what was seen may be working days alone, and each week to come has days off."""
    return earliest / WORKING_DAYS, latest + ceil(latest / WEEK_SECONDS) * DAYS_OFF_SECONDS


def _blocks(samples: Sequence[Sample], block: float) -> list[list[Sample]]:
    """Return the samples of each block, counted back from the last one, the oldest first.

    The oldest is left out where it is not whole: its level would be that of its end. So are blocks without a sample.
    """
    end = samples[-1].at
    whole = int((end - samples[0].at) / block)
    by_block: dict[int, list[Sample]] = {}
    for sample in samples:
        by_block.setdefault(int((end - sample.at) / block), []).append(sample)
    return [by_block[number] for number in sorted(by_block, reverse=True) if number < max(1, whole)]


def _tide(blocks: Sequence[Sequence[Sample]]) -> float:
    """Return how far what is used lies from an even growth within a block, at most: a day has its own tides."""
    return max(abs(sample.used - even) for block in blocks for sample, even in _even(block))


def _even(block: Sequence[Sample]) -> Iterator[tuple[Sample, float]]:
    """Yield each sample with what would be used if the block grew evenly."""
    first, last = block[0], block[-1]
    for sample in block:
        share = (sample.at - first.at) / (last.at - first.at) if last.at > first.at else 0.0
        yield sample, first.used + share * (last.used - first.used)


_Path = Callable[[float, float], float]  # blocks ahead and -1, 0, 1 -> growth until then: at the least, likely, most


def _steady(growth: Sequence[float]) -> _Path:
    """Return how much more there will be if it goes on as it did."""
    mean, spread, count = fmean(growth), stdev(growth), len(growth)
    sure = _T.get(count - 1, _T_OF_MANY) * spread
    return lambda blocks, sign: mean * blocks + sign * sure * sqrt(blocks + blocks * blocks / count)


def _changing(growth: Sequence[float]) -> _Path | None:
    """Return how much more there will be if it goes on to speed up or slow down; None where it does neither."""
    count = len(growth)
    middle, mean = (count - 1) / 2, fmean(growth)
    width = sum((number - middle) ** 2 for number in range(count))
    slope = sum((number - middle) * value for number, value in enumerate(growth)) / width
    left = [value - mean - slope * (number - middle) for number, value in enumerate(growth)]
    spread = sqrt(sum(value * value for value in left) / max(1, count - 2))
    if abs(slope) < SURE_OF_CHANGE * spread / sqrt(width):
        return None
    last = mean + slope * (count - middle)
    sure = _T.get(count - 2, _T_OF_MANY) * spread

    def path(blocks: float, sign: float) -> float:
        doubt = sure * sqrt(blocks + blocks * blocks * 4 / count) + abs(slope) * blocks * blocks / 4
        return last * blocks + slope * blocks * blocks / 2 + sign * doubt

    return path


def _reached(path: _Path, left: float, farthest: float) -> tuple[float, float] | None:
    """Return in how many blocks at the earliest and at the latest the rest is used up; None where it may never be."""
    earliest = _first(lambda blocks: path(blocks, 1.0), left, farthest)
    latest = _first(lambda blocks: path(blocks, -1.0), left, farthest)
    if earliest is None or latest is None:
        return None
    return max(0.0, earliest - farthest / STEPS), latest  # it was reached on the way to there


def _first(level: Callable[[float], float], wanted: float, farthest: float) -> float | None:
    """Return where a level is reached first; None where it is not within reach."""
    for number in range(STEPS + 1):
        if level(number * farthest / STEPS) >= wanted:
            return number * farthest / STEPS
    return None
