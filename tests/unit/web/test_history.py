"""How a host was over time, over the API."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer

from dthostmon.model import DiskUsage, Facts, Metrics, Visit
from dthostmon.store import Store
from dthostmon.web.auth import hash_key
from dthostmon.web.server import make_app
from tests.integration.store.visits import failed_run, run
from tests.unit.web.test_requests import NOW, SECRET, make_sources

HISTORY = "/api/v1/hosts/here/history"
KEY = {"X-API-Key": SECRET}
SEEN = Metrics(3.5, 41.26, None, 0.25, 0.2, 0.1, (DiskUsage("/", "/dev/sda1", "ext4", 10, 5, 63.04, None),))


@pytest.fixture
async def client(sqlite_store: Store) -> AsyncIterator[TestClient]:
    await sqlite_store.create_key("test", "read", hash_key(SECRET), None, NOW)
    for hours in (30, 2, 1):
        seen = replace(run("here"), started_at=NOW - timedelta(hours=hours), facts=Facts(None, SEEN))
        await sqlite_store.save_run(Visit(seen))
    await sqlite_store.save_run(Visit(replace(failed_run("here"), started_at=NOW - timedelta(minutes=5))))
    async with TestClient(TestServer(make_app(make_sources(sqlite_store)))) as opened:
        yield opened


async def test_the_history_of_a_day_has_its_runs_and_what_they_measured(client: TestClient) -> None:
    answer = await client.get(f"{HISTORY}?days=1", headers=KEY)
    document = await answer.json()
    points = document.pop("points")
    day = {"host": "here", "since": "2026-01-30T00:00:00.000Z", "until": "2026-01-31T00:00:00.000Z", "step_s": 174}
    assert (answer.status, document) == (200, day)
    assert [(point["at"], point["runs"], point["failed"]) for point in points] == [
        ("2026-01-30T22:00:00.000Z", 1, 0),
        ("2026-01-30T23:00:00.000Z", 1, 0),
        ("2026-01-30T23:55:00.000Z", 1, 1),
    ]
    measured = {"cpu_percent": 3.5, "memory_percent": 41.26, "swap_percent": None, "load1": 0.25}
    assert points[0].items() >= {"score": 100, **measured, "disks": [{"mount": "/", "percent": 63.04}]}.items()
    assert points[2].items() >= {"score": None, **dict.fromkeys(measured), "disks": []}.items()


async def test_a_week_is_what_is_told_without_a_number(client: TestClient) -> None:
    document = await (await client.get(HISTORY, headers=KEY)).json()
    assert (document["since"], len(document["points"])) == ("2026-01-24T00:00:00.000Z", 4)


@pytest.mark.parametrize("query", ["days=0", "days=3661", "days=x", "days=1&days=2", "since=2026-01-01T00:00:00Z"])
async def test_other_queries_are_refused_by_name(client: TestClient, query: str) -> None:
    answer = await client.get(f"{HISTORY}?{query}", headers=KEY)
    problem = await answer.json()
    assert (answer.status, [error["parameter"] for error in problem["errors"]]) == (422, [query.partition("=")[0]])


async def test_a_history_takes_a_key_and_a_host(client: TestClient) -> None:
    assert (await client.get(HISTORY)).status == 401
    assert (await client.get("/api/v1/hosts/nobody/history", headers=KEY)).status == 404
