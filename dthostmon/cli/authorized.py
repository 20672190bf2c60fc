"""Our line in a host's authorized_keys."""

from dthostmon.model import TransportKind
from dthostmon.transport.session import READ_ONLY_KEY_OPTIONS


def authorized_line(public_key: str, transport: TransportKind) -> str:
    """Return the line for a public key (kind and base64); a host without a shell gives none to the key either."""
    options = f"{READ_ONLY_KEY_OPTIONS} " if transport is TransportKind.SFTP else ""
    return f"{options}{public_key} dthostmon"
