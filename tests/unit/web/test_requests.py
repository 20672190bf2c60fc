"""The API over HTTP, with a real store: what is refused, how, and at what cost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer

from dthostmon.model import Host, Thresholds, TransportKind
from dthostmon.store import Store, open_store
from dthostmon.web import Health, ListenError, Sources, serve
from dthostmon.web.auth import hash_key, new_key
from dthostmon.web.server import make_app

NOW = datetime(2026, 1, 31, tzinfo=UTC)
SECRET = new_key()
HERE = Host("here", TransportKind.LOCAL, None, None, (), (), (), Thresholds(), 60, 60, 0)
FINDINGS = "/api/v1/hosts/here/findings"


def make_sources(store: Store) -> Sources:
    async def health() -> Health:
        return Health(is_healthy=True, document={"status": "ok"})

    return Sources(store, lambda: (HERE,), health, lambda: NOW)


async def make_database(url: str) -> None:
    store = await open_store(url)
    await store.create_key("test", "read", hash_key(SECRET), None, NOW)
    await store.close()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with one key, made once: no test writes to it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('api')}/test.db"
    asyncio.run(make_database(url))
    return url


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    opened = await open_store(database)
    yield opened
    await opened.close()


@pytest.fixture
async def client(store: Store) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(make_app(make_sources(store)))) as opened:
        yield opened


async def test_a_key_of_any_bytes_is_an_unknown_key(store: Store) -> None:
    async with serve(make_sources(store), "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/v1/hosts HTTP/1.1\r\nHost: x\r\nX-API-Key: \xff\xfe\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    "moment",
    ["0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "1969-12-31T00:00:00Z", "10000-01-01T00:00:00Z"],
)
async def test_a_moment_at_the_ends_of_the_calendar_is_refused(client: TestClient, moment: str) -> None:
    answer = await client.get(f"{FINDINGS}?since={moment}", headers={"X-API-Key": SECRET})
    problem = await answer.json()
    assert (answer.status, [error["parameter"] for error in problem["errors"]]) == (422, ["since"])


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00%2B23:59", "9998-12-31T23:59:59-23:59", "2026-01-31T08:00:00Z"])
async def test_other_moments_are_taken(client: TestClient, moment: str) -> None:
    assert (await client.get(f"{FINDINGS}?since={moment}", headers={"X-API-Key": SECRET})).status == 200


@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/hosts", FINDINGS])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_what_is_only_read_cannot_be_written(client: TestClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
    assert answer.content_type == "application/problem+json"
    assert (await answer.json())["status"] == 405


async def test_head_is_get_without_a_body(client: TestClient) -> None:
    answer = await client.head("/api/v1/hosts", headers={"X-API-Key": SECRET})
    assert (answer.status, await answer.read()) == (200, b"")
    assert (await client.head("/api/v1/hosts")).status == 401


async def test_an_address_in_use_is_told_with_what_to_change(store: Store) -> None:
    async with serve(make_sources(store), "127.0.0.1", 0) as port:
        expected = rf"cannot listen on 127\.0\.0\.1:{port}: address already in use\. .*api\.listen"
        with pytest.raises(ListenError, match=expected):
            async with serve(make_sources(store), "127.0.0.1", port):
                pass
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as answer:
            assert answer.status == 200


async def test_an_address_that_is_none_is_told_too(store: Store) -> None:
    with pytest.raises(ListenError, match=r"cannot listen on a\.\.b:80: "):
        async with serve(make_sources(store), "a..b", 80):
            pass
