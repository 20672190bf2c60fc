"""Anthropic's messages: what is sent, and what is made of the answers."""

import pytest
from aiohttp import ClientSession

from dthostmon.errors import ProviderErrorKind
from dthostmon.judge.providers.anthropic import THINKING_TOKENS
from dthostmon.model import Usage
from tests.fixtures import anthropic_stand_in as claude
from tests.fixtures.anthropic_stand_in import AnthropicStandIn
from tests.fixtures.asking import EVIDENCE, QUESTION, SCHEMA, SYSTEM, failure, kind_of, make
from tests.fixtures.stand_in import KEY, TEXT, Refuses, Says

WHOLE = Usage(
    prompt=claude.INPUT_TOKENS + claude.CACHE_READ_TOKENS + claude.CACHE_WRITTEN_TOKENS,
    completion=claude.OUTPUT_TOKENS,
    cached=claude.CACHE_READ_TOKENS,
    reasoning=claude.THINKING_TOKENS,
)


async def test_an_answer_comes_with_its_model_and_what_it_took(
    anthropic_server: AnthropicStandIn, session: ClientSession
) -> None:
    answer = await make("anthropic", anthropic_server, session).ask(QUESTION)
    assert (answer.text, answer.model, answer.usage) == (TEXT, "claude-sonnet-5-5", WHOLE)


async def test_the_request_says_what_it_must_and_no_more(
    anthropic_server: AnthropicStandIn, session: ClientSession
) -> None:
    await make("anthropic", anthropic_server, session).ask(QUESTION)
    (request,) = anthropic_server.requests
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.body == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 1200 + THINKING_TOKENS,
        "system": SYSTEM,
        "messages": [{"role": "user", "content": EVIDENCE}],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        "stream": False,
    }
    assert KEY.encode() not in request.raw
    assert (request.headers["x-api-key"], request.headers["anthropic-version"]) == (KEY, "2026-10-21")
    assert "Authorization" not in request.headers


async def test_the_models_are_the_providers_list(anthropic_server: AnthropicStandIn, session: ClientSession) -> None:
    assert await make("anthropic", anthropic_server, session).models() == list(claude.MODELS)
    assert anthropic_server.requests[0].path == "/v1/models?limit=1000"


async def test_a_url_may_end_with_the_version_of_the_api(
    anthropic_server: AnthropicStandIn, session: ClientSession
) -> None:
    anthropic_server.base = "/v1/"
    assert (await make("anthropic", anthropic_server, session).ask(QUESTION)).text == TEXT


@pytest.mark.parametrize(
    ("stop_reason", "kind"),
    [
        ("max_tokens", ProviderErrorKind.TOO_LONG),
        ("model_context_window_exceeded", ProviderErrorKind.TOO_LONG),
        ("refusal", ProviderErrorKind.INVALID_OUTPUT),
        ("tool_use", ProviderErrorKind.INVALID_OUTPUT),
        ("pause_turn", ProviderErrorKind.INVALID_OUTPUT),
    ],
)
async def test_an_answer_that_ended_for_another_reason_is_none(
    anthropic_server: AnthropicStandIn, session: ClientSession, stop_reason: str, kind: ProviderErrorKind
) -> None:
    anthropic_server.stop_reason = stop_reason
    assert await kind_of(make("anthropic", anthropic_server, session)) is kind


@pytest.mark.parametrize(
    "content",
    [
        [],
        [{"type": "text", "text": " "}],
        [{"type": "thinking", "thinking": "hm"}],
        [{"type": "text", "text": "{}"}, {"type": "tool_use", "id": "1", "name": "rm", "input": {}}],
    ],
    ids=["nothing", "blank", "thinking alone", "a tool call"],
)
async def test_a_message_without_an_answer_is_invalid_output(
    anthropic_server: AnthropicStandIn, session: ClientSession, content: list[dict[str, object]]
) -> None:
    anthropic_server.content = content
    assert await kind_of(make("anthropic", anthropic_server, session)) is ProviderErrorKind.INVALID_OUTPUT


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"content": "x"}', b'{"completion": "x"}'])
async def test_json_of_another_shape_is_a_broken_transport(
    anthropic_server: AnthropicStandIn, session: ClientSession, body: bytes
) -> None:
    anthropic_server.plays(Says(body))
    assert await kind_of(make("anthropic", anthropic_server, session)) is ProviderErrorKind.TRANSPORT


async def test_a_wrong_key_names_the_key_of_the_configuration(
    anthropic_server: AnthropicStandIn, session: ClientSession
) -> None:
    error = await failure(make("anthropic", anthropic_server, session, key="sk-ant-wrong-0123456789"))
    assert (error.kind, error.fix[:31]) == (ProviderErrorKind.AUTH, "Set ai.providers.grok.api_key t")


async def test_a_credit_balance_that_is_too_low_is_a_quota(
    anthropic_server: AnthropicStandIn, session: ClientSession
) -> None:
    words = "Your credit balance is too low to access the Anthropic API."
    anthropic_server.plays(Refuses(400, message=words))
    assert await kind_of(make("anthropic", anthropic_server, session)) is ProviderErrorKind.QUOTA


async def test_a_prompt_that_is_too_long_is_said_so(anthropic_server: AnthropicStandIn, session: ClientSession) -> None:
    anthropic_server.plays(Refuses(400, message="prompt is too long: 215000 tokens > 200000 maximum"))
    assert await kind_of(make("anthropic", anthropic_server, session)) is ProviderErrorKind.TOO_LONG


async def test_a_model_that_is_not_there_is_missing(anthropic_server: AnthropicStandIn, session: ClientSession) -> None:
    provider = make("anthropic", anthropic_server, session, model="claude-1")
    assert await kind_of(provider) is ProviderErrorKind.MODEL_MISSING
