"""One visit to all logs of a host, of whatever kind each pattern names."""

from collections.abc import Sequence

from dthostmon.logs.memory import Room
from dthostmon.logs.reading import CAPS, Caps, read_files
from dthostmon.model import HostState, LogsReading
from dthostmon.transport import Session


async def read_new(
    session: Session,
    patterns: Sequence[str],
    state: HostState,
    look_back: int,
    caps: Caps = CAPS,
    room: Room | None = None,
) -> LogsReading:
    """Read what is new in the logs that the patterns name; what they hold is taken of `room`.

    Raises VisitError where the connection died: nothing of this visit counts then.
    """
    return await read_files(session.files, patterns, state, look_back, caps, room)
