"""Secrets out of a text, marks in their place."""

from collections.abc import Sequence

from dthostmon.redact.accounts import ACCOUNTS
from dthostmon.redact.assignments import ASSIGNMENTS
from dthostmon.redact.commands import COMMANDS, OPTIONS, EchoedPassword, EncodedCommandLine
from dthostmon.redact.marks import Kind, folded, shown, symbol
from dthostmon.redact.pattern import Redaction
from dthostmon.redact.personal import PERSONAL
from dthostmon.redact.phrases import PHRASES
from dthostmon.redact.requests import AUTHORIZATION, COOKIES, URLS
from dthostmon.redact.shapes import HASHES, PRIVATE_KEYS, TOKENS

MAX_CHARACTERS = 65_536
_LAST_WORD_CHARACTERS = 4_096
# a text settles in two passes; more are needed where one secret was in front of another
_MAX_PASSES = 6


def redact(text: str) -> str:
    """Return the text with a mark in place of each secret, such as `[redacted: password]`.

    Idempotent. What is longer than MAX_CHARACTERS is cut before its last word, so that no half of a secret is left
    that nobody would know for one. A text that does not settle is taken out as a whole.
    """
    inside = folded(_cut(text))
    for _ in range(_MAX_PASSES):
        changed = _one_pass(inside)
        if changed == inside:
            return shown(inside)
        inside = changed
    return shown(symbol(Kind.TEXT))


def _cut(text: str) -> str:
    if len(text) <= MAX_CHARACTERS:
        return text
    head = text[:MAX_CHARACTERS]
    return head[: max(head.rfind(" "), head.rfind("\n"), MAX_CHARACTERS - _LAST_WORD_CHARACTERS)]


def _one_pass(text: str) -> str:
    lowered = text.lower()
    wanted = {index for hint, indexes in _BY_HINT.items() if hint in lowered for index in indexes}
    for index in sorted(wanted | _ALWAYS):
        text = _STEPS[index].apply(text)
    return text


# whole blocks first, then what is known by where it stands, then by its shape: a shape may be a part of a password
_STEPS: Sequence[Redaction] = (
    *PRIVATE_KEYS,
    *AUTHORIZATION,
    *COOKIES,
    *URLS,
    *COMMANDS,
    EchoedPassword(),
    *OPTIONS,
    *ASSIGNMENTS,
    *PHRASES,
    *TOKENS,
    *HASHES,
    *PERSONAL,
    *ACCOUNTS,
    EncodedCommandLine(_one_pass),
)
_BY_HINT = {hint: [i for i, step in enumerate(_STEPS) if hint in step.hints] for step in _STEPS for hint in step.hints}
_ALWAYS = frozenset(index for index, step in enumerate(_STEPS) if not step.hints)
