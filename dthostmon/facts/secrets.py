"""Secrets of files and histories, taken out before anything of them goes further. Pure."""

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from dthostmon.redact import redact

# Files of nothing but keys and passwords: what they hold is never shown, whatever is taken out of it.
_KEY_NAMES = (
    *("shadow", "shadow-", "gshadow", "gshadow-", "opasswd", "master.passwd", "*.key", "*_key", "*-key.pem"),
    *("privkey*.pem", "id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "*.ppk", "*.p12"),
    *("*.pfx", "*.jks", "*.keystore", "*.keytab", "*.kdbx", "secring.*", "*.agekey", "*htpasswd*", ".pgpass", ".netrc"),
    *(".git-credentials", "chap-secrets", "pap-secrets", "ipsec.secrets"),
)
_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File-|AGE-SECRET-KEY-1|openssh-key-v1")
_PIECE = 60_000  # characters: fewer than `redact` takes at once
LONGEST_LINE = 20_000


def is_key_material(path: str, held: bytes) -> bool:
    """Tell whether a file is, or holds, keys or passwords and little else."""
    name = posixpath.basename(path)
    return any(fnmatchcase(name, pattern) for pattern in _KEY_NAMES) or _KEY.search(held) is not None


def redacted(text: str) -> str:
    """Return a text of any length without its secrets; a line that is too long to be searched is left out."""
    return "".join(map(redact, _pieces(text)))


def _pieces(text: str) -> Iterator[str]:
    """Cut a text at ends of lines, blank ones first: a secret and the word that tells of it stand in one line, or
    nearly so, and `redact` knows either half of a key.
    """
    piece: list[str] = []
    size = 0
    for line in text.splitlines(keepends=True):
        shown = line if len(line) <= LONGEST_LINE else f"[left out: a line of {len(line)} characters]\n"
        if size + len(shown) > _PIECE or (size > _PIECE - LONGEST_LINE and not shown.strip()):
            yield "".join(piece)
            piece, size = [], 0
        piece.append(shown)
        size += len(shown)
    yield "".join(piece)
