"""What was measured over time, over SQLite and over PostgreSQL."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from dthostmon.model import Counters, DiskUsage, Facts, Fullness, Metrics, Outlook, Run, Visit
from dthostmon.store import Store
from dthostmon.trends import PastUsage, Sample
from tests.integration.store.visits import at, failed_run, run, skipped_run

CALM = Metrics(10.0, 40.0, None, 0.5, 0.5, 0.5, ())


def measured(minutes: int, *disks: tuple[str, float], score: int = 100, cpu: float = 10.0, host: str = "web1") -> Run:
    """Return a run that saw some mounts (of 1000 bytes each) so full."""
    seen = tuple(DiskUsage(mount, mount, "ext4", 1000, int(10 * percent), percent, None) for mount, percent in disks)
    return replace(run(host, minutes), score=score, facts=Facts(None, replace(CALM, disks=seen, cpu_percent=cpu)))


async def save(store: Store, *runs: Run) -> None:
    for one in runs:
        await store.save_run(Visit(one))


async def test_what_the_next_visit_compares_with_comes_back(store: Store):
    counters = Counters(12.5, 2**63, 7, None, 0)
    outlook = Outlook(at(3), (Fullness("/srv \ud800", 81.5, at(4), at(9)), Fullness(None, 90.0, at(1), at(2))))
    seen = replace(run(), facts=Facts(None, replace(CALM, counters=counters)))
    await store.save_run(Visit(seen, recent={"cpu": (1.5, 2.0), "disk:/": (3.0,)}, outlook=outlook))
    state = await store.load_state("web1")
    assert state.counters == counters
    assert state.recent == {"cpu": (1.5, 2.0), "disk:/": (3.0,)}
    safe = replace(outlook.fullness[0], mount="/srv \\ud800")
    assert state.outlook == replace(outlook, fullness=(safe, outlook.fullness[1]))
    await store.save_run(Visit(run(minutes=1)))
    assert (await store.load_state("web1")).outlook == state.outlook
    await store.save_run(Visit(run(minutes=2), recent={}, outlook=Outlook(at(5))))
    state = await store.load_state("web1")
    assert (state.counters, state.recent, state.outlook) == (counters, {}, Outlook(at(5)))


async def test_what_was_used_is_told_of_the_wanted_mounts_in_order_of_time(store: Store):
    await save(store, *(measured(minutes, ("/", 50 + minutes), ("/srv", 9.0)) for minutes in (0, 60, 120)))
    await save(store, failed_run(minutes=180), measured(60, ("/", 1.0), host="web2"))
    usage = await store.past_usage("web1", ["/"], at(30), 400)
    assert usage.disks == {"/": [Sample(at(m).timestamp(), 10.0 * (50 + m)) for m in (60, 120)]}
    assert usage.memory == [Sample(at(m).timestamp(), 40.0) for m in (60, 120)]
    assert await store.past_usage("web1", ["/"], at(121), 400) == PastUsage()
    assert await store.past_usage("nobody", ["/"], at(0), 400) == PastUsage()


async def test_many_runs_are_thinned_to_the_last_of_each_piece_of_time(store: Store):
    await save(store, *(measured(minutes, ("/", 30.0 + minutes / 10)) for minutes in range(100)))
    used = (await store.past_usage("web1", ["/"], at(0), 10)).disks["/"]
    assert 9 <= len(used) <= 10
    assert used[-1] == Sample(at(99).timestamp(), 399.0)
    gaps = {round(later.at - earlier.at, -2) for earlier, later in pairwise(used[:-1])}
    assert gaps <= {600.0, 700.0}


async def test_a_series_has_a_point_for_each_run_where_there_are_few(store: Store):
    await save(store, measured(0, ("/", 50.0), ("/srv", 60.5)), failed_run(minutes=60), skipped_run(minutes=120))
    await save(store, measured(180, ("/", 51.0), score=70, cpu=30.0), measured(600))
    series = await store.series("web1", at(0), at(300), 500)
    assert [(point.at, point.runs, point.failed, point.score, point.cpu_percent) for point in series.points] == [
        (at(0), 1, 0, 100, 10.0),
        (at(60), 1, 1, None, None),
        (at(120), 1, 0, None, None),
        (at(180), 1, 0, 70, 30.0),
    ]
    assert (series.since, series.until, series.seconds) == (at(0), at(300), 37)
    assert [point.swap_percent for point in series.points] == [None] * 4


async def test_mounts_are_those_of_the_last_good_run(store: Store):
    await save(store, measured(0, ("/", 50.0), ("/gone", 60.5)), measured(60, ("/", 51.5)), failed_run(minutes=70))
    series = await store.series("web1", at(0), at(300), 500)
    assert [point.disks for point in series.points] == [{"/": 50.0}, {"/": 51.5}, {}]


@pytest.mark.parametrize("most", [2, 7, 60])
async def test_a_series_is_thinned_to_the_lowest_score_the_fullest_disk_and_means(store: Store, most: int):
    await save(store, *(measured(m, ("/", 10.0 + m % 7), score=90 - m % 5, cpu=float(m % 2)) for m in range(120)))
    series = await store.series("web1", at(0), at(119), most)
    assert 1 < len(series.points) <= most
    assert sum(point.runs for point in series.points) == 120
    whole = [point for point in series.points if point.runs > 7]
    assert {(point.score, point.disks["/"]) for point in whole} <= {(86, 16.0)}
    assert all(0.4 <= (point.cpu_percent or 0) <= 0.6 for point in whole)


async def test_a_host_never_seen_has_no_points(store: Store):
    assert (await store.series("nobody", at(0), at(0) + timedelta(days=400), 500)).points == ()
