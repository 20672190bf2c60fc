"""Our line in a host's authorized_keys."""

from dthostmon.model import TransportKind

READ_ONLY = 'restrict,command="internal-sftp -R"'  # no shell, no forwarding, and SFTP that cannot write


def authorized_line(public_key: str, transport: TransportKind) -> str:
    """Return the line for a public key (kind and base64); a host without a shell gives none to the key either."""
    options = f"{READ_ONLY} " if transport is TransportKind.SFTP else ""
    return f"{options}{public_key} dthostmon"
