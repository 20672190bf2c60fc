"""API keys: 256 random bits with a readable prefix, of which only the SHA-256 is kept."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import IntEnum
from http import HTTPStatus

from aiohttp import web

from dthostmon.store import ApiKey
from dthostmon.web.problems import ApiProblemError

KEY_PREFIX = "dth_"
KEY_HEADER = "X-API-Key"
CHALLENGE = {"WWW-Authenticate": f'ApiKey header="{KEY_HEADER}"'}


class Scope(IntEnum):
    """What a key may do; a greater scope includes the lesser ones."""

    READ = 1
    WRITE = 2
    ADMIN = 3


def new_key(token: Callable[[int], str] = secrets.token_urlsafe) -> str:
    """Make a key; it is shown once and never stored."""
    return KEY_PREFIX + token(32)


def hash_key(key: str) -> str:
    """Return what is stored of a key: the hex SHA-256. A key is random, so no salt and no slow hash are needed."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()  # a header may hold any bytes


def find_key(offered: str, keys: Sequence[ApiKey], now: datetime) -> ApiKey | None:
    """Find the valid key that was offered. All keys are compared, in constant time each, so the answer's time tells
    nothing.
    """
    offered_hash = hash_key(offered)
    matches = [key for key in keys if secrets.compare_digest(key.secret_hash, offered_hash)]
    valid = [key for key in matches if key.revoked_at is None and (key.expires_at is None or key.expires_at > now)]
    return valid[0] if valid else None


async def require_scope(
    request: web.Request, load_keys: Callable[[], Awaitable[Sequence[ApiKey]]], now: datetime, scope: Scope
) -> ApiKey:
    """Return the key of a request, or raise 401 (no valid key) or 403 (its scope is too small).

    The keys are loaded only where one is offered: a request without costs no query.
    """
    offered = request.headers.get(KEY_HEADER)
    if not offered:
        raise ApiProblemError(
            HTTPStatus.UNAUTHORIZED,
            f"send an API key in the {KEY_HEADER} header; `dthostmon key create NAME --scope read` makes one",
            CHALLENGE,
        )
    key = find_key(offered, await load_keys(), now)
    if key is None:
        raise ApiProblemError(HTTPStatus.UNAUTHORIZED, "the API key is unknown, expired or revoked", CHALLENGE)
    if Scope[key.scope.upper()] < scope:
        raise ApiProblemError(HTTPStatus.FORBIDDEN, f"this needs a key with scope {scope.name.lower()}")
    return key
