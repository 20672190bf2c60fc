"""What a host says, as people are shown it: no control characters, no halves of characters, no endless lines."""

LONGEST_LINE = 300
_KEPT_IN_TEXT = "\n\t"


def line(said: bytes | str, limit: int = LONGEST_LINE) -> str:
    """Return one printable line of at most `limit` characters."""
    text = said if isinstance(said, str) else said.decode(errors="replace")
    return "".join(character if character.isprintable() else "?" for character in text[:limit])


def lines(text: str) -> str:
    """Return a text with its lines and tabs; other control characters are written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character in _KEPT_IN_TEXT else f"\\x{ord(character):02x}"
        for character in text
    )
