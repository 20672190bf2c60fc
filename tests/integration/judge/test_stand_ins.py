"""The stand-ins for providers are faithful: the official clients are content with what they answer and refuse."""

from contextlib import AbstractContextManager, closing

import anthropic
import ollama
import openai
import pytest

from tests.fixtures import anthropic_stand_in, ollama_stand_in, openai_stand_in
from tests.fixtures.anthropic_stand_in import AnthropicStandIn
from tests.fixtures.asking import BOUNDED_SCHEMA, SCHEMA
from tests.fixtures.ollama_stand_in import OllamaStandIn
from tests.fixtures.openai_stand_in import OpenAiStandIn
from tests.fixtures.stand_in import KEY, TEXT, Refuses

MESSAGES = [{"role": "user", "content": "hello"}]


def grok(server: OpenAiStandIn, key: str = KEY) -> openai.OpenAI:
    return openai.OpenAI(api_key=key, base_url=server.url, max_retries=0, timeout=5)


def claude(server: AnthropicStandIn, key: str = KEY) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=key, base_url=server.url, max_retries=0, timeout=5)


def llama(server: OllamaStandIn) -> AbstractContextManager[ollama.Client]:
    return closing(ollama.Client(server.url))


def test_the_openai_client_reads_a_completion_with_all_its_counts(openai_server: OpenAiStandIn) -> None:
    with grok(openai_server) as client:
        completion = client.chat.completions.create(
            model="grok-4",
            messages=MESSAGES,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "judgement", "strict": True, "schema": SCHEMA},
            },
            max_tokens=100,
        )
    assert (completion.choices[0].message.content, completion.choices[0].finish_reason) == (TEXT, "stop")
    usage = completion.usage
    assert usage is not None
    assert usage.completion_tokens_details is not None
    assert usage.prompt_tokens_details is not None
    assert (usage.completion_tokens_details.reasoning_tokens, usage.prompt_tokens_details.cached_tokens) == (
        openai_stand_in.REASONING_TOKENS,
        openai_stand_in.CACHED_TOKENS,
    )
    type(completion).model_validate(completion.model_dump())


def test_the_openai_client_reads_a_completion_as_it_comes(openai_server: OpenAiStandIn) -> None:
    with grok(openai_server) as client:
        stream = client.chat.completions.create(
            model="grok-4", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        pieces = list(stream)
    assert "".join(choice.delta.content or "" for piece in pieces for choice in piece.choices) == TEXT
    assert [choice.finish_reason for piece in pieces for choice in piece.choices] == [None, "stop"]
    assert pieces[-1].usage is not None
    assert pieces[-1].usage.prompt_tokens == openai_stand_in.PROMPT_TOKENS


def test_the_openai_client_lists_the_models(openai_server: OpenAiStandIn) -> None:
    with grok(openai_server) as client:
        assert [model.id for model in client.models.list()] == list(openai_stand_in.MODELS)


@pytest.mark.parametrize(("shape", "error"), [("xai", openai.BadRequestError), ("openai", openai.AuthenticationError)])
def test_the_openai_client_reads_a_wrong_key_in_both_shapes(
    openai_server: OpenAiStandIn, shape: str, error: type[openai.APIStatusError]
) -> None:
    openai_server.shape = shape
    with grok(openai_server, "wrong-key") as client, pytest.raises(error) as caught:
        client.models.list()
    assert "Incorrect API key provided: wr***ey" in str(caught.value.body)


def test_the_openai_client_reads_a_missing_model(openai_server: OpenAiStandIn) -> None:
    with grok(openai_server) as client, pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="grok-9", messages=MESSAGES)
    assert "does not exist" in str(caught.value.body)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, openai.PermissionDeniedError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
def test_the_openai_client_knows_each_refusal(
    openai_server: OpenAiStandIn, status: int, error: type[openai.APIStatusError]
) -> None:
    openai_server.shape = "openai"
    openai_server.plays(Refuses(status))
    with grok(openai_server) as client, pytest.raises(error) as caught:
        client.models.list()
    assert (caught.value.body or {})["message"] == "not now"


