"""How dthostmon tells of itself: a fixed sentence and structured extras, one line each, on stderr; traces indented."""

import logging
import sys

from dthostmon.cli.output import safe

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
TRACE_INDENT = "    "


class ExtrasFormatter(logging.Formatter):
    """Writes `time level sentence key=value …`; nothing that a host sent can forge a record or steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record: a line, and below it each line of its trace, indented."""
        extras = " ".join(f"{key}={value!r}" for key, value in vars(record).items() if key not in STANDARD_ATTRIBUTES)
        line = f"{self.formatTime(record)} {record.levelname} {record.getMessage()} {extras}".rstrip()
        trace = self.formatException(record.exc_info).split("\n") if record.exc_info else []
        return "\n".join([safe(line), *(TRACE_INDENT + safe(traced) for traced in trace)])


def set_up_logging(level: str) -> None:
    """Send records to stderr. Libraries speak up only where something is wrong."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(ExtrasFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[stream], force=True)
    logging.getLogger("dthostmon").setLevel(LEVELS[level])
    logging.getLogger("asyncssh").setLevel(logging.ERROR)  # its warnings are our VisitErrors
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # a request that is no HTTP: its sender's error
