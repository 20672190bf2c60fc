"""What can go wrong between a provider and us: every fault with every protocol, bounded and without a secret."""

import asyncio
import gzip
import json
import ssl
import time
from collections.abc import Iterator
from socket import socket

import pytest
import trustme
from aiohttp import ClientSession, TCPConnector

from dthostmon.errors import ProviderErrorKind
from dthostmon.judge.providers import http, make_provider
from dthostmon.judge.providers.http import MAX_ANSWER_BYTES, make_session
from dthostmon.judge.question import Provider
from tests.fixtures.anthropic_stand_in import AnthropicStandIn
from tests.fixtures.asking import MODELS, QUESTION, configured, failure, kind_of, make
from tests.fixtures.ollama_stand_in import OllamaStandIn
from tests.fixtures.openai_stand_in import OpenAiStandIn
from tests.fixtures.opencode_stand_in import OpenCodeStandIn
from tests.fixtures.stand_in import (
    KEY,
    TEXT,
    Behaviour,
    Breaks,
    Drips,
    Floods,
    Hangs,
    Obeys,
    Refuses,
    Says,
    StandIn,
    serving,
)

SERVERS: dict[str, type[StandIn]] = {
    "openai": OpenAiStandIn,
    "ollama": OllamaStandIn,
    "anthropic": AnthropicStandIn,
    "opencode": OpenCodeStandIn,
}
STATUSES = {
    400: ProviderErrorKind.TRANSPORT,
    401: ProviderErrorKind.AUTH,
    402: ProviderErrorKind.QUOTA,
    403: ProviderErrorKind.AUTH,
    404: ProviderErrorKind.MODEL_MISSING,
    408: ProviderErrorKind.TRANSPORT,
    409: ProviderErrorKind.OVERLOADED,
    413: ProviderErrorKind.TOO_LONG,
    422: ProviderErrorKind.TRANSPORT,
    429: ProviderErrorKind.RATE,
    500: ProviderErrorKind.TRANSPORT,
    502: ProviderErrorKind.TRANSPORT,
    503: ProviderErrorKind.OVERLOADED,
    504: ProviderErrorKind.TRANSPORT,
    529: ProviderErrorKind.OVERLOADED,
}


@pytest.fixture(params=SERVERS)
def protocol(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def server(protocol: str) -> Iterator[StandIn]:
    stand_in = SERVERS[protocol]()
    with serving(stand_in):
        yield stand_in


@pytest.fixture
def provider(protocol: str, server: StandIn, session: ClientSession) -> Provider:
    return make(protocol, server, session, timeout=0.5)


@pytest.fixture
def unproxied(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def asked(server: StandIn) -> int:
    """Return how often the model itself was asked."""
    return sum(request.path != "/session" and request.method == "POST" for request in server.requests)


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
async def test_a_status_alone_sorts_an_error(
    provider: Provider, server: StandIn, status: int, kind: ProviderErrorKind
) -> None:
    server.plays(Refuses(status))
    error = await failure(provider)
    assert (error.kind, error.message) == (kind, f"The provider grok answered {status}: not now.")
    assert (error.retry_after, asked(server)) == (None, 1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "Sat, 31 Jan 2026 08:00:09 GMT", "Date": "Sat, 31 Jan 2026 08:00:00 GMT"}, 9.0),
        ({"Retry-After": "Sat, 31 Jan 2026 07:00:00 GMT", "Date": "Sat, 31 Jan 2026 08:00:00 GMT"}, 0.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "9" * 400}, None),
    ],
    ids=["seconds", "half a second", "a moment", "a moment gone by", "negative", "a word", "nan", "without end"],
)
async def test_a_wait_that_the_provider_asks_for_is_handed_on(
    provider: Provider, server: StandIn, headers: dict[str, str], seconds: float | None
) -> None:
    server.plays(Refuses(429, headers=headers))
    error = await failure(provider)
    assert (error.kind, error.retry_after) == (ProviderErrorKind.RATE, seconds)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"code": "c", "error": "xai words"}', "xai words"),
        (b'{"error": {"message": "openai words", "type": "t", "code": "c"}}', "openai words"),
        (b'{"error": "ollama words"}', "ollama words"),
        (b'{"type": "error", "error": {"type": "t", "message": "anthropic words"}}', "anthropic words"),
        (b'{"detail": "fastapi words"}', "fastapi words"),
        (b'{"detail": [{"loc": ["body"], "msg": "pydantic words", "input": "secret prompt"}]}', "pydantic words"),
        (b'{"name": "BadRequest", "data": {"message": "opencode words"}}', "opencode words"),
        (b'{"message": "plain words"}', "plain words"),
        (b'"a text"', "a text"),
        (b"words without JSON", "words without JSON"),
        (b"<html><head><title>502 Bad &amp; Gateway</title></head></html>", "an HTML page, 502 Bad & Gateway"),
        (b"<!DOCTYPE html><p>oops", "an HTML page"),
        (b'{"code": 500}', "500"),
    ],
)
async def test_the_words_of_an_error_are_found_in_any_shape(
    provider: Provider, server: StandIn, body: bytes, words: str
) -> None:
    server.plays(Refuses(500, body))
    assert (await failure(provider)).message == f"The provider grok answered 500: {words}."


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"[" * 15_000, b'{"error": {"message": 5}}'])
async def test_an_error_without_words_says_its_status(provider: Provider, server: StandIn, body: bytes) -> None:
    server.plays(Refuses(500, body))
    assert (await failure(provider)).message.startswith("The provider grok answered 500")


