"""What hosts call their things, fit to be shown: one line, printable, short."""

LONGEST_NAME = 200


def plain(raw: bytes | str, limit: int = LONGEST_NAME) -> str:
    """Return text in one line; what cannot be printed is shown as ?, and what is longer than `limit` is cut."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = text[: limit + 1]
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def number(raw: bytes | str, largest: int = 2**31 - 1) -> int | None:
    """Return a number from 0 to `largest`; None where it is none, or another one."""
    text = raw.decode("ascii", "replace") if isinstance(raw, bytes) else raw
    if not text.isascii() or not text.isdecimal() or len(text) > 20:
        return None
    return value if (value := int(text)) <= largest else None
