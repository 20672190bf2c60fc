"""OpenCode's own server: what the provider says to it is understood, and the stand-in answers as it does."""

import json
from typing import Any

import pytest
from aiohttp import ClientSession

from dthostmon.errors import ProviderErrorKind
from dthostmon.judge.providers import make_provider
from dthostmon.judge.question import Provider
from dthostmon.model import Usage
from tests.fixtures import openai_stand_in
from tests.fixtures.asking import EVIDENCE, QUESTION, SCHEMA, SYSTEM, configured, kind_of
from tests.fixtures.opencode_stand_in import LOGIN, MODELS, OpenCodeStandIn
from tests.fixtures.real_opencode import MODEL, RealOpenCode
from tests.fixtures.stand_in import KEY, TEXT

SECONDS = 60.0


@pytest.fixture
def server(real_opencode: RealOpenCode) -> RealOpenCode:
    real_opencode.models.requests.clear()
    real_opencode.models.counts_reasoning_beside = False  # as its library for chat completions has it
    return real_opencode


def provider_at(url: str, session: ClientSession, model: str = MODEL, key: str = KEY) -> Provider:
    return make_provider(configured("opencode", url, model, key), session, SECONDS)


async def asked_at(url: str, session: ClientSession, method: str, path: str, body: object = None) -> tuple[int, Any]:
    async with session.request(method, url + path, json=body, headers={"Authorization": LOGIN}) as response:
        return response.status, await response.json()


async def test_a_question_is_answered_and_its_session_gone(server: RealOpenCode, session: ClientSession) -> None:
    answer = await provider_at(server.url, session).ask(QUESTION)
    assert (answer.text, answer.model) == (TEXT, MODEL)
    reasoning, cached = openai_stand_in.REASONING_TOKENS, openai_stand_in.CACHED_TOKENS
    completion = openai_stand_in.COMPLETION_TOKENS + reasoning
    assert answer.usage == Usage(openai_stand_in.PROMPT_TOKENS, completion, cached, reasoning)
    assert await asked_at(server.url, session, "GET", "/session") == (200, [])


async def test_reasoning_is_counted_whatever_the_provider_behind_it_makes_of_its_total(
    server: RealOpenCode, session: ClientSession
) -> None:
    server.models.counts_reasoning_beside = True
    answer = await provider_at(server.url, session).ask(QUESTION)
    assert answer.usage.completion >= answer.usage.reasoning == openai_stand_in.REASONING_TOKENS


async def test_the_model_behind_it_gets_the_question_and_no_tool(server: RealOpenCode, session: ClientSession) -> None:
    await provider_at(server.url, session).ask(QUESTION)
    (request,) = server.models.requests
    system, user = request.body["messages"]
    assert "tools" not in request.body
    assert (user["role"], user["content"]) == ("user", EVIDENCE)
    assert SYSTEM.strip() in system["content"]
    assert system["content"].endswith(json.dumps(SCHEMA, separators=(",", ":")))


async def test_its_models_carry_their_providers(server: RealOpenCode, session: ClientSession) -> None:
    assert await provider_at(server.url, session).models() == [MODEL]


@pytest.mark.parametrize("key", ["sk-wrong-0123456789", ""])
async def test_it_refuses_another_password(server: RealOpenCode, session: ClientSession, key: str) -> None:
    assert await kind_of(provider_at(server.url, session, key=key)) is ProviderErrorKind.AUTH


async def story(url: str, model: str, session: ClientSession) -> list[tuple[int, Any]]:
    """Return what a server answers to each request of a question, and to those that go wrong."""
    provider, _, name = model.partition("/")
    parts = [{"type": "text", "text": EVIDENCE}]
    asked = [await asked_at(url, session, "GET", "/config/providers")]
    asked.append(await asked_at(url, session, "POST", "/session", {"title": "dthostmon"}))
    path = f"/session/{asked[-1][1]['id']}"
    for named in (name, "not-there"):
        body = {"model": {"providerID": provider, "modelID": named}, "system": SYSTEM, "tools": {"*": False}}
        asked.append(await asked_at(url, session, "POST", f"{path}/message", {**body, "parts": parts}))
    asked.append(await asked_at(url, session, "DELETE", path))
    asked.append(await asked_at(url, session, "DELETE", path))
    return asked


def lacks(real: object, played: object, where: str = "") -> list[str]:
    """Return what a stand-in says that the real one does not, in a shape of its own."""
    if isinstance(played, dict) and isinstance(real, dict):
        missing = [f"{where}.{key}" for key in played.keys() - real.keys()]
        return missing + [one for key in played.keys() & real.keys() for one in lacks(real[key], played[key], key)]
    if isinstance(played, list) and isinstance(real, list):
        return [one for a, b in zip(real, played, strict=False) for one in lacks(a, b, f"{where}[]")]
    return [] if type(real) is type(played) else [where]


async def test_a_model_that_it_does_not_have_fails_and_leaves_no_session(
    server: RealOpenCode, session: ClientSession
) -> None:
    provider = provider_at(server.url, session, model="local/not-there")
    assert await kind_of(provider) is ProviderErrorKind.TRANSPORT
    assert provider.model not in await provider.models()
    assert await asked_at(server.url, session, "GET", "/session") == (200, [])


async def test_the_stand_in_answers_as_it_does(
    server: RealOpenCode, opencode_server: OpenCodeStandIn, session: ClientSession
) -> None:
    real = await story(server.url, MODEL, session)
    played = await story(opencode_server.url, MODELS[1], session)
    assert [status for status, _ in played] == [status for status, _ in real]
    assert lacks(real[1:], played[1:]) == []
