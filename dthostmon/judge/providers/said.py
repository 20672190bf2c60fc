"""What a provider said when it refused: read from the bodies that servers send, cleaned before anybody sees it."""

import base64
import html
import json
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

from dthostmon.judge.providers.replies import at, text_at

SHOWN_CHARACTERS = 200
MATCHED_CHARACTERS = 300  # a server may quote what it was sent: what log lines say must not classify an error
MASK = "***"
_PIECE_CHARACTERS = 8
_MESSAGES = (
    ("error", "message"),
    ("error",),
    ("message",),
    ("data", "message"),
    ("detail",),
    ("detail", "message"),
    ("detail", 0, "msg"),
)
_CODES = (("error", "type"), ("error", "code"), ("code",), ("name",), ("error", "details", "error_code"))
_TITLE = re.compile(r"<title[^>]*>([^<]{1,300})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """The message of an error body, and the codes beside it; both are the server's own words, not cleaned."""

    message: str = ""
    codes: str = ""

    @property
    def matched(self) -> str:
        """What the classification looks at."""
        return f"{self.codes} {self.message[:MATCHED_CHARACTERS]}".lower()


def read_said(body: bytes) -> Said:
    """Read an error body of any known shape."""
    text = body.decode("utf-8", "replace").strip()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return Said(_from_text(text))
    return said_in(document)


def said_in(document: object) -> Said:
    """Read an error that is JSON already."""
    if isinstance(document, str):
        return Said(document)
    messages = (text_at(document, *path) for path in _MESSAGES)
    codes = (at(document, *path) for path in _CODES)
    return Said(
        next((message for message in messages if message), ""),
        " ".join(str(code)[:100] for code in codes if isinstance(code, str | int)),
    )


def _from_text(text: str) -> str:
    if not text.startswith("<"):
        return text
    title = _TITLE.search(text)
    return f"an HTML page, {html.unescape(title[1]).strip()}" if title else "an HTML page"


def shown(text: str, secret: str) -> str:
    """Return a server's words as people may see them: one short line without the secret or a piece of it."""
    line = " ".join("".join(map(_printable, text)).split())
    masked = without_secret(line, secret)
    return masked if len(masked) <= SHOWN_CHARACTERS else masked[: SHOWN_CHARACTERS - 1] + "…"


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Cf", "Cs", "Co", "Cn"}:
        return ""
    return " " if category.startswith(("C", "Z")) else character


def without_secret(text: str, secret: str) -> str:
    """Mask a secret in every form that it is sent in, and every piece of it that is long enough to be one."""
    if not secret:
        return text
    pieces = {
        form[start : start + _PIECE_CHARACTERS]
        for form in _forms(secret)
        for start in range(max(1, len(form) - _PIECE_CHARACTERS + 1))
    }
    hidden = bytearray(len(text))
    for piece in pieces:
        start = text.find(piece)
        while start >= 0:
            hidden[start : start + len(piece)] = b"\1" * len(piece)
            start = text.find(piece, start + 1)
    marked = ("\0" if is_hidden else character for character, is_hidden in zip(text, hidden, strict=True))
    return re.sub("\0+", MASK, "".join(marked))


def _forms(secret: str) -> tuple[str, ...]:
    basic = f"opencode:{secret}".encode()
    return (
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(basic).decode().removeprefix(base64.b64encode(b"opencode:").decode()),
    )
