"""A key opens what its scope covers, until it expires or is revoked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import make_mocked_request

from dthostmon.store import ApiKey
from dthostmon.web.auth import Scope, find_key, hash_key, new_key, require_scope
from dthostmon.web.problems import ApiProblemError

NOW = datetime(2026, 1, 31, tzinfo=UTC)
SECRET = new_key()
KEY = ApiKey("grafana", "read", hash_key(SECRET), NOW - timedelta(days=1), None)


def test_the_right_key_is_found_among_others() -> None:
    others = [ApiKey(f"other-{n}", "admin", hash_key(new_key()), NOW, None) for n in range(5)]
    assert find_key(SECRET, [*others, KEY], NOW) == KEY


@pytest.mark.parametrize(
    "key",
    [
        replace(KEY, expires_at=NOW),
        replace(KEY, expires_at=NOW - timedelta(days=1)),
        replace(KEY, revoked_at=NOW - timedelta(hours=1)),
        replace(KEY, secret_hash=hash_key("dth_another")),
    ],
)
def test_an_expired_revoked_or_other_key_is_none(key: ApiKey) -> None:
    assert find_key(SECRET, [key], NOW) is None


def test_a_key_that_expires_later_is_valid() -> None:
    assert find_key(SECRET, [replace(KEY, expires_at=NOW + timedelta(seconds=1))], NOW) is not None


def test_keys_are_long_distinct_and_not_kept() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("dth_") and len(key) >= 43 for key in keys)
    assert SECRET not in hash_key(SECRET)


async def no_query() -> tuple[ApiKey, ...]:
    raise AssertionError("the keys were loaded")


async def test_a_request_without_a_key_costs_no_query() -> None:
    with pytest.raises(ApiProblemError) as refused:
        await require_scope(make_mocked_request("GET", "/"), no_query, NOW, Scope.READ)
    assert refused.value.status == 401


async def test_a_key_opens_its_scope_and_no_greater_one() -> None:
    async def keys() -> tuple[ApiKey, ...]:
        return (KEY,)

    request = make_mocked_request("GET", "/", headers={"X-API-Key": SECRET})
    assert await require_scope(request, keys, NOW, Scope.READ) == KEY
    with pytest.raises(ApiProblemError) as refused:
        await require_scope(request, keys, NOW, Scope.WRITE)
    assert refused.value.status == 403
