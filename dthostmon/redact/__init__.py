"""What must not leave the premises: secrets become marks, addresses and host names pseudonyms. Pure."""

from dthostmon.redact.pseudonyms import Pseudonyms
from dthostmon.redact.redaction import MAX_CHARACTERS, redact

__all__ = ["MAX_CHARACTERS", "Pseudonyms", "redact"]
