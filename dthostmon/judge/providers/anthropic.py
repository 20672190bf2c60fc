"""Anthropic's messages."""

from dataclasses import dataclass, field

from aiohttp import ClientSession

from dthostmon.config.sections import Provider as ProviderSettings
from dthostmon.judge.providers.failures import Failures, key_of
from dthostmon.judge.providers.http import Endpoint, make_endpoint
from dthostmon.judge.providers.replies import at, count_at, list_at, text_at
from dthostmon.judge.providers.said import said_in
from dthostmon.judge.question import Answer, Question
from dthostmon.model import Usage

CONCURRENCY = 4
TIMEOUT_SECONDS = 30.0
VERSION = "2026-10-21"  # https://platform.claude.com/docs/en/api/versioning
THINKING_TOKENS = 4096
"""What a model may think before it answers: newer ones do so unasked, some refuse to be told not to, and it counts
against max_tokens."""

MODELS_PATH = "/v1/models?limit=1000"


@dataclass(slots=True)
class Anthropic:
    """The Anthropic API, or a server that speaks like it."""

    endpoint: Endpoint = field(repr=False)
    name: str
    model: str
    timeout: float
    concurrency: int = CONCURRENCY

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one request."""
        document = await self.endpoint.send("POST", "/v1/messages", self.timeout, make_body(self.model, question))
        usage = read_usage(document)
        failures = self.endpoint.failures.of_answer(usage)
        text = read_text(document, failures)
        return Answer(text, failures.clean(text_at(document, "model")) or self.model, usage)

    async def models(self) -> list[str]:
        """Return the names of the models that it has."""
        document = await self.endpoint.send("GET", MODELS_PATH, self.timeout)
        return [name for entry in list_at(document, "data") if (name := text_at(entry, "id"))]


def make_anthropic(settings: ProviderSettings, session: ClientSession, timeout: float | None) -> Anthropic:
    """Make a provider; `timeout` is in seconds, None = the protocol's own."""
    url = settings.url.rstrip("/").removesuffix("/v1")
    headers = {"x-api-key": key_of(settings), "anthropic-version": VERSION}
    endpoint = make_endpoint(settings, session, url, headers)
    return Anthropic(endpoint, settings.name, settings.model, timeout or TIMEOUT_SECONDS)


def make_body(model: str, question: Question) -> dict[str, object]:
    """Return the body of a request. No temperature: the API refuses it."""
    return {
        "model": model,
        "max_tokens": question.max_output_tokens + THINKING_TOKENS,
        "system": question.system,
        "messages": [{"role": message.role, "content": message.content} for message in question.messages],
        "output_config": {"format": {"type": "json_schema", "schema": question.schema}},
        "stream": False,
    }


def read_text(document: object, failures: Failures) -> str:
    """Return the text of the answer, or raise what is wrong with it."""
    if text_at(document, "type") == "error":
        raise failures.refused_saying(500, said_in(document))
    if not isinstance(at(document, "content"), list):
        raise failures.transport("answered JSON that is no message")
    _check_reason(document, failures)
    blocks = list_at(document, "content")
    if any(text_at(block, "type") == "tool_use" for block in blocks):
        raise failures.invalid("asked for a tool instead of answering")
    text = "".join(text_at(block, "text") for block in blocks if text_at(block, "type") == "text")
    if not text.strip():
        raise failures.invalid("gave an empty answer")
    return text


def _check_reason(document: object, failures: Failures) -> None:
    reason = text_at(document, "stop_reason")
    if reason == "max_tokens":
        raise failures.too_long("cut its answer at the limit of tokens")
    if reason == "model_context_window_exceeded":
        raise failures.too_long("found no room for the answer beside the prompt")
    if reason == "refusal":
        raise failures.invalid("refused to answer")
    if reason in {"tool_use", "pause_turn"}:
        raise failures.invalid("asked for a tool instead of answering")


def read_usage(document: object) -> Usage:
    """Return what an answer took: what the cache gave or took is counted beside the input, thinking in the output."""
    cached = count_at(document, "usage", "cache_read_input_tokens")
    written = count_at(document, "usage", "cache_creation_input_tokens")
    return Usage(
        prompt=count_at(document, "usage", "input_tokens") + cached + written,
        completion=count_at(document, "usage", "output_tokens"),
        cached=cached,
        reasoning=count_at(document, "usage", "output_tokens_details", "thinking_tokens"),
    )
