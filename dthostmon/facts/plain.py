"""What hosts say, as people are shown it: printable, and no endless lines. Who names a thing may want to deceive."""

LONGEST_NAME = 200
_KEPT_IN_TEXT = "\n\t"


def plain(raw: bytes | str, limit: int = LONGEST_NAME) -> str:
    """Return text in one line; what cannot be printed is shown as ?, and what is longer than `limit` is cut."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = text[: 4 * limit].strip()[: limit + 1]
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def lines(text: str) -> str:
    """Return a text with its lines and tabs; other control characters are written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in _KEPT_IN_TEXT else f"\\x{ord(character):02x}"
        for character in text
    )


def number(raw: bytes | str, largest: int = 2**31 - 1) -> int | None:
    """Return a number from 0 to `largest`; None where it is none, or another one."""
    text = raw.decode("ascii", "replace") if isinstance(raw, bytes) else raw
    if not text.isascii() or not text.isdecimal() or len(text) > 20:
        return None
    return value if (value := int(text)) <= largest else None
