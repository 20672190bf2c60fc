"""Visits to logs that are no files."""

from dataclasses import dataclass, field, replace

from dthostmon import logs
from dthostmon.logs import Caps
from dthostmon.model import HostState, LogReading, LogsReading
from dthostmon.transport import Session

LOOK_BACK = 64 * 1024


@dataclass
class Visitor:
    """Visits a host again and again, keeping the cursors as the store would."""

    session: Session
    patterns: tuple[str, ...] = ("journal:",)
    caps: Caps = field(default_factory=Caps)
    look_back: int = LOOK_BACK
    state: HostState = field(default_factory=lambda: HostState({}, frozenset()))
    everything: bytes = b""

    async def visit(self) -> LogsReading:
        reading = await logs.read_new(self.session, self.patterns, self.state, self.look_back, self.caps)
        moved = {log.path: replace(log.cursor, version=log.cursor.version + 1) for log in reading.logs if log.cursor}
        streams = {**self.state.streams, **moved}
        self.state = HostState({}, self.state.patterns | reading.patterns, streams=streams)
        self.everything += b"".join(log.data for log in reading.logs)
        for log in reading.logs:
            assert log.bytes_appeared == len(log.data)
            assert log.data == b"" or log.data.endswith(b"\n")
        return reading

    async def only(self) -> LogReading:
        [log] = (await self.visit()).logs
        return log
