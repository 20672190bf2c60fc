r"""Paths as text: what a host calls a file is bytes, what a database, JSON and a page can hold is not.

Valid UTF-8 without control characters stays as it is. Any other byte becomes \xNN, and a backslash is doubled, so that
`to_bytes(to_text(path)) == path` for every path.
"""

import re

from dthostmon.errors import FileUnreadableError

MAX_NAME_BYTES = 255
# Besides controls and undecodable bytes (they arrive as lone surrogates): the line and paragraph separators, which
# break log lines, and the marks that make a terminal or a page show a name backwards. A fixed list, because
# str.isprintable() changes with each release of Unicode, and a path that changed its text would lose its cursor.
_UNSAFE = re.compile("[\\\\\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_ESCAPE = re.compile(rb"\\(?:(\\)|x([0-9a-f]{2}))")


def to_text(path: bytes) -> str:
    """Return the text of a path: printable, and free of NUL and lone surrogates."""
    return _UNSAFE.sub(_escape, path.decode("utf-8", "surrogateescape"))


def to_bytes(text: str) -> bytes:
    """Return the path that a text stands for; a backslash that begins no escape stands for itself, as typed."""
    return _ESCAPE.sub(_unescape, text.encode("utf-8", "surrogateescape"))


def to_request(text: str) -> bytes:
    """Return the path to ask a host for. Raises FileUnreadableError for one that no file can have."""
    raw = to_bytes(text)
    if b"\0" in raw:
        raise FileUnreadableError(text, "the path holds a NUL")
    if any(len(name) > MAX_NAME_BYTES for name in raw.split(b"/")):
        raise FileUnreadableError(text, f"a name in it is longer than {MAX_NAME_BYTES} bytes")
    return raw


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\\":
        return "\\\\"
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def _unescape(found: re.Match[bytes]) -> bytes:
    return found[1] or bytes([int(found[2], 16)])
