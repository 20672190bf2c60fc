"""What stands where a secret was.

Inside of `redact` a mark is one character that Unicode reserves for such uses (U+FDD0 and on), so that no expression
matches a part of it or its words, and a second run sees what the first one left.
"""

import re
from enum import StrEnum


class Kind(StrEnum):
    """What was taken out, as the mark says it."""

    PRIVATE_KEY = "private key"
    PASSWORD = "password"  # noqa: S105  # the word in the mark
    TOKEN = "token"  # noqa: S105  # the word in the mark
    KEY = "secret key"
    SECRET = "secret"  # noqa: S105  # the word in the mark
    CREDENTIALS = "credentials"
    COOKIE = "cookie"
    SIGNATURE = "signature"
    HASH = "password hash"
    EMAIL = "e-mail address"
    CARD = "card number"
    USER_NAME = "user name, perhaps a password"
    COMMAND = "encoded command line"
    TEXT = "text"


_FIRST = 0xFDD0
_LAST = 0xFDEF
_SYMBOLS = {kind: chr(_FIRST + index) for index, kind in enumerate(Kind)}
_MARKS = {f"[redacted: {kind}]": symbol for kind, symbol in _SYMBOLS.items()}
_MARK = re.compile("|".join(map(re.escape, _MARKS)))
_SYMBOL = re.compile(f"[{chr(_FIRST)}-{chr(_LAST)}]")
_SHOWN = {symbol: mark for mark, symbol in _MARKS.items()}


def symbol(kind: Kind) -> str:
    """Return the character that stands for a mark."""
    return _SYMBOLS[kind]


def folded(text: str) -> str:
    """Return the text with each mark as one character. Such characters that came with the text are replaced."""
    if not text.isascii():
        text = _SYMBOL.sub("\N{REPLACEMENT CHARACTER}", text)
    return _MARK.sub(lambda found: _MARKS[found[0]], text) if "[redacted: " in text else text


def shown(text: str) -> str:
    """Return the text with the marks as they are read."""
    return _SYMBOL.sub(lambda found: _SHOWN[found[0]], text)


def is_marked(value: str) -> bool:
    """Tell whether nothing but marks, and what stands around and between values, is left of it."""
    return not any(character.isalnum() for character in _SYMBOL.sub("", value)) and bool(_SYMBOL.search(value))