def test_the_ollama_client_reads_a_chat(ollama_server: OllamaStandIn) -> None:
    with llama(ollama_server) as client:
        answer = client.chat(
            "llama3.1", MESSAGES, format=SCHEMA, think=False, keep_alive="15m", options={"num_ctx": 4096}
        )
    assert (answer.message.content, answer.done, answer.done_reason) == (TEXT, True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (1, 12)


def test_the_ollama_client_lists_the_models(ollama_server: OllamaStandIn) -> None:
    with llama(ollama_server) as client:
        assert [model.model for model in client.list().models] == list(ollama_stand_in.MODELS)


def test_the_ollama_client_reads_a_missing_model_and_a_full_queue(ollama_server: OllamaStandIn) -> None:
    with llama(ollama_server) as client:
        with pytest.raises(ollama.ResponseError, match="model 'mistral' not found") as missing:
            client.chat("mistral", MESSAGES)
        ollama_server.is_busy = True
        with pytest.raises(ollama.ResponseError, match="maximum pending requests exceeded") as busy:
            client.chat("llama3.1", MESSAGES)
    assert (missing.value.status_code, busy.value.status_code) == (404, 503)


def test_the_ollama_client_sees_a_cut_prompt_only_in_its_count(ollama_server: OllamaStandIn) -> None:
    with llama(ollama_server) as client:
        answer = client.chat("llama3.1", [{"role": "user", "content": "x" * 40_000}])
    assert (answer.prompt_eval_count, answer.done_reason) == (2048, "stop")


def test_the_anthropic_client_reads_a_message_with_all_its_counts(anthropic_server: AnthropicStandIn) -> None:
    with claude(anthropic_server) as client:
        message = client.messages.create(
            model="claude-sonnet-5-5",
            max_tokens=100,
            system="s",
            messages=MESSAGES,
            output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
        )
    assert (message.content[-1].type, message.stop_reason) == ("text", "end_turn")
    assert getattr(message.content[-1], "text", "") == TEXT
    assert message.usage.cache_read_input_tokens == anthropic_stand_in.CACHE_READ_TOKENS
    assert message.usage.output_tokens_details is not None
    assert message.usage.output_tokens_details.thinking_tokens == anthropic_stand_in.THINKING_TOKENS
    type(message).model_validate(message.model_dump())


def test_the_anthropic_client_lists_the_models(anthropic_server: AnthropicStandIn) -> None:
    with claude(anthropic_server) as client:
        assert [model.id for model in client.models.list()] == list(anthropic_stand_in.MODELS)


def test_the_anthropic_client_is_told_that_bounds_are_not_supported(anthropic_server: AnthropicStandIn) -> None:
    with claude(anthropic_server) as client, pytest.raises(anthropic.BadRequestError, match="is not supported"):
        client.messages.create(
            model="claude-sonnet-5-5",
            max_tokens=100,
            messages=MESSAGES,
            output_config={"format": {"type": "json_schema", "schema": BOUNDED_SCHEMA}},
        )


def test_the_anthropic_client_sends_the_version_that_we_send(anthropic_server: AnthropicStandIn) -> None:
    from dthostmon.judge.providers.anthropic import VERSION

    with claude(anthropic_server) as client:
        client.models.list()
    assert anthropic_server.requests[0].headers["anthropic-version"] == VERSION


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (413, anthropic.APIStatusError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.APIStatusError),
    ],
)
def test_the_anthropic_client_knows_each_refusal(
    anthropic_server: AnthropicStandIn, status: int, error: type[anthropic.APIStatusError]
) -> None:
    anthropic_server.plays(Refuses(status))
    with claude(anthropic_server) as client, pytest.raises(error, match="not now"):
        client.models.list()


def test_the_anthropic_client_reads_a_wrong_key(anthropic_server: AnthropicStandIn) -> None:
    with claude(anthropic_server, "wrong") as client, pytest.raises(anthropic.AuthenticationError):
        client.models.list()
