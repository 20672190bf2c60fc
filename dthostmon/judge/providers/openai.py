"""OpenAI's chat completions: xAI's Grok, OpenAI, OpenRouter, and llama.cpp, vLLM and LM Studio on one's own machines.

The configured url is the one that client libraries call the base URL; as a rule it ends with /v1.
"""

from dataclasses import dataclass, field

from aiohttp import ClientSession

from dthostmon.config.sections import Provider as ProviderSettings
from dthostmon.errors import ProviderError
from dthostmon.judge.contract import with_bounds
from dthostmon.judge.providers.failures import Failures
from dthostmon.judge.providers.http import Endpoint, bearer, make_endpoint
from dthostmon.judge.providers.replies import at, count_at, list_at, text_at, with_reasoning
from dthostmon.judge.providers.said import said_in
from dthostmon.judge.question import Answer, Question
from dthostmon.model import Usage

CONCURRENCY = 4
TIMEOUT_SECONDS = 30.0
REASONING_TOKENS = 4096
"""What a model may think before it answers, where its provider counts that against the limit of the answer."""

_NEWER = frozenset({"api.x.ai", "api.openai.com"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server wants to be asked.

    One's own servers are known by plain HTTP: they make a grammar of the bounds of a schema, which hosted services may
    refuse, and count no reasoning against the limit of the answer. xAI and OpenAI call that limit by its newer name,
    and OpenAI refuses the older one for models that reason; everybody else knows the older one.
    """

    is_own: bool
    limit: str


@dataclass(slots=True)
class OpenAi:
    """A provider that speaks chat completions."""

    endpoint: Endpoint = field(repr=False)
    name: str
    model: str
    timeout: float
    dialect: Dialect
    concurrency: int = CONCURRENCY

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one request."""
        body = make_body(self.model, question, self.dialect)
        document = await self.endpoint.send("POST", "/chat/completions", self.timeout, body)
        usage = read_usage(document)
        failures = self.endpoint.failures.of_answer(usage)
        text = read_text(document, failures)
        return Answer(text, failures.clean(text_at(document, "model")) or self.model, usage)

    async def models(self) -> list[str]:
        """Return the names of the models that it has."""
        document = await self.endpoint.send("GET", "/models", self.timeout)
        return [name for entry in list_at(document, "data") if (name := text_at(entry, "id"))]


def make_openai(settings: ProviderSettings, session: ClientSession, timeout: float | None) -> OpenAi:
    """Make a provider; `timeout` is in seconds, None = the protocol's own."""
    endpoint = make_endpoint(settings, session, settings.url, bearer(settings))
    dialect = dialect_of(settings.url)
    return OpenAi(endpoint, settings.name, settings.model, timeout or TIMEOUT_SECONDS, dialect)


def dialect_of(url: str) -> Dialect:
    """Return how the server at an address wants to be asked."""
    host = url.partition("://")[2].partition("/")[0]
    return Dialect(url.startswith("http://"), "max_completion_tokens" if host in _NEWER else "max_tokens")


def make_body(model: str, question: Question, dialect: Dialect) -> dict[str, object]:
    """Return the body of a request. No temperature: models that reason refuse it."""
    schema = with_bounds(question.schema) if dialect.is_own else question.schema
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": question.system},
            *({"role": message.role, "content": message.content} for message in question.messages),
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "judgement", "strict": True, "schema": schema},
        },
        "stream": False,
        dialect.limit: question.max_output_tokens + (0 if dialect.is_own else REASONING_TOKENS),
    }


def read_text(document: object, failures: Failures) -> str:
    """Return the text of the answer, or raise what is wrong with it."""
    choice = at(document, "choices", 0)
    if not isinstance(choice, dict):
        raise _no_choice(document, failures)
    message = at(choice, "message")
    finish = text_at(choice, "finish_reason")
    if list_at(message, "tool_calls") or finish in {"tool_calls", "function_call"}:
        raise failures.invalid("asked for a tool instead of answering")
    if finish == "content_filter" or text_at(message, "refusal"):
        raise failures.invalid(f"refused to answer: {failures.clean(text_at(message, 'refusal')) or 'content_filter'}")
    if finish == "length":
        raise failures.too_long("cut its answer at the limit of tokens")
    content = at(message, "content")
    if not isinstance(content, str | None) or not isinstance(message, dict):
        raise failures.transport("answered JSON that is no chat completion")
    if not content or not content.strip():
        raise failures.invalid("gave an empty answer")
    return content


def _no_choice(document: object, failures: Failures) -> ProviderError:
    """Return the error of an answer without choices: OpenRouter sends what its upstream refused with status 200."""
    error = at(document, "error")
    if error is None:
        return failures.transport("answered JSON that is no chat completion")
    code = count_at(error, "code")
    return failures.refused_saying(code if 400 <= code < 600 else 500, said_in(document))


def read_usage(document: object) -> Usage:
    """Return what an answer took."""
    usage = Usage(
        prompt=count_at(document, "usage", "prompt_tokens"),
        completion=count_at(document, "usage", "completion_tokens"),
        cached=count_at(document, "usage", "prompt_tokens_details", "cached_tokens"),
        reasoning=count_at(document, "usage", "completion_tokens_details", "reasoning_tokens"),
    )
    return with_reasoning(usage, count_at(document, "usage", "total_tokens"))
