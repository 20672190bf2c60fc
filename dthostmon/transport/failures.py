"""Translates what asyncssh and the network say into VisitError; the deadline of each stage lives here too."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncssh
from asyncssh.packet import PacketDecodeError

from dthostmon.errors import ErrorKind, VisitError

RETRY_FIX = "It is tried again at the next cycle; `ssh -v` to the same address shows more."


@asynccontextmanager
async def stage(where: str, doing: str, seconds: float) -> AsyncIterator[asyncio.Timeout]:
    """Give a stage its deadline in seconds; raise VisitError when it passes, and for what asyncssh raises inside."""
    with translated(where, doing):
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                yield deadline
        except TimeoutError as exc:
            if not deadline.expired():
                raise
            raise late(where, doing, seconds) from exc


def late(where: str, doing: str, seconds: float) -> VisitError:
    """Say that a stage had `seconds` and did not end."""
    message = f"{where}: {doing} took longer than {seconds:g} s."
    return VisitError(ErrorKind.TIMEOUT, message, "Raise `ssh.connect_timeout` if the host is only slow.")


@contextmanager
def translated(where: str, doing: str) -> Iterator[None]:
    """Raise VisitError for a failure of an open connection."""
    try:
        yield
    except asyncssh.ChannelOpenError as exc:
        raise _channel_failure(where, doing, exc) from exc
    except PacketDecodeError as exc:
        message = f"{where}: the host broke the protocol while {doing}: {reason(exc)}."
        raise VisitError(ErrorKind.PROTOCOL, message, RETRY_FIX) from exc
    except (asyncssh.Error, OSError, EOFError) as exc:
        message = f"{where}: the connection was lost while {doing}: {reason(exc)}."
        raise VisitError(ErrorKind.PROTOCOL, message, RETRY_FIX) from exc


def reason(exc: BaseException) -> str:
    """Return what an exception says of itself, printable: part of it came from the host."""
    text = str(exc) or type(exc).__name__
    return "".join(character if character.isprintable() else "?" for character in text[:300]).rstrip(".")


def _channel_failure(where: str, doing: str, exc: asyncssh.ChannelOpenError) -> VisitError:
    if exc.code == asyncssh.OPEN_REQUEST_SESSION_FAILED:
        fix = "Allow it in the host's sshd_config (`Subsystem sftp internal-sftp`) and in the options of the key."
        return VisitError(ErrorKind.PROTOCOL, f"{where}: the host refused {doing}.", fix)
    if "closed" in str(exc.reason):
        return VisitError(ErrorKind.PROTOCOL, f"{where}: the connection was lost while {doing}.", RETRY_FIX)
    message = f"{where}: the host opens no more sessions on this connection ({reason(exc)}) while {doing}."
    return VisitError(ErrorKind.OVERLOADED, message, "Raise `MaxSessions` in the host's sshd_config.")
