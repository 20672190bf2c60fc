"""From a connected socket, or a line through a bastion, to an SSH connection: host key verified, user logged in."""

import asyncio
import socket
from collections.abc import Callable

import asyncssh

from dthostmon.transport.attempt import BANNER, Attempt
from dthostmon.transport.line import Line

KEEPALIVE_SECONDS = 15
KEEPALIVE_COUNT_MAX = 3  # a host that answers none of so many is gone: known after a minute

# The cheapest of the strong ones first: a visit costs 3.8 ms of CPU with them and 5.2 ms with the library's own order.
# The ^ keeps all defaults after them, so that old and odd servers stay reachable.
CIPHERS = "^aes128-gcm@openssh.com"
KEY_EXCHANGES = "^curve25519-sha256,curve25519-sha256@libssh.org"
HOST_KEYS = ("ssh-ed25519", "ecdsa-sha2-*", "rsa-sha2-*")


async def log_in(
    attempt: Attempt, line: socket.socket | Line, *, lost: Callable[[], None], keepalive: float = KEEPALIVE_SECONDS
) -> asyncssh.SSHClientConnection:
    """Speak SSH on a connected socket or a line, which is closed on failure. Raises VisitError.

    `lost` is called when the connection has ended. `keepalive` are the seconds after which a silent host is asked
    whether it is there; the third question without an answer ends the connection.
    """
    greeter = _Greeter(lost)
    try:
        async with asyncio.timeout(attempt.access.connect_timeout):
            return await _handshake(attempt, line, greeter, keepalive)
    except TimeoutError as exc:
        raise attempt.late(greeter.awaited) from exc
    except (asyncssh.Error, OSError) as exc:
        raise attempt.of(exc, greeter.awaited, greeter.offered) from exc
    finally:
        if greeter.connection is None:
            line.close()


async def _handshake(
    attempt: Attempt, line: socket.socket | Line, greeter: "_Greeter", keepalive: float
) -> asyncssh.SSHClientConnection:
    access = attempt.access
    return await asyncssh.connect(
        access.hostname,
        access.port,
        sock=line if isinstance(line, socket.socket) else None,
        tunnel=line if isinstance(line, Line) else None,
        client_factory=lambda: greeter,
        config=None,
        known_hosts=attempt.known_hosts.entries,
        host_key_alias=access.host_key_alias,
        server_host_key_algs=_host_key_algorithms(attempt.known_hosts.keys(access)),
        username=access.user,
        client_keys=[*attempt.identity.pairs],
        agent_path=None,
        preferred_auth="publickey",
        password_auth=False,
        kbdint_auth=False,
        gss_host=None,
        encryption_algs=CIPHERS,
        kex_algs=KEY_EXCHANGES,
        compression_algs="none",
        utf8_decode_errors="backslashreplace",
        login_timeout=0,
        keepalive_interval=keepalive,
        keepalive_count_max=KEEPALIVE_COUNT_MAX,
    )


def _host_key_algorithms(known: tuple[asyncssh.SSHKey, ...]) -> str:
    """Ask for the known kinds of key first, and for the others too: a changed key shall be seen, not merely missed."""
    names = dict.fromkeys(name.decode("ascii") for key in known for name in key.sig_algorithms)
    return ",".join([*names, *HOST_KEYS]) if names else "default"


class _Greeter(asyncssh.SSHClient):
    """Remembers how far a login came, because the exception at its end does not say it."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self._lost = lost
        self.connection: asyncssh.SSHClientConnection | None = None
        self.offered: asyncssh.SSHKey | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        self.connection = conn

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncssh's signature
        self._lost()

    def validate_host_public_key(self, *host_and_key: object) -> bool:
        """Note a host key that known_hosts does not hold, and refuse it."""
        *_, key = host_and_key
        assert isinstance(key, asyncssh.SSHKey)  # noqa: S101  # asyncssh's signature: host, address, port, key
        self.offered = key
        return False

    @property
    def awaited(self) -> str:
        """What the host had still to send."""
        if self.connection is None or not self.connection.get_extra_info("server_version"):
            return BANNER
        return "the login" if self.connection.get_server_host_key() else "the key exchange"
