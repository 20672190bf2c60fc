"""Ollama's own protocol: its OpenAI route knows no size of the context, and cuts what does not fit.

Ollama cuts a prompt that is longer than its context, and says so nowhere: so it is told the size and not to cut, and
what it says it read is compared with what was sent.
"""

from dataclasses import dataclass, field

from aiohttp import ClientSession

from dthostmon.config.sections import Provider as ProviderSettings
from dthostmon.judge.contract import with_bounds
from dthostmon.judge.providers.failures import Failures
from dthostmon.judge.providers.http import Endpoint, bearer, make_endpoint
from dthostmon.judge.providers.replies import at, count_at, list_at, text_at
from dthostmon.judge.providers.said import said_in
from dthostmon.judge.question import Answer, Question
from dthostmon.model import Usage

CONCURRENCY = 1
TIMEOUT_SECONDS = 120.0
KEEP_ALIVE = "15m"
SMALLEST_CONTEXT_TOKENS = 4096
PROMPT_MARGIN = 1.25  # how far our estimate of the prompt may be below the truth
MOST_CHARACTERS_PER_TOKEN = 6  # of any prose, with room to spare; logs have fewer than half of that


@dataclass(slots=True)
class Ollama:
    """An Ollama server."""

    endpoint: Endpoint = field(repr=False)
    name: str
    model: str
    timeout: float
    concurrency: int = CONCURRENCY

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one request."""
        document = await self.endpoint.send("POST", "/api/chat", self.timeout, make_body(self.model, question))
        usage = Usage(count_at(document, "prompt_eval_count"), count_at(document, "eval_count"))
        failures = self.endpoint.failures.of_answer(usage)
        text = read_text(document, question, failures)
        return Answer(text, failures.clean(text_at(document, "model")) or self.model, usage)

    async def models(self) -> list[str]:
        """Return the names of the models that it has; one tagged `latest` goes without its tag too."""
        document = await self.endpoint.send("GET", "/api/tags", self.timeout)
        names = [name for entry in list_at(document, "models") if (name := text_at(entry, "name"))]
        return [*names, *(name.removesuffix(":latest") for name in names if name.endswith(":latest"))]


def make_ollama(settings: ProviderSettings, session: ClientSession, timeout: float | None) -> Ollama:
    """Make a provider; `timeout` is in seconds, None = the protocol's own. The key is for a proxy before the server."""
    url = settings.url.rstrip("/").removesuffix("/api")
    endpoint = make_endpoint(settings, session, url, bearer(settings))
    return Ollama(endpoint, settings.name, settings.model, timeout or TIMEOUT_SECONDS)


def context_tokens(question: Question) -> int:
    """Return the context that a question needs, a power of two: each size that is another loads the model anew."""
    needed = int(question.prompt_tokens * PROMPT_MARGIN) + question.max_output_tokens
    size = SMALLEST_CONTEXT_TOKENS
    while size < needed:
        size *= 2
    return size


def least_tokens(question: Question) -> int:
    """Return what a prompt takes at least. The estimate is no measure of a cut: it is high, to be safe."""
    sent = len(question.system) + sum(len(message.content) for message in question.messages)
    return sent // MOST_CHARACTERS_PER_TOKEN


def make_body(model: str, question: Question) -> dict[str, object]:
    """Return the body of a request. A model that thinks would spend its answer's tokens on that."""
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": question.system},
            *({"role": message.role, "content": message.content} for message in question.messages),
        ],
        "format": with_bounds(question.schema),
        "options": {
            "num_ctx": context_tokens(question),
            "num_predict": question.max_output_tokens,
            "temperature": 0,
        },
        "truncate": False,
        "shift": False,
        "stream": False,
        "think": False,
        "keep_alive": KEEP_ALIVE,
    }


def read_text(document: object, question: Question, failures: Failures) -> str:
    """Return the text of the answer, or raise what is wrong with it."""
    message = at(document, "message")
    if not isinstance(message, dict) or not isinstance(message.get("content", ""), str):
        if text_at(document, "error"):
            status = count_at(document, "status")
            raise failures.refused_saying(status if 400 <= status < 600 else 500, said_in(document))
        raise failures.transport("answered JSON that is none of Ollama's")
    _check_length(document, question, failures)
    if list_at(message, "tool_calls"):
        raise failures.invalid("asked for a tool instead of answering")
    text = text_at(message, "content")
    if not text.strip():
        raise failures.invalid("gave an empty answer")
    return text


def _check_length(document: object, question: Question, failures: Failures) -> None:
    read = count_at(document, "prompt_eval_count")  # 0: not said, as older servers do for a prompt that they remember
    if 0 < read < least_tokens(question) or read >= context_tokens(question):
        raise failures.too_long(f"read {read} tokens of a prompt of about {question.prompt_tokens}")
    if text_at(document, "done_reason") == "length":
        raise failures.too_long("cut its answer at the limit of tokens")
