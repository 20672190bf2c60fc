"""A key opens what its scope covers, until it expires or is revoked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dthostmon.store import ApiKey
from dthostmon.web.auth import find_key, hash_key, new_key

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
