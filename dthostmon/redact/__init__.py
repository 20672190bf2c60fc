"""What must not leave the premises: secrets become marks. Pure."""

from dthostmon.redact.redaction import MAX_CHARACTERS, redact

__all__ = ["MAX_CHARACTERS", "redact"]
