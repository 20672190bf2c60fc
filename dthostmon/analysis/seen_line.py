"""A line as it was read, on its way to become evidence."""

from datetime import datetime
from typing import NamedTuple

from dthostmon import templates
from dthostmon.model import Evidence


class SeenLine(NamedTuple):
    """A line of a log and what it says of its time. Few of all that are seen become evidence, so that is made late."""

    path: str
    line: bytes
    time: datetime | None

    def evidence(self) -> Evidence:
        """Return what is shown of it."""
        return Evidence(self.path, templates.as_read(self.line), templates.line_id(self.path, self.line), self.time)
