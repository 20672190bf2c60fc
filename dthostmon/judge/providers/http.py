"""One request to a provider: bounded in time and size, JSON or an error, and no secret in anything that it raises."""

import asyncio
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn

import aiohttp

from dthostmon.config.sections import Provider as ProviderSettings
from dthostmon.judge.providers.failures import Failures, key_of, make_failures
from dthostmon.judge.providers.proxies import Proxy, environment_proxy

CONNECT_TIMEOUT_SECONDS = 5.0
MAX_ANSWER_BYTES = 1024 * 1024
MAX_REFUSAL_BYTES = 16 * 1024
PIECE_BYTES = 64 * 1024
_JSON_TYPE = re.compile(r"application/(?:json|[\w.-]+\+json)")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


def make_session() -> aiohttp.ClientSession:
    """Make the session that all providers share; who makes it closes it.

    It keeps no cookies and waits for no free connection: how many requests run at a time is the asker's to say.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(
            total=None, connect=CONNECT_TIMEOUT_SECONDS, sock_connect=CONNECT_TIMEOUT_SECONDS
        ),
        trust_env=False,
    )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one provider answers, and what every request to it says of itself."""

    session: aiohttp.ClientSession
    url: str
    headers: Mapping[str, str] = field(repr=False)
    failures: Failures = field(repr=False)
    proxy: Proxy | None = field(repr=False)

    async def send(self, method: str, path: str, seconds: float, body: object = None) -> object:
        """Return the JSON of the answer, which must be complete within that many seconds."""
        with self._translated(seconds):
            async with (
                asyncio.timeout(seconds),
                self.session.request(
                    method,
                    self.url + path,
                    data=None if body is None else json.dumps(body, allow_nan=False).encode(),
                    headers=self.headers if body is None else {**self.headers, "Content-Type": "application/json"},
                    allow_redirects=False,
                    auto_decompress=False,  # a small answer may unpack to one without end: none is asked for packed
                    proxy=self.proxy.url if self.proxy else None,
                    proxy_headers=self.proxy.headers if self.proxy else None,
                ) as response,
            ):
                return await self._read(response)

    async def _read(self, response: aiohttp.ClientResponse) -> object:
        if response.status >= 400:
            wait = retry_after(response.headers)
            raise self.failures.refused(response.status, await _beginning(response), wait)
        if response.status >= 300:
            raise self.failures.redirected(response.status, response.headers.get("Location", ""))
        if response.status == 204:
            return None
        self._check_kind(response)
        return self._parse(await self._whole(response))

    def _check_kind(self, response: aiohttp.ClientResponse) -> None:
        if not _JSON_TYPE.fullmatch(response.content_type):
            kind = self.failures.clean(response.headers.get("Content-Type", "content of no named kind"))
            raise self.failures.transport(f"answered with {kind}, not with JSON")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise self.failures.transport("answered packed, though that was not asked for")

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        answer = bytearray()
        async for piece in response.content.iter_chunked(PIECE_BYTES):
            answer += piece
            if len(answer) > MAX_ANSWER_BYTES:
                response.close()  # the rest is not read: it may never end
                raise self.failures.transport(f"answered with more than {MAX_ANSWER_BYTES // 1024**2} MiB")
        return bytes(answer)

    def _parse(self, answer: bytes) -> object:
        try:
            return json.loads(answer, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise self.failures.transport(f"answered with {len(answer)} bytes that are not JSON") from None

    @contextmanager
    def _translated(self, seconds: float) -> Iterator[None]:
        """Translate what aiohttp raises, without its own words: they may hold addresses and headers with secrets.

        A TimeoutError as the cause tells who asks that the time was used up: such a try is not repeated.
        """
        try:
            yield
        except aiohttp.ConnectionTimeoutError:
            what = f"took no connection within {CONNECT_TIMEOUT_SECONDS:g} s"
            raise self.failures.transport(what) from TimeoutError()
        except TimeoutError:
            what = f"did not answer within {max(0.0, round(seconds, 1)):g} s"
            raise self.failures.transport(what) from TimeoutError()
        except aiohttp.ClientSSLError as exc:
            raise self.failures.untrusted(_tls_reason(exc)) from None
        except aiohttp.ClientConnectorError as exc:
            raise self.failures.transport(f"is out of reach: {_reason(exc.os_error)}") from None
        except aiohttp.ClientHttpProxyError as exc:
            raise self.failures.transport(f"is out of reach: the proxy answered {exc.status}") from None
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise self.failures.unsendable() from None
        except aiohttp.ClientError as exc:
            raise self.failures.transport(f"broke off the answer ({type(exc).__name__})") from None
        except OSError as exc:
            raise self.failures.transport(f"is out of reach: {_reason(exc)}") from None
        except ValueError:  # an address with a login of its own beside the key, a key of two lines
            raise self.failures.unsendable() from None


def make_endpoint(
    settings: ProviderSettings, session: aiohttp.ClientSession, url: str, headers: Mapping[str, str]
) -> Endpoint:
    """Make the endpoint of a configured provider; `url` is the address that paths are added to."""
    said = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "dthostmon", **headers}
    proxy = environment_proxy(settings.url)
    if proxy and url.startswith("http:"):  # without TLS the request itself goes to the proxy; aiohttp adds no login
        said.update(proxy.headers)
    return Endpoint(session, url.rstrip("/"), said, make_failures(settings), proxy)


def bearer(settings: ProviderSettings) -> dict[str, str]:
    """Return the header that carries the key; none without a key, as servers on this machine want none."""
    key = key_of(settings)
    return {"Authorization": f"Bearer {key}"} if key else {}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a provider asks to wait, said as seconds or as a moment by its own clock."""
    said = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(said):
        return float(said)
    moment = _moment(said)
    if moment is None:
        return None
    now = _moment(headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (moment - now).total_seconds())


def _moment(said: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are no JSON


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    beginning = bytearray()
    with suppress(aiohttp.ClientError):  # the status is known: a body that breaks off says less, no more
        async for piece in response.content.iter_chunked(MAX_REFUSAL_BYTES):
            beginning += piece
            if len(beginning) >= MAX_REFUSAL_BYTES:
                response.close()
                break
    return bytes(beginning[:MAX_REFUSAL_BYTES])


def _reason(exc: OSError) -> str:
    if exc.errno is not None and exc.errno > 0:
        return os.strerror(exc.errno)  # asyncio's own words hold the address instead of the reason
    return exc.strerror or type(exc).__name__


def _tls_reason(exc: aiohttp.ClientSSLError) -> str:
    cause = getattr(exc, "certificate_error", None) or exc.os_error
    return str(getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "its TLS does not work")
