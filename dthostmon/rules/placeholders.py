"""The fields that a text of a rule names: "{count} failed login{s} for {user}"."""

import re
from collections.abc import Container, Iterator, Mapping

from dthostmon.rules.document import Mistake

COUNT_PLACEHOLDERS = ("count", "s")

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def name_mistakes(key: str, text: str, fields: Container[str]) -> Iterator[Mistake]:
    """Yield a mistake for each field that the text under `key` names and that the rule does not capture."""
    for name in _PLACEHOLDER.findall(text):
        if name not in COUNT_PLACEHOLDERS and name not in fields:
            yield Mistake((key,), f"'{name}' is not among the rule's fields")


def fill(text: str, words: Mapping[str, str], count: int) -> str:
    """Put the words into the text, `unknown` where there is none."""
    counted = {"count": str(count), "s": "" if count == 1 else "s"}
    return _PLACEHOLDER.sub(lambda match: counted.get(match[1]) or words.get(match[1], _missing(match[1])), text)


def _missing(name: str) -> str:
    return "" if name in COUNT_PLACEHOLDERS else "unknown"
