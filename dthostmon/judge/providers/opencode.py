"""An OpenCode server (1.x): a session for each question, with no tool allowed, deleted whatever happened.

The configured model is PROVIDER/MODEL as OpenCode names it, and always sent: the server's own default may be a hosted
third party. The key is the server's password; its user is the default one, `opencode`. OpenCode has no way to hold a
model to a JSON Schema without a tool, so the schema is part of what the model is told.
"""

import asyncio
import base64
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import ClientSession

from dthostmon.config.sections import Provider as ProviderSettings
from dthostmon.errors import ProviderError
from dthostmon.judge.providers.failures import Failures, key_of
from dthostmon.judge.providers.http import Endpoint, make_endpoint
from dthostmon.judge.providers.replies import at, count_at, list_at, text_at
from dthostmon.judge.providers.said import said_in
from dthostmon.judge.question import Answer, Message, Question
from dthostmon.model import Usage

CONCURRENCY = 4
TIMEOUT_SECONDS = 30.0
DELETE_TIMEOUT_SECONDS = 5.0
USER = "opencode"
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_STATUSES = {"ProviderAuthError": 401, "ContextOverflowError": 413, "MessageOutputLengthError": 413}
_NO_ANSWERS = frozenset({"ContentFilterError", "StructuredOutputError"})
_MODEL_FIX = "Set {key}.model to PROVIDER/MODEL, as OpenCode names it: anthropic/claude-sonnet-4-5, for instance."

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class OpenCode:
    """A server that somebody runs with `opencode serve`; it is never started from here."""

    endpoint: Endpoint = field(repr=False)
    name: str
    model: str
    timeout: float
    concurrency: int = CONCURRENCY

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one question."""
        body = make_body(self.model, question, self.endpoint.failures)
        clock = asyncio.get_running_loop().time
        ends = clock() + self.timeout
        session_id = await self._open()
        try:
            document = await self.endpoint.send("POST", f"/session/{session_id}/message", ends - clock(), body)
        finally:
            await self._delete(session_id)
        return self._read(document)

    async def models(self) -> list[str]:
        """Return the names of the models that it has, as PROVIDER/MODEL."""
        document = await self.endpoint.send("GET", "/config/providers", self.timeout)
        return [
            f"{text_at(provider, 'id')}/{model}"
            for provider in list_at(document, "providers")
            if isinstance(models := at(provider, "models"), dict)
            for model in models
        ]

    async def _open(self) -> str:
        document = await self.endpoint.send("POST", "/session", self.timeout, {"title": "dthostmon"})
        session_id = text_at(document, "id")
        if not _SESSION_ID.fullmatch(session_id):
            raise self.endpoint.failures.transport("answered JSON that is no session")
        return session_id

    async def _delete(self, session_id: str) -> None:
        """Delete a session: what it holds is on the server's disk until then."""
        try:
            await self.endpoint.send("DELETE", f"/session/{session_id}", DELETE_TIMEOUT_SECONDS)
        except ProviderError as exc:
            logger.warning("a session is left behind", extra={"provider": self.name, "reason": exc.message})

    def _read(self, document: object) -> Answer:
        usage = read_usage(document)
        failures = self.endpoint.failures.of_answer(usage)
        text = read_text(document, failures)
        names = [failures.clean(text_at(document, "info", key)) for key in ("providerID", "modelID")]
        return Answer(text, "/".join(names) if all(names) else self.model, usage)


def make_opencode(settings: ProviderSettings, session: ClientSession, timeout: float | None) -> OpenCode:
    """Make a provider; `timeout` is in seconds for one question, None = the protocol's own."""
    endpoint = make_endpoint(settings, session, settings.url, _login(key_of(settings)))
    return OpenCode(endpoint, settings.name, settings.model, timeout or TIMEOUT_SECONDS)


def _login(password: str) -> dict[str, str]:
    if not password:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()}


def make_body(model: str, question: Question, failures: Failures) -> dict[str, object]:
    """Return the body of the one message that a session gets."""
    provider_id, _, model_id = model.partition("/")
    if not provider_id or not model_id:
        raise failures.model_missing("cannot be asked for a model without its provider", _MODEL_FIX)
    schema = json.dumps(question.schema, separators=(",", ":"))
    rule = f"Answer with nothing but one JSON object that obeys this JSON Schema:\n{schema}"
    return {
        "model": {"providerID": provider_id, "modelID": model_id},
        "system": f"{question.system}\n\n{rule}",
        "tools": {"*": False},
        "parts": [{"type": "text", "text": _conversation(question.messages)}],
    }


def _conversation(messages: Sequence[Message]) -> str:
    """Return the turns as one text: a session takes none of a model's that it did not give itself."""
    if len(messages) == 1:
        return messages[0].content
    return "\n\n".join(f"[{message.role}]\n{message.content}" for message in messages)


def read_text(document: object, failures: Failures) -> str:
    """Return the text of the answer, or raise what is wrong with it."""
    if not isinstance(at(document, "info"), dict) or not isinstance(at(document, "parts"), list):
        raise failures.transport("answered JSON that is none of OpenCode's")
    error = at(document, "info", "error")
    if error is not None:
        raise _failed(error, failures)
    parts = list_at(document, "parts")
    if any(text_at(part, "type") == "tool" for part in parts):
        raise failures.invalid("asked for a tool instead of answering")
    if text_at(document, "info", "finish") == "length":
        raise failures.too_long("cut its answer at the limit of tokens")
    text = "".join(text_at(part, "text") for part in parts if text_at(part, "type") == "text")
    if not text.strip():
        raise failures.invalid("gave an empty answer")
    return text


def _failed(error: object, failures: Failures) -> ProviderError:
    """Return what went wrong between OpenCode and the provider behind it."""
    name = text_at(error, "name")
    if name in _NO_ANSWERS:
        return failures.invalid(f"gave no answer: {failures.clean(text_at(error, 'data', 'message')) or name}")
    status = count_at(error, "data", "statusCode")
    return failures.refused_saying(_STATUSES.get(name) or (status if 400 <= status < 600 else 500), said_in(error))


def read_usage(document: object) -> Usage:
    """Return what an answer took. Reasoning is counted beside the output, and the cache beside the input."""
    tokens = at(document, "info", "tokens")
    cached, reasoning = count_at(tokens, "cache", "read"), count_at(tokens, "reasoning")
    return Usage(
        prompt=count_at(tokens, "input") + cached + count_at(tokens, "cache", "write"),
        completion=count_at(tokens, "output") + reasoning,
        cached=cached,
        reasoning=reasoning,
    )
