"""What a model is asked, and what comes back, whatever the wire protocol."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dthostmon.errors import ProviderError, ProviderErrorKind
from dthostmon.model import Usage

MODEL_NAME = re.compile(r"[\w.:/@+-]{1,100}", re.ASCII)  # what may be shown of a name that a provider gives


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation: the user's, or a model's answer that is shown to it again."""

    role: str  # user | assistant
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """A request to a model. `schema` is the JSON Schema that the answer must obey.

    `prompt_tokens` is our estimate of what is sent, `max_output_tokens` must exceed the largest answer of the schema:
    constrained output is still cut there.
    """

    system: str
    messages: Sequence[Message]
    schema: Mapping[str, object]
    prompt_tokens: int
    max_output_tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The raw text of an answer, the model that its provider says gave it, and what it took."""

    text: str
    model: str
    usage: Usage


class UnusableAnswerError(ProviderError):
    """An answer that came, was paid for, and is of no use: cut, empty, refused, a call of a tool.

    `usage` is what it took, as its provider counted it; 0 = it did not say.
    """

    def __init__(
        self, kind: ProviderErrorKind, message: str, fix: str, usage: Usage, retry_after: float | None = None
    ) -> None:
        super().__init__(kind, message, fix, retry_after)
        self.usage = usage


class Provider(Protocol):
    """A service that answers with a model. It raises ProviderError and nothing else (but for cancellation).

    `concurrency` is how many requests it is given at a time, `timeout` the seconds that one try may take.
    """

    name: str
    model: str
    concurrency: int
    timeout: float

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one request: no retries here."""

    async def models(self) -> Sequence[str]:
        """Return the names of the models that it has."""
