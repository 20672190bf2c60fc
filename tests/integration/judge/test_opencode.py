"""OpenCode: one session for one question, deleted whatever happened."""

import asyncio
import json
import logging
from dataclasses import replace

import pytest
from aiohttp import ClientSession

from dthostmon.errors import ProviderErrorKind
from dthostmon.judge.question import Message
from dthostmon.model import Usage
from tests.fixtures.asking import EVIDENCE, QUESTION, SCHEMA, SYSTEM, failure, kind_of, make
from tests.fixtures.opencode_stand_in import LOGIN, MODELS, OpenCodeStandIn
from tests.fixtures.stand_in import KEY, TEXT, Hangs, Refuses, Says


def steps(server: OpenCodeStandIn) -> list[str]:
    """Return what was asked for, with the session's id left out."""
    names = [request.path.replace("ses_062f6fafdffeazh6ywwvMxsb01", "ID") for request in server.requests]
    return [f"{request.method} {name}" for request, name in zip(server.requests, names, strict=True)]


WHOLE_STORY = ["POST /session", "POST /session/ID/message", "DELETE /session/ID"]


async def test_a_question_is_a_session_that_is_gone_afterwards(
    opencode_server: OpenCodeStandIn, session: ClientSession
) -> None:
    answer = await make("opencode", opencode_server, session).ask(QUESTION)
    assert (answer.text, answer.model) == (TEXT, "anthropic/claude-sonnet-5-5")
    assert answer.usage == Usage(prompt=150, completion=37, cached=100, reasoning=7)
    assert (steps(opencode_server), opencode_server.sessions) == (WHOLE_STORY, [])


async def test_the_requests_say_what_they_must_and_no_more(
    opencode_server: OpenCodeStandIn, session: ClientSession
) -> None:
    await make("opencode", opencode_server, session).ask(QUESTION)
    opened, asked, deleted = opencode_server.requests
    assert (opened.body, deleted.raw) == ({"title": "dthostmon"}, b"")
    body = asked.body
    system = body.pop("system")
    assert body == {
        "model": {"providerID": "anthropic", "modelID": "claude-sonnet-5-5"},
        "tools": {"*": False},
        "parts": [{"type": "text", "text": EVIDENCE}],
    }
    assert system.startswith(SYSTEM)
    assert json.loads(system[system.index("\n{") :]) == SCHEMA
    assert {request.headers["Authorization"] for request in opencode_server.requests} == {LOGIN}
    assert not any(KEY.encode() in request.raw for request in opencode_server.requests)


async def test_the_turns_of_a_conversation_are_one_text(
    opencode_server: OpenCodeStandIn, session: ClientSession
) -> None:
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    await make("opencode", opencode_server, session).ask(replace(QUESTION, messages=turns))
    assert opencode_server.requests[1].body["parts"][0]["text"] == "[user]\na\n\n[assistant]\nb\n\n[user]\nc"


async def test_the_models_carry_their_providers(opencode_server: OpenCodeStandIn, session: ClientSession) -> None:
    assert await make("opencode", opencode_server, session).models() == list(MODELS)


async def test_a_model_without_its_provider_is_never_asked(
    opencode_server: OpenCodeStandIn, session: ClientSession
) -> None:
    error = await failure(make("opencode", opencode_server, session, model="qwen3"))
    assert (error.kind, opencode_server.requests) == (ProviderErrorKind.MODEL_MISSING, [])
    assert "Set ai.providers.grok.model to PROVIDER/MODEL" in error.fix


async def test_a_server_without_a_password_gets_none(opencode_server: OpenCodeStandIn, session: ClientSession) -> None:
    assert await kind_of(make("opencode", opencode_server, session, key="")) is ProviderErrorKind.AUTH
    assert "Authorization" not in opencode_server.requests[0].headers


async def test_a_session_is_deleted_after_a_refusal(opencode_server: OpenCodeStandIn, session: ClientSession) -> None:
    opencode_server.plays(Refuses(503))
    assert await kind_of(make("opencode", opencode_server, session)) is ProviderErrorKind.OVERLOADED
    assert (steps(opencode_server), opencode_server.sessions) == (WHOLE_STORY, [])