@pytest.mark.parametrize("cut", [0, 10, 20], ids=["the whole", "without its beginning", "its second half"])
async def test_a_key_that_the_server_echoes_is_never_shown(provider: Provider, server: StandIn, cut: int) -> None:
    echoed = f"Incorrect API key provided: {KEY[cut:]}; we saw Bearer\u200b {KEY[cut:]}"
    server.plays(Refuses(400, json.dumps({"error": {"message": echoed}}).encode()))
    error = await failure(provider)
    assert error.kind is ProviderErrorKind.AUTH
    assert not any(KEY[start : start + 8] in str(error) for start in range(len(KEY) - 7))
    assert "Incorrect API key provided: ***; we saw Bearer ***" in error.message


async def test_the_words_of_an_error_are_one_short_clean_line(provider: Provider, server: StandIn) -> None:
    words = "a\x1b[31mb\nc\u202ed\x00e\ud800f " + "x" * 5000
    server.plays(Refuses(500, json.dumps({"error": words}).encode()))
    said = (await failure(provider)).message.removeprefix("The provider grok answered 500: ").removesuffix(".")
    assert said.startswith("a [31mb cd ef xxx")
    assert len(said) == 200


async def test_an_error_page_without_end_is_not_read_to_it(provider: Provider, server: StandIn) -> None:
    server.plays(Floods(status=500))
    assert await kind_of(provider) is ProviderErrorKind.TRANSPORT
    assert server.flooded < 32 * 1024 * 1024


async def test_an_error_whose_body_breaks_off_keeps_its_status(provider: Provider, server: StandIn) -> None:
    server.plays(Breaks(b'{"error": "slo', status=429))
    assert await kind_of(provider) is ProviderErrorKind.RATE


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (Hangs(), "did not answer within"),
        (Hangs(b'{"choices": ['), "did not answer within"),
        (Drips(0.05), "did not answer within"),
        (Says(b"<html>hello</html>", "text/html"), "answered with text/html"),
        (Says(TEXT.encode(), "text/plain"), "answered with text/plain"),
        (Says(b'{"choices": [{"mess'), "that are not JSON"),
        (Says(b""), "answered with 0 bytes that are not JSON"),
        (Says(b'{"a": NaN}'), "that are not JSON"),
        (Says(b'{"a": -Infinity}'), "that are not JSON"),
        (Says(b"\xff\xfe"), "that are not JSON"),
        (Says(b"[" * 200_000), "that are not JSON"),
        (Says(b"1" * 10_000), "that are not JSON"),
        (Says(b"[1, 2, 3]"), "answered JSON that is no"),
        (Breaks(b'{"choices": ['), "broke off the answer"),
        (Says(gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}), "answered packed"),
        (Refuses(302, b"", {"Location": "https://elsewhere.example/"}), "points to https://elsewhere.example/"),
        (Refuses(307, b""), "points to nowhere"),
    ],
    ids=[
        "hangs before the body",
        "hangs inside the body",
        "a byte at a time",
        "html",
        "text",
        "truncated json",
        "nothing",
        "nan",
        "infinity",
        "no utf-8",
        "nested without end",
        "a number without end",
        "another shape",
        "broken off",
        "packed",
        "redirect",
        "redirect to nowhere",
    ],
)
async def test_an_answer_that_breaks_the_protocol_is_a_broken_transport(
    provider: Provider, server: StandIn, behaviour: Behaviour, words: str
) -> None:
    server.plays(behaviour)
    started = time.monotonic()
    error = await failure(provider)
    assert (error.kind, error.transient) == (ProviderErrorKind.TRANSPORT, True)
    assert words in error.message
    assert isinstance(error.__cause__, TimeoutError) is ("did not answer" in words)
    assert time.monotonic() - started < 2
    assert asked(server) == 1


