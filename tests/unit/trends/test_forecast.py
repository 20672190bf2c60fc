"""When a disk will be full: simulated growth that goes on after the forecast, and shows whether it was right."""

import math
import random
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.trends import Forecast, Sample, time_to_full

HOUR = 3600.0
CAPACITY = 100.0
SEEDS = 25
LONGEST_HOURS = 5000


def constant(rate: float, _: random.Random) -> Callable[[int], float]:
    return lambda _: rate


def wandering(rate: float, draw: random.Random) -> Callable[[int], float]:
    return lambda _: rate + draw.gauss(0, 2 * rate)


def by_day(rate: float, _: random.Random) -> Callable[[int], float]:
    return lambda hour: rate * (1 + math.sin(2 * math.pi * hour / 24))


def at_night(rate: float, _: random.Random) -> Callable[[int], float]:
    return lambda hour: 24 * rate if hour % 24 == 3 else 0.0


def on_weekdays(rate: float, _: random.Random) -> Callable[[int], float]:
    return lambda hour: rate if hour // 24 % 7 < 5 else rate / 10


def in_steps(rate: float, draw: random.Random) -> Callable[[int], float]:
    return lambda _: draw.expovariate(1 / (6 * rate)) if draw.random() < 1 / 6 else 0.0


def shifting(rate: float, draw: random.Random) -> Callable[[int], float]:
    at, factor = draw.uniform(24, 240), draw.uniform(0.6, 1.7)
    return lambda hour: rate * factor if hour > at else rate


def speeding_up(rate: float, _: random.Random) -> Callable[[int], float]:
    return lambda hour: rate * math.exp(0.03 * hour / 24)


def slowing_down(rate: float, _: random.Random) -> Callable[[int], float]:
    return lambda hour: rate * math.exp(-0.02 * hour / 24)


def with_a_copy(rate: float, draw: random.Random) -> Callable[[int], float]:
    at = draw.randrange(12, 120)
    return lambda hour: rate + (3 if hour == at else 0)


def with_rotation(rate: float, _: random.Random) -> Callable[[int], float]:
    return lambda hour: 2 * rate - (24 * rate if hour % 24 == 23 else 0)


PATTERNS = [
    *(constant, wandering, by_day, at_night, on_weekdays, in_steps),
    *(shifting, speeding_up, slowing_down, with_a_copy, with_rotation),
]


def grown(pattern: Callable[[float, random.Random], Callable[[int], float]], seed: int) -> tuple[list[Sample], float]:
    """Return what is seen of two days to two weeks, and in how many hours the disk is really full."""
    draw = random.Random(f"{pattern.__name__} {seed}")  # noqa: S311  # a simulation
    seen, used, growth = int(draw.uniform(48, 336)), draw.uniform(20, 50), pattern(draw.uniform(0.05, 0.4), draw)
    noise = draw.choice([0.02, 0.1, 0.5])
    samples: list[Sample] = []
    for hour in range(LONGEST_HOURS):
        used += growth(hour)
        if used >= CAPACITY:
            return samples[:seen], hour - (seen - 1)
        samples.append(Sample(hour * HOUR, used + draw.gauss(0, noise)))
    return samples[:seen], math.inf


def test_growth_is_full_within_the_interval() -> None:
    told = right = 0
    for pattern in PATTERNS:
        for seed in range(SEEDS):
            samples, hours = grown(pattern, seed)
            forecast = time_to_full(samples, CAPACITY) if hours > 1 else None
            if forecast:
                told += 1
                right += forecast.earliest / HOUR - 1 <= hours <= forecast.latest / HOUR + 1
    assert told >= 50
    assert right >= 0.95 * told


def test_steady_growth_is_told_when_its_end_is_near() -> None:
    near = [
        (samples, hours)
        for seed in range(60)
        if 1 < (hours := (grown(constant, seed))[1]) < len(samples := grown(constant, seed)[0])
    ]
    told = [forecast for samples, _ in near if (forecast := time_to_full(samples, CAPACITY))]
    assert len(told) >= 0.9 * len(near) > 10


def flat(draw: random.Random) -> Iterator[float]:
    level = draw.uniform(30, 90)
    while True:
        yield level + draw.gauss(0, 0.3)


def sawtooth(draw: random.Random) -> Iterator[float]:
    level, hours, height = draw.uniform(30, 80), draw.uniform(8, 40), draw.uniform(2, 15)
    for hour in range(LONGEST_HOURS):
        yield level + height * (hour / hours % 1) + draw.gauss(0, 0.05)


def tides(draw: random.Random) -> Iterator[float]:
    level, hours, height = draw.uniform(30, 80), draw.uniform(12, 72), draw.uniform(2, 15)
    for hour in range(LONGEST_HOURS):
        yield level + height * math.sin(2 * math.pi * hour / hours)


@pytest.mark.parametrize("pattern", [flat, sawtooth, tides])
def test_what_comes_and_goes_is_never_told(pattern: Callable[[random.Random], Iterator[float]]) -> None:
    for seed in range(70):
        draw = random.Random(f"{pattern.__name__} {seed}")  # noqa: S311  # a simulation
        seen = draw.randrange(48, 336)
        samples = [Sample(hour * HOUR, used) for hour, used in enumerate(islice(pattern(draw), seen))]
        assert time_to_full(samples, CAPACITY) is None, f"seed {seed}"


def test_a_full_disk_and_a_short_past_are_not_forecast() -> None:
    rising = [Sample(hour * HOUR, 50.0 + hour) for hour in range(20)]
    assert time_to_full(rising, CAPACITY) is None
    assert time_to_full([Sample(hour * HOUR, 60.0 + hour) for hour in range(50)], CAPACITY) is None


def test_a_disk_that_fills_within_hours_is_told_soon() -> None:
    samples = [Sample(minute * 300.0, 50 + minute * 0.5) for minute in range(48)]
    forecast = time_to_full(samples, CAPACITY)
    assert forecast is not None
    assert forecast.earliest <= 53 * 300 <= forecast.latest


@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.floats(allow_nan=True, allow_infinity=True)), max_size=60),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_any_numbers_give_an_interval_or_nothing(pairs: list[tuple[float, float]], capacity: float) -> None:
    forecast = time_to_full([Sample(*pair) for pair in sorted(pairs)], capacity)
    assert forecast is None or (isinstance(forecast, Forecast) and 0 <= forecast.earliest <= forecast.latest < math.inf)
