"""Chat completions: what is sent, and what is made of the answers."""

import pytest
from aiohttp import ClientSession

from dthostmon.errors import ProviderErrorKind
from dthostmon.judge.providers.openai import REASONING_TOKENS, Dialect, dialect_of, make_body
from dthostmon.judge.question import Message, Question
from dthostmon.model import Usage
from tests.fixtures import openai_stand_in as xai
from tests.fixtures.asking import BOUNDED_SCHEMA, EVIDENCE, QUESTION, SCHEMA, SYSTEM, failure, kind_of, make
from tests.fixtures.openai_stand_in import OpenAiStandIn
from tests.fixtures.stand_in import KEY, TEXT, Refuses, Says

WHOLE = Usage(xai.PROMPT_TOKENS, xai.COMPLETION_TOKENS + xai.REASONING_TOKENS, xai.CACHED_TOKENS, xai.REASONING_TOKENS)


async def test_an_answer_comes_with_its_model_and_what_it_took(
    openai_server: OpenAiStandIn, session: ClientSession
) -> None:
    answer = await make("openai", openai_server, session).ask(QUESTION)
    assert (answer.text, answer.model, answer.usage) == (TEXT, "grok-4", WHOLE)


async def test_the_request_says_what_it_must_and_no_more(openai_server: OpenAiStandIn, session: ClientSession) -> None:
    await make("openai", openai_server, session).ask(QUESTION)
    (request,) = openai_server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.body == {
        "model": "grok-4",
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": EVIDENCE}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "judgement", "strict": True, "schema": BOUNDED_SCHEMA},
        },
        "stream": False,
        "max_tokens": 1200,
    }
    assert KEY.encode() not in request.raw
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert set(request.headers) == {
        "Host",
        "Accept",
        "Accept-Encoding",
        "User-Agent",
        "Authorization",
        "Content-Type",
        "Content-Length",
    }


@pytest.mark.parametrize(
    ("url", "dialect"),
    [
        ("https://api.x.ai/v1", Dialect(is_own=False, limit="max_completion_tokens")),
        ("https://api.openai.com/v1", Dialect(is_own=False, limit="max_completion_tokens")),
        ("https://openrouter.ai/api/v1", Dialect(is_own=False, limit="max_tokens")),
        ("https://api.x.ai.example.org/v1", Dialect(is_own=False, limit="max_tokens")),
        ("http://127.0.0.1:8080/v1", Dialect(is_own=True, limit="max_tokens")),
        ("u", Dialect(is_own=False, limit="max_tokens")),
    ],
)
def test_a_server_is_asked_as_its_address_lets_expect(url: str, dialect: Dialect) -> None:
    assert dialect_of(url) == dialect


@pytest.mark.parametrize("limit", ["max_completion_tokens", "max_tokens"])
def test_a_hosted_service_gets_room_to_reason_and_a_schema_without_bounds(limit: str) -> None:
    body = make_body("grok-4", QUESTION, Dialect(is_own=False, limit=limit))
    assert {key: value for key, value in body.items() if key.startswith("max_")} == {limit: 1200 + REASONING_TOKENS}
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "judgement", "strict": True, "schema": SCHEMA},
    }


async def test_a_server_of_ones_own_needs_no_key(openai_server: OpenAiStandIn, session: ClientSession) -> None:
    openai_server.plays(Says(b'{"data": [{"id": "local"}, {"id": 3}, "x"]}'))
    assert await make("openai", openai_server, session, key="").models() == ["local"]
    assert "Authorization" not in openai_server.requests[0].headers


async def test_the_models_are_the_providers_list(openai_server: OpenAiStandIn, session: ClientSession) -> None:
    assert await make("openai", openai_server, session).models() == list(xai.MODELS)


async def test_a_slash_at_the_end_of_the_url_changes_nothing(
    openai_server: OpenAiStandIn, session: ClientSession
) -> None:
    openai_server.base = "/v1/"
    assert (await make("openai", openai_server, session).ask(QUESTION)).text == TEXT


async def test_a_conversation_goes_out_turn_by_turn(openai_server: OpenAiStandIn, session: ClientSession) -> None:
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    await make("openai", openai_server, session).ask(Question("s", turns, SCHEMA, 10, 100))
    assert [message["role"] for message in openai_server.requests[0].body["messages"]] == [
        "system",
        "user",
        "assistant",
        "user",
    ]


async def test_reasoning_that_openai_counts_into_the_completion_is_counted_once(
    openai_server: OpenAiStandIn, session: ClientSession
) -> None:
    openai_server.counts_reasoning_beside = False
    assert (await make("openai", openai_server, session).ask(QUESTION)).usage == WHOLE


async def test_tokens_that_nobody_counted_are_left_to_the_asker(
    openai_server: OpenAiStandIn, session: ClientSession
) -> None:
    openai_server.plays(Says(b'{"choices": [{"message": {"content": "12345678"}}]}'))
    answer = await make("openai", openai_server, session).ask(QUESTION)
    assert (answer.usage, answer.model) == (Usage(), "grok-4")