async def test_an_answer_without_end_is_not_read_to_it(protocol: str, server: StandIn, session: ClientSession) -> None:
    server.plays(Floods())
    error = await failure(make(protocol, server, session, timeout=10.0))
    assert "answered with more than 1 MiB" in error.message
    assert server.flooded < 32 * 1024 * 1024  # what the socket's buffers took, of 500 MB


async def test_an_answer_of_just_the_limit_is_read(openai_server: OpenAiStandIn, session: ClientSession) -> None:
    body = json.dumps(openai_server.document()).encode()
    openai_server.plays(Says(body + b" " * (MAX_ANSWER_BYTES - len(body))), Says(body.ljust(MAX_ANSWER_BYTES + 1)))
    provider = make("openai", openai_server, session)
    assert (await provider.ask(QUESTION)).text == TEXT
    assert "more than 1 MiB" in (await failure(provider)).message


async def test_a_provider_that_recovers_answers_again(provider: Provider, server: StandIn) -> None:
    server.plays(Refuses(500), Obeys())
    assert await kind_of(provider) is ProviderErrorKind.TRANSPORT
    assert (await provider.ask(QUESTION)).text == TEXT


async def test_a_refused_connection_is_a_broken_transport(protocol: str, session: ClientSession) -> None:
    with socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        error = await failure(make_provider(configured(protocol, url), session))
    assert (error.kind, error.message) == (
        ProviderErrorKind.TRANSPORT,
        "The provider grok is out of reach: Connection refused.",
    )
    assert "Check ai.providers.grok.url" in error.fix


async def test_a_connection_that_nobody_accepts_is_given_up_long_before_an_answer_would_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "CONNECT_TIMEOUT_SECONDS", 0.3)
    with socket() as full, socket() as first, socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):  # the queue takes one, the next ones get no reply
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        async with make_session() as session:
            url = f"http://127.0.0.1:{full.getsockname()[1]}"
            error = await failure(make_provider(configured("ollama", url), session, 30.0))
    assert (error.kind, error.message) == (
        ProviderErrorKind.TRANSPORT,
        "The provider grok took no connection within 0.3 s.",
    )
    assert isinstance(error.__cause__, TimeoutError)


async def test_a_name_that_does_not_resolve_is_a_broken_transport(
    protocol: str, session: ClientSession, unproxied: None
) -> None:
    error = await failure(make_provider(configured(protocol, "http://nowhere.invalid/v1"), session, 3.0))
    assert error.kind is ProviderErrorKind.TRANSPORT


@pytest.mark.parametrize(
    "url",
    ["u", "", "ftp://127.0.0.1/", "http://[", "http://", "http://127.0.0.1:99999", f"http://me:{KEY}@127.0.0.1:1/"],
)
async def test_a_url_that_cannot_be_asked_is_a_broken_transport(
    protocol: str, session: ClientSession, url: str
) -> None:
    error = await failure(make_provider(configured(protocol, url), session, 3.0))
    assert error.kind is ProviderErrorKind.TRANSPORT


async def test_a_key_may_end_with_an_end_of_line(protocol: str, server: StandIn, session: ClientSession) -> None:
    assert (await make(protocol, server, session, key=f" {KEY}\n").ask(QUESTION)).text == TEXT


async def test_a_key_of_two_lines_never_becomes_two_headers(
    openai_server: OpenAiStandIn, session: ClientSession
) -> None:
    key = f"{KEY}\r\nX-Smuggled: yes"
    error = await failure(make("openai", openai_server, session, key=key))
    assert "ai.providers.grok.api_key to one line" in error.fix
    assert (await kind_of(make("anthropic", openai_server, session, key=key)), openai_server.requests) == (
        error.kind,
        [],
    )


