"""Why a provider did not answer, sorted by status and by the words of the body, each with what mends it.

What breaks the protocol (no JSON, another shape, a body that ends early) is TRANSPORT: asking the same model again
with the error in hand mends nothing. What the model did (a tool call, a refusal, an empty answer) is INVALID_OUTPUT.
A refused request that no rule knows is TRANSPORT too, for it may be but one prompt that a server chokes on.
"""

import re
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from urllib.parse import urlsplit

from dthostmon.config.sections import Provider as ProviderSettings
from dthostmon.errors import ProviderError, ProviderErrorKind
from dthostmon.judge.providers.said import Said, read_said, shown
from dthostmon.judge.question import UnusableAnswerError
from dthostmon.model import Usage

AUTH = ProviderErrorKind.AUTH
QUOTA = ProviderErrorKind.QUOTA
RATE = ProviderErrorKind.RATE
MODEL_MISSING = ProviderErrorKind.MODEL_MISSING
TOO_LONG = ProviderErrorKind.TOO_LONG
OVERLOADED = ProviderErrorKind.OVERLOADED
TRANSPORT = ProviderErrorKind.TRANSPORT
INVALID_OUTPUT = ProviderErrorKind.INVALID_OUTPUT

_BY_STATUS = {
    401: AUTH,
    402: QUOTA,
    403: AUTH,
    404: MODEL_MISSING,
    409: OVERLOADED,
    413: TOO_LONG,
    429: RATE,
    503: OVERLOADED,
    529: OVERLOADED,
}

_FIXES = {
    AUTH: "Set {key}.api_key to a key that {host} accepts for {model}.",
    QUOTA: "Buy credit or raise the spending limit at {host}, for the account that {key}.api_key belongs to.",
    RATE: "It is asked again later; raise the account's rate limit at {host}, or name one more under ai.providers.",
    MODEL_MISSING: "Set {key}.model to a model that {host} has; {key}.url must be its API's address.",
    TOO_LONG: "Set {key}.model to a model with room for more tokens.",
    OVERLOADED: "It is asked again later; name one more under ai.providers if it stays so.",
    TRANSPORT: "Check {key}.url, and that {host} answers from here; it is asked again later.",
    INVALID_OUTPUT: "Set {key}.model to a model that follows a JSON Schema, if it stays so.",
}
_NO_SCHEMA_FIX = "Set {key}.model to a model that can answer by a JSON Schema (structured output)."
_REFUSED_CONTENT_FIX = "Set {key}.model to a model that reads log lines without refusing them, if it stays so."


class _Rule(NamedTuple):
    """Words that say more than the status does, and the statuses that they count with."""

    kind: ProviderErrorKind
    statuses: frozenset[int]
    words: re.Pattern[str]
    fix: str = ""


_RULES = (
    _Rule(AUTH, frozenset({400, 422}), re.compile(r"\bapi[ _-]?key|authentication|unauthori[sz]ed|credentials")),
    _Rule(
        QUOTA,
        frozenset({400, 401, 403, 429}),
        re.compile(
            r"\bcredits?\b|billing|insufficient[ _](?:user[ _])?(?:quota|balance|funds)|spend(?:ing)?[ _]limit"
            r"|exceeded your current quota|payment required"
        ),
    ),
    _Rule(
        TOO_LONG,
        frozenset({400, 422, 500}),
        re.compile(
            r"context[ _](?:length|size|window|limit)|maximum context|prompt is too long|too many tokens|input length"
            r"|max_tokens is too large|max_model_len|request_too_large|contextoverflow"
        ),
    ),
    _Rule(
        MODEL_MISSING,
        frozenset({400, 403, 422}),
        re.compile(
            r"model_not_found|(?:unknown|invalid|no such|unsupported) model|not a valid model|model is required"
            r"|\bmodel\b.{0,120}(?:not found|not exist|unknown|no longer|deprecated|unavailable|not available)"
        ),
    ),
    _Rule(
        MODEL_MISSING,
        frozenset({400, 422}),
        re.compile(r"response_format|json_schema|structured[ _]output|output_config|output_format"),
        _NO_SCHEMA_FIX,
    ),
    _Rule(
        INVALID_OUTPUT,
        frozenset({400, 403}),
        re.compile(r"content[ _](?:management|policy|filter)|safety|moderation|flagged|usage guidelines"),
        _REFUSED_CONTENT_FIX,
    ),
)


