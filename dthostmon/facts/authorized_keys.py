"""The lines of authorized_keys. Pure: the fingerprint is that of the key's own bytes."""

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterator
from hashlib import sha256

from dthostmon.facts.plain import plain
from dthostmon.model import AuthorizedKey
from dthostmon.redact import redact

_KEY = re.compile(rb"([a-z0-9][a-z0-9@.-]{2,60})[ \t]+([A-Za-z0-9+/]{16,16000}={0,2})(?:[ \t]+(.*))?")
# Words and quoted parts up to the first blank that is outside of quotes; \" within quotes does not end them.
_OPTIONS = re.compile(rb'(?:[^" \t]|"(?:\\"|[^"])*")+')
_LONGEST_LINE = 20_000
_LONGEST_OPTIONS = 1000


def parse_keys(user: str, path: str, lines: list[bytes]) -> Iterator[AuthorizedKey]:
    """Read a file's lines; what sshd would pass over is passed over."""
    for line in lines:
        text = line.strip(b" \t\r")
        if text and not text.startswith(b"#") and len(text) <= _LONGEST_LINE and (key := _key(user, path, text)):
            yield key


def _key(user: str, path: str, text: bytes) -> AuthorizedKey | None:
    found = _KEY.fullmatch(text)
    fingerprint = _fingerprint(found) if found else None
    options = b""
    if not fingerprint and (before := _OPTIONS.match(text)):
        options = before[0]
        found = _KEY.fullmatch(text[before.end() :].strip(b" \t"))
        fingerprint = _fingerprint(found) if found else None
    if not found or not fingerprint:
        return None
    shown_options = redact(plain(options, _LONGEST_OPTIONS))
    return AuthorizedKey(user, path, fingerprint, plain(found[1]), shown_options, plain(found[3] or b""))


def _fingerprint(key: re.Match[bytes]) -> str | None:
    """Return the fingerprint as ssh-keygen shows it; None where the bytes are no key of that algorithm."""
    try:
        blob = b64decode(key[2] + b"=" * (-len(key[2]) % 4), validate=True)
    except (Error, ValueError):
        return None
    fields = list(_fields(blob))
    if len(fields) < 2 or fields[0] != key[1]:
        return None
    return f"SHA256:{b64encode(sha256(blob).digest()).decode().rstrip('=')}"


def _fields(blob: bytes) -> Iterator[bytes]:
    """Yield the parts of a key, each with its length before it; none where they are not all that there is."""
    fields: list[bytes] = []
    at = 0
    while at < len(blob):
        end = at + 4 + int.from_bytes(blob[at : at + 4], "big")
        if end > len(blob):
            return
        fields.append(blob[at + 4 : end])
        at = end
    yield from fields