@pytest.mark.parametrize("count", [b"-5", b"1e99", b"true", b'"7"', b"99999999999999999999", b"null"])
async def test_a_count_that_cannot_be_true_is_no_count(
    openai_server: OpenAiStandIn, session: ClientSession, count: bytes
) -> None:
    openai_server.plays(
        Says(
            b'{"choices": [{"message": {"content": "1234"}}], "usage": {"prompt_tokens": %b, "total_tokens": %b}}'
            % (count, count)
        )
    )
    assert (await make("openai", openai_server, session).ask(QUESTION)).usage == Usage()


@pytest.mark.parametrize(
    ("finish_reason", "kind"),
    [
        ("length", ProviderErrorKind.TOO_LONG),
        ("content_filter", ProviderErrorKind.INVALID_OUTPUT),
        ("tool_calls", ProviderErrorKind.INVALID_OUTPUT),
        ("function_call", ProviderErrorKind.INVALID_OUTPUT),
    ],
)
async def test_an_answer_that_ended_for_another_reason_is_none(
    openai_server: OpenAiStandIn, session: ClientSession, finish_reason: str, kind: ProviderErrorKind
) -> None:
    openai_server.finish_reason = finish_reason
    assert await kind_of(make("openai", openai_server, session)) is kind


@pytest.mark.parametrize(
    "message",
    [
        {"content": None},
        {"content": ""},
        {"content": " \n"},
        {"content": None, "refusal": "I cannot help with that."},
        {"tool_calls": [{"id": "1", "type": "function", "function": {"name": "rm", "arguments": "{}"}}]},
    ],
    ids=["nothing", "empty", "blank", "a refusal", "a tool call"],
)
async def test_a_message_without_an_answer_is_invalid_output(
    openai_server: OpenAiStandIn, session: ClientSession, message: dict[str, object]
) -> None:
    openai_server.message = message
    assert await kind_of(make("openai", openai_server, session)) is ProviderErrorKind.INVALID_OUTPUT


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'"text"',
        b"null",
        b'{"choices": []}',
        b'{"choices": "x"}',
        b'{"choices": [1]}',
        b'{"choices": [{"message": 1}]}',
        b'{"choices": [{"message": {"content": 5}}]}',
        b'{"choices": [{"message": {"content": [{"type": "text"}]}}]}',
    ],
)
async def test_json_of_another_shape_is_a_broken_transport(
    openai_server: OpenAiStandIn, session: ClientSession, body: bytes
) -> None:
    openai_server.plays(Says(body))
    assert await kind_of(make("openai", openai_server, session)) is ProviderErrorKind.TRANSPORT


async def test_a_wrong_key_at_xai_is_status_400(openai_server: OpenAiStandIn, session: ClientSession) -> None:
    wrong = "xai-wrong-0123456789-abcdefghijk"
    error = await failure(make("openai", openai_server, session, key=wrong))
    assert (error.kind, error.transient) == (ProviderErrorKind.AUTH, False)
    assert error.fix.startswith("Set ai.providers.grok.api_key to a key that 127.0.0.1 accepts")
    assert "Incorrect API key provided" in error.message


async def test_a_wrong_key_at_openai_is_status_401(openai_server: OpenAiStandIn, session: ClientSession) -> None:
    openai_server.shape = "openai"
    assert await kind_of(make("openai", openai_server, session, key="another")) is ProviderErrorKind.AUTH


@pytest.mark.parametrize("status", [429, 403])
async def test_spent_credits_at_xai_are_a_quota_whatever_the_status(
    openai_server: OpenAiStandIn, session: ClientSession, status: int
) -> None:
    words = "Your team 16f2 has either used all available credits or reached its monthly spending limit."
    openai_server.plays(Refuses(status, message=words))
    error = await failure(make("openai", openai_server, session))
    assert (error.kind, error.transient) == (ProviderErrorKind.QUOTA, False)
    assert words in error.message


async def test_a_model_that_is_not_there_names_the_key_of_the_configuration(
    openai_server: OpenAiStandIn, session: ClientSession
) -> None:
    error = await failure(make("openai", openai_server, session, model="grok-9"))
    assert error.kind is ProviderErrorKind.MODEL_MISSING
    assert "Set ai.providers.grok.model" in error.fix


async def test_a_server_that_knows_no_schema_is_asked_once_and_never_without_one(
    openai_server: OpenAiStandIn, session: ClientSession
) -> None:
    openai_server.plays(Refuses(400, message="response_format of type json_schema is not supported"))
    error = await failure(make("openai", openai_server, session))
    assert (error.kind, len(openai_server.requests)) == (ProviderErrorKind.MODEL_MISSING, 1)
    assert "Set ai.providers.grok.model to a model that can answer by a JSON Schema" in error.fix


async def test_an_upstream_error_that_openrouter_sends_with_status_200_is_read(
    openai_server: OpenAiStandIn, session: ClientSession
) -> None:
    openai_server.plays(Says(b'{"error": {"code": 429, "message": "Rate limit exceeded: free-models-per-min"}}'))
    assert await kind_of(make("openai", openai_server, session)) is ProviderErrorKind.RATE