def classify(status: int, said: Said) -> tuple[ProviderErrorKind, str]:
    """Return the kind of a refusal and the pattern of the sentence that says how to mend it."""
    words = said.matched
    for rule in _RULES:
        if status in rule.statuses and rule.words.search(words):
            return rule.kind, rule.fix or _FIXES[rule.kind]
    kind = _BY_STATUS.get(status, TRANSPORT)
    return kind, _FIXES[kind]


@dataclass(frozen=True, slots=True)
class Failures:
    """Makes the errors of one provider: each names it, its place in the configuration, and never its key.

    `usage` is what the answer says it took that the errors are about.
    """

    name: str
    model: str
    host: str
    secret: str
    usage: Usage = field(default_factory=Usage)

    def of_answer(self, usage: Usage) -> "Failures":
        """Return what makes the errors of one answer, which was paid for even where it is of no use."""
        return replace(self, usage=usage)

    def refused(self, status: int, body: bytes, retry_after: float | None = None) -> ProviderError:
        """Return the error of an answer with a status that is none of success."""
        return self.refused_saying(status, read_said(body), retry_after)

    def refused_saying(self, status: int, said: Said, retry_after: float | None = None) -> ProviderError:
        """Return the error of a refusal whose words are known."""
        kind, fix = classify(status, said)
        words = shown(said.message or said.codes, self.secret).rstrip(".")
        return self._error(kind, f"answered {status}" + (f": {words}" if words else ""), fix, retry_after)

    def transport(self, what: str) -> ProviderError:
        """Return the error of a request that found no answer of its protocol; `what` completes "The provider X …"."""
        return self._error(TRANSPORT, what)

    def unsendable(self) -> ProviderError:
        """Return the error of a request that cannot even be written."""
        fix = "Set {key}.url to an address that begins with http:// or https://, and {key}.api_key to one line."
        return self._error(TRANSPORT, "cannot be asked with the url and the key that it has", fix)

    def untrusted(self, reason: str) -> ProviderError:
        """Return the error of a TLS connection that proves nothing."""
        fix = "Give {host} a certificate that this machine's store of authorities trusts, or correct {key}.url."
        return self._error(TRANSPORT, f"cannot be trusted: {self.clean(reason)}", fix)

    def redirected(self, status: int, location: str) -> ProviderError:
        """Return the error of an answer that sends us elsewhere."""
        place = shown(location, self.secret) or "nowhere"
        fix = "Set {key}.url to its final address, if you trust that one: redirects are not followed."
        return self._error(TRANSPORT, f"answered {status} and points to {place}", fix)

    def invalid(self, what: str, fix: str = "") -> ProviderError:
        """Return the error of an answer that is none to the question."""
        return self._error(INVALID_OUTPUT, what, fix, is_answer=True)

    def too_long(self, what: str) -> ProviderError:
        """Return the error of a prompt or an answer that did not fit."""
        return self._error(TOO_LONG, what, is_answer=True)

    def model_missing(self, what: str, fix: str) -> ProviderError:
        """Return the error of a model that cannot be asked."""
        return self._error(MODEL_MISSING, what, fix)

    def clean(self, text: str) -> str:
        """Return a server's words as people may see them."""
        return shown(text, self.secret)

    def _error(
        self,
        kind: ProviderErrorKind,
        what: str,
        fix: str = "",
        retry_after: float | None = None,
        *,
        is_answer: bool = False,
    ) -> ProviderError:
        places = {"key": f"ai.providers.{self.name}", "host": self.host, "model": self.model}
        message, mend = f"The provider {self.name} {what}.", (fix or _FIXES[kind]).format_map(places)
        if is_answer or self.usage.total:  # what breaks the protocol may have been paid for as well
            return UnusableAnswerError(kind, message, mend, self.usage, retry_after)
        return ProviderError(kind, message, mend, retry_after)


def make_failures(settings: ProviderSettings) -> Failures:
    """Make the failures of a configured provider. Its URL may hold a password: only the host is ever shown."""
    try:
        host = urlsplit(settings.url).hostname
    except ValueError:
        host = None
    return Failures(settings.name, settings.model, host or "the provider", key_of(settings))


def key_of(settings: ProviderSettings) -> str:
    """Return the key of a configured provider, without the end of line that keys read from files bring along."""
    return settings.api_key.get_secret_value().strip()