async def test_a_certificate_that_nobody_vouches_for_is_never_accepted(protocol: str, session: ClientSession) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    stand_in = SERVERS[protocol]()
    with serving(stand_in, context):
        error = await failure(make(protocol, stand_in, session))
    assert (error.kind, stand_in.requests) == (ProviderErrorKind.TRANSPORT, [])
    assert "cannot be trusted: " in error.message
    assert "certificate" in error.fix


async def test_a_certificate_of_another_name_is_never_accepted(protocol: str) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.example").configure_cert(context)
    stand_in = SERVERS[protocol]()
    with serving(stand_in, context):
        async with trusting(authority) as session:
            error = await failure(make(protocol, stand_in, session))
    assert (error.kind, stand_in.requests) == (ProviderErrorKind.TRANSPORT, [])


async def test_a_certificate_of_a_trusted_authority_is_accepted(protocol: str) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    stand_in = SERVERS[protocol]()
    with serving(stand_in, context):
        async with trusting(authority) as session:
            assert (await make(protocol, stand_in, session).ask(QUESTION)).text == TEXT


def trusting(authority: trustme.CA) -> ClientSession:
    """Return a session that trusts one authority besides those of the system."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return ClientSession(connector=TCPConnector(ssl=context))


async def test_a_plain_server_behind_https_is_a_broken_transport(protocol: str, session: ClientSession) -> None:
    stand_in = SERVERS[protocol]()
    with serving(stand_in):
        stand_in.scheme = "https"
        assert await kind_of(make(protocol, stand_in, session)) is ProviderErrorKind.TRANSPORT


async def test_a_cancelled_question_stays_cancelled(protocol: str, server: StandIn, session: ClientSession) -> None:
    server.plays(Hangs())
    task = asyncio.create_task(make(protocol, server, session).ask(QUESTION))
    await server.asked(2 if protocol == "opencode" else 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cookies_are_not_kept(protocol: str, server: StandIn, provider: Provider) -> None:
    server.plays(Refuses(503, headers={"Set-Cookie": "a=b"}), Obeys())
    await failure(provider)
    await provider.ask(QUESTION)
    assert not any("Cookie" in request.headers for request in server.requests)


async def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    protocol: str, server: StandIn, session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert (await make(protocol, server, session).ask(QUESTION)).text == TEXT


async def test_a_proxy_of_the_environment_is_used_for_other_machines_with_its_own_login(
    protocol: str, server: StandIn, session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://me:pass%20word@127.0.0.1:{server.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    await failure(make_provider(configured(protocol, "http://models.example/other"), session))
    assert server.requests[0].path.startswith("/other/")
    assert server.requests[0].headers["Host"] == "models.example"
    assert server.requests[0].headers["Proxy-Authorization"] == "Basic bWU6cGFzcyB3b3Jk"


async def test_a_proxy_that_refuses_is_told_and_its_login_is_not(
    protocol: str, session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[bytes] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked_for.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://me:{KEY}@127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        error = await failure(make_provider(configured(protocol, "https://models.example/v1", key="other"), session))
    assert (error.kind, error.message) == (
        ProviderErrorKind.TRANSPORT,
        "The provider grok is out of reach: the proxy answered 407.",
    )
    assert asked_for[0].startswith(b"CONNECT models.example:443 ")
    assert b"Proxy-Authorization: Basic " in asked_for[0]
    assert b"other" not in asked_for[0]


async def test_the_passwords_of_a_netrc_go_nowhere(
    protocol: str,
    server: StandIn,
    session: ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    netrc = tmp_path_factory.mktemp("home") / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password of-somebody-else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert (await make(protocol, server, session).ask(QUESTION)).text == TEXT


async def test_the_times_and_the_number_of_requests_are_the_protocols_own_unless_configured(protocol: str) -> None:
    async with make_session() as session:
        plain = make_provider(configured(protocol, "http://127.0.0.1"), session)
        timed = make_provider(configured(protocol, "http://127.0.0.1"), session, 45.0)
    is_local = protocol == "ollama"
    assert (plain.timeout, plain.concurrency) == ((120.0, 1) if is_local else (30.0, 4))
    assert (plain.name, plain.model, timed.timeout) == ("grok", MODELS[protocol], 45.0)
    assert KEY not in repr(plain)
