"""Every pattern of `logs` as a layer: what it names on the host, and whether that can be read."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dthostmon.cli.setup.layers import LOG, Layer, Status
from dthostmon.model import Cursor, Finding, HostState, LogReading, LogsReading, Severity

if TYPE_CHECKING:
    from dthostmon.transport import Session

NOTHING_KNOWN = HostState({}, frozenset())
NO_LOG_FIX = "Name logs that exist there in `logs` of this host."


async def log_layers(session: "Session", patterns: Sequence[str], user: str) -> list[Layer]:
    """Return a layer for each pattern; `user` is who reads. Raises VisitError where the connection died."""
    from dthostmon import logs

    layers = []
    for pattern in patterns:
        reading = await logs.read_new(session, (pattern,), NOTHING_KNOWN, look_back=0)
        layers.append(_layer(pattern, reading, user))
    if all(layer.status is Status.MISSING for layer in layers):
        return [Layer(LOG, layer.subject, Status.FAILED, layer.detail, NO_LOG_FIX) for layer in layers]
    return layers


def _layer(pattern: str, reading: LogsReading, user: str) -> Layer:
    # That nothing is read is said of one pattern here; whether it is so of the host, all layers together tell.
    of_pattern = [problem for problem in reading.problems if problem.kind != "log-none"]
    troubles = [problem for problem in of_pattern if problem.severity > Severity.INFO]
    if troubles:
        detail = "; ".join(_detail(pattern, problem) for problem in troubles)
        fixes = dict.fromkeys(_fix(problem, user) for problem in troubles)
        return Layer(LOG, pattern, Status.FAILED, detail, " ".join(fixes))
    readable = [log for log in reading.logs if log.unreadable is None]
    if not readable:
        told = [_detail(pattern, problem) for problem in reading.problems if problem.kind == "log-missing"]
        return Layer(LOG, pattern, Status.MISSING, "; ".join(told) or "nothing there")
    return Layer(LOG, pattern, Status.OK, _amount(readable) if pattern.startswith("/") else "readable")


def _amount(files: Sequence[LogReading]) -> str:
    size = sum(file.cursor.current.size for file in files if isinstance(file.cursor, Cursor))
    return f"{len(files)} file{'' if len(files) == 1 else 's'}, {shown_size(size)}"


def _detail(pattern: str, problem: Finding) -> str:
    return problem.title.removeprefix(f"{pattern} ")


def _fix(problem: Finding, user: str) -> str:
    """Return what mends a problem, with the very command for the most common one."""
    path = problem.fields.get("path", "")
    if problem.kind != "log-unreadable" or not path.startswith("/"):
        return problem.recommended_action
    share = f"setfacl -m u:{shlex.quote(user)}:r {shlex.quote(path)}"
    return f"As root there, run `usermod -aG adm {shlex.quote(user)}`, or for this file alone `{share}`."


def shown_size(size: float) -> str:
    """Render bytes for a person: `1.2 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
