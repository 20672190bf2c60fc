"""What must not leave the premises: secrets become marks, addresses and host names pseudonyms. Pure."""

from dthostmon.redact.redaction import MAX_CHARACTERS, redact

# who wants pseudonyms imports them from their module: few daemons use them
__all__ = ["MAX_CHARACTERS", "redact"]
