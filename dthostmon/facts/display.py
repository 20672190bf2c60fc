"""What a host calls its things, as text that can be shown: whoever names a thing may want to deceive its reader."""

LONGEST_NAME = 200  # no honest name or version is longer


def shown(raw: bytes, longest: int = LONGEST_NAME) -> str:
    """Return bytes as printable text: what is not printable, or no UTF-8, is a question mark."""
    text = raw[: 4 * longest].decode(errors="replace").strip()[:longest]
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)
