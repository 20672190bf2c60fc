"""How dthostmon tells of itself: a fixed sentence and structured extras, one line each, on stderr."""

import logging
import sys

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class ExtrasFormatter(logging.Formatter):
    """Writes `time level sentence key=value …`; nothing that a host sent can break the line or steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        extras = " ".join(f"{key}={value!r}" for key, value in vars(record).items() if key not in STANDARD_ATTRIBUTES)
        line = f"{self.formatTime(record)} {record.levelname} {record.getMessage()} {extras}".rstrip()
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return line + trace


def set_up_logging(level: str) -> None:
    """Send records to stderr. Libraries speak up only where something is wrong."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(ExtrasFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[stream], force=True)
    logging.getLogger("dthostmon").setLevel(LEVELS[level])
    logging.getLogger("asyncssh").setLevel(logging.ERROR)  # its warnings are our VisitErrors