async def test_a_session_is_deleted_after_a_message_that_took_too_long(
    opencode_server: OpenCodeStandIn, session: ClientSession
) -> None:
    opencode_server.plays(Hangs())
    error = await failure(make("opencode", opencode_server, session, timeout=0.3))
    assert error.kind is ProviderErrorKind.TRANSPORT
    assert (steps(opencode_server), opencode_server.sessions) == (WHOLE_STORY, [])


async def test_a_session_is_deleted_when_the_question_is_cancelled(
    opencode_server: OpenCodeStandIn, session: ClientSession
) -> None:
    opencode_server.plays(Hangs())
    asked = asyncio.create_task(make("opencode", opencode_server, session).ask(QUESTION))
    await opencode_server.asked(2)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert (steps(opencode_server), opencode_server.sessions) == (WHOLE_STORY, [])


async def test_a_session_that_cannot_be_deleted_is_told_and_the_answer_kept(
    opencode_server: OpenCodeStandIn, session: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    opencode_server.delete_behaviour = Refuses(500)
    with caplog.at_level(logging.WARNING):
        answer = await make("opencode", opencode_server, session).ask(QUESTION)
    assert (answer.text, caplog.messages) == (TEXT, ["a session is left behind"])


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"id": ""}', b'{"id": "../../etc"}', b'{"id": "a?b"}'])
async def test_an_id_that_is_none_is_never_put_into_a_path(
    opencode_server: OpenCodeStandIn, session: ClientSession, body: bytes
) -> None:
    opencode_server.session_behaviour = Says(body)
    assert await kind_of(make("opencode", opencode_server, session)) is ProviderErrorKind.TRANSPORT
    assert len(opencode_server.requests) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"name": "ProviderAuthError", "data": {"providerID": "x", "message": "no key"}}, ProviderErrorKind.AUTH),
        ({"name": "ContextOverflowError", "data": {"message": "too much"}}, ProviderErrorKind.TOO_LONG),
        ({"name": "MessageOutputLengthError", "data": {}}, ProviderErrorKind.TOO_LONG),
        ({"name": "ContentFilterError", "data": {"message": "no"}}, ProviderErrorKind.INVALID_OUTPUT),
        ({"name": "StructuredOutputError", "data": {"message": "no"}}, ProviderErrorKind.INVALID_OUTPUT),
        ({"name": "APIError", "data": {"message": "slow down", "statusCode": 429}}, ProviderErrorKind.RATE),
        ({"name": "APIError", "data": {"message": "busy", "statusCode": 529}}, ProviderErrorKind.OVERLOADED),
        ({"name": "APIError", "data": {"message": "?", "statusCode": 7}}, ProviderErrorKind.TRANSPORT),
        ({"name": "UnknownError", "data": {"message": "?"}}, ProviderErrorKind.TRANSPORT),
        ("what", ProviderErrorKind.TRANSPORT),
    ],
)
async def test_what_went_wrong_behind_the_server_is_told_as_what_it_is(
    opencode_server: OpenCodeStandIn, session: ClientSession, error: object, kind: ProviderErrorKind
) -> None:
    opencode_server.info = {"error": error}
    assert await kind_of(make("opencode", opencode_server, session)) is kind


@pytest.mark.parametrize(
    "parts",
    [[], [{"type": "text", "text": ""}], [{"type": "reasoning", "text": "hm"}], [{"type": "tool", "tool": "bash"}]],
    ids=["nothing", "empty", "reasoning alone", "a tool call"],
)
async def test_a_message_without_an_answer_is_invalid_output(
    opencode_server: OpenCodeStandIn, session: ClientSession, parts: list[dict[str, object]]
) -> None:
    opencode_server.parts = parts
    assert await kind_of(make("opencode", opencode_server, session)) is ProviderErrorKind.INVALID_OUTPUT


async def test_an_answer_cut_at_its_limit_is_too_long(opencode_server: OpenCodeStandIn, session: ClientSession) -> None:
    opencode_server.info = {"finish": "length"}
    assert await kind_of(make("opencode", opencode_server, session)) is ProviderErrorKind.TOO_LONG


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"info": {}}', b'{"info": 1, "parts": []}'])
async def test_json_of_another_shape_is_a_broken_transport(
    opencode_server: OpenCodeStandIn, session: ClientSession, body: bytes
) -> None:
    opencode_server.plays(Says(body))
    assert await kind_of(make("opencode", opencode_server, session)) is ProviderErrorKind.TRANSPORT
