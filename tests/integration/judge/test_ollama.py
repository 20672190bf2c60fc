"""Ollama: what is sent, and how a prompt that it cut is noticed."""

from dataclasses import replace

import pytest
from aiohttp import ClientSession

from dthostmon.errors import ProviderErrorKind
from dthostmon.judge.providers.ollama import context_tokens
from dthostmon.judge.question import Message
from dthostmon.model import Usage
from tests.fixtures.asking import BOUNDED_SCHEMA, EVIDENCE, QUESTION, SYSTEM, failure, kind_of, make
from tests.fixtures.ollama_stand_in import CHARACTERS_PER_TOKEN, OllamaStandIn
from tests.fixtures.stand_in import TEXT, Says

LONG = replace(QUESTION, messages=(Message("user", "x" * 20_000 * CHARACTERS_PER_TOKEN),), prompt_tokens=20_000)


async def test_an_answer_comes_with_its_model_and_what_it_took(
    ollama_server: OllamaStandIn, session: ClientSession
) -> None:
    answer = await make("ollama", ollama_server, session, key="").ask(QUESTION)
    tokens = len(SYSTEM + EVIDENCE) // CHARACTERS_PER_TOKEN
    assert (answer.text, answer.model, answer.usage) == (TEXT, "llama3.1", Usage(tokens, 12))


async def test_the_request_says_what_it_must_and_no_more(ollama_server: OllamaStandIn, session: ClientSession) -> None:
    await make("ollama", ollama_server, session, key="").ask(QUESTION)
    (request,) = ollama_server.requests
    assert (request.method, request.path) == ("POST", "/api/chat")
    assert request.body == {
        "model": "llama3.1",
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": EVIDENCE}],
        "format": BOUNDED_SCHEMA,
        "options": {"num_ctx": 4096, "num_predict": 1200, "temperature": 0},
        "truncate": False,
        "shift": False,
        "stream": False,
        "think": False,
        "keep_alive": "15m",
    }
    assert "Authorization" not in request.headers


async def test_a_key_is_sent_for_the_proxy_that_asks_for_one(
    ollama_server: OllamaStandIn, session: ClientSession
) -> None:
    await make("ollama", ollama_server, session, key="of-the-proxy").ask(QUESTION)
    assert ollama_server.requests[0].headers["Authorization"] == "Bearer of-the-proxy"


async def test_the_models_go_by_their_short_names_too(ollama_server: OllamaStandIn, session: ClientSession) -> None:
    assert await make("ollama", ollama_server, session).models() == ["llama3.1:latest", "qwen3:4b", "llama3.1"]


@pytest.mark.parametrize(
    ("prompt_tokens", "size"), [(10, 4096), (2300, 4096), (2400, 8192), (5500, 8192), (6000, 16384)]
)
def test_the_context_takes_few_sizes_for_each_new_one_loads_the_model_again(prompt_tokens: int, size: int) -> None:
    assert context_tokens(replace(QUESTION, prompt_tokens=prompt_tokens)) == size


async def test_a_long_prompt_gets_the_context_that_it_needs(
    ollama_server: OllamaStandIn, session: ClientSession
) -> None:
    assert (await make("ollama", ollama_server, session).ask(LONG)).usage.prompt >= 20_000


async def test_a_prompt_beyond_the_models_context_is_too_long(
    ollama_server: OllamaStandIn, session: ClientSession
) -> None:
    ollama_server.largest_context = 8192
    error = await failure(make("ollama", ollama_server, session), LONG)
    assert (error.kind, error.transient) == (ProviderErrorKind.TOO_LONG, False)
    assert "the input length exceeds the context length" in error.message


async def test_a_prompt_that_an_older_server_cut_without_a_word_is_too_long(
    ollama_server: OllamaStandIn, session: ClientSession
) -> None:
    ollama_server.largest_context, ollama_server.knows_truncate = 8192, False
    error = await failure(make("ollama", ollama_server, session), LONG)
    assert error.kind is ProviderErrorKind.TOO_LONG
    assert "read 4096 tokens of a prompt of about 20000" in error.message


async def test_an_estimate_far_above_the_truth_is_no_cut_prompt(
    ollama_server: OllamaStandIn, session: ClientSession
) -> None:
    question = replace(QUESTION, prompt_tokens=3000)
    assert (await make("ollama", ollama_server, session).ask(question)).text == TEXT


async def test_a_prompt_that_fills_the_context_to_its_end_is_too_long(
    ollama_server: OllamaStandIn, session: ClientSession
) -> None:
    ollama_server.document_changes = {"prompt_eval_count": 4096}
    assert await kind_of(make("ollama", ollama_server, session)) is ProviderErrorKind.TOO_LONG


async def test_a_prompt_that_the_server_remembers_and_does_not_count_is_no_cut_one(
    ollama_server: OllamaStandIn, session: ClientSession
) -> None:
    ollama_server.document_changes = {"prompt_eval_count": 0}
    assert (await make("ollama", ollama_server, session).ask(QUESTION)).usage == Usage(0, 12)


async def test_an_answer_cut_at_its_limit_is_too_long(ollama_server: OllamaStandIn, session: ClientSession) -> None:
    ollama_server.done_reason = "length"
    assert await kind_of(make("ollama", ollama_server, session)) is ProviderErrorKind.TOO_LONG


async def test_a_full_queue_is_overload(ollama_server: OllamaStandIn, session: ClientSession) -> None:
    ollama_server.is_busy = True
    error = await failure(make("ollama", ollama_server, session))
    assert (error.kind, error.transient) == (ProviderErrorKind.OVERLOADED, True)


async def test_a_model_that_was_not_pulled_is_missing(ollama_server: OllamaStandIn, session: ClientSession) -> None:
    error = await failure(make("ollama", ollama_server, session, model="mistral"))
    assert error.kind is ProviderErrorKind.MODEL_MISSING
    assert "model 'mistral' not found" in error.message


@pytest.mark.parametrize(
    "message",
    [{"content": ""}, {"content": "", "tool_calls": [{"function": {"name": "rm", "arguments": {}}}]}],
    ids=["empty", "a tool call"],
)
async def test_a_message_without_an_answer_is_invalid_output(
    ollama_server: OllamaStandIn, session: ClientSession, message: dict[str, object]
) -> None:
    ollama_server.message = message
    assert await kind_of(make("ollama", ollama_server, session)) is ProviderErrorKind.INVALID_OUTPUT


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"message": "x"}', b'{"message": {"content": 1}}', b'{"models": []}'])
async def test_json_of_another_shape_is_a_broken_transport(
    ollama_server: OllamaStandIn, session: ClientSession, body: bytes
) -> None:
    ollama_server.plays(Says(body))
    assert await kind_of(make("ollama", ollama_server, session)) is ProviderErrorKind.TRANSPORT


async def test_an_error_that_comes_with_status_200_is_read(
    ollama_server: OllamaStandIn, session: ClientSession
) -> None:
    ollama_server.plays(Says(b'{"error": "the input length exceeds the context length", "status": 400}'))
    assert await kind_of(make("ollama", ollama_server, session)) is ProviderErrorKind.TOO_LONG
