"""Puts our public key into a host's authorized_keys, over one login by password: the only place where one is used."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncssh

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import SshAccess
from dthostmon.transport.dialing import dial
from dthostmon.transport.failures import reason, stage
from dthostmon.transport.known_hosts import KnownHosts, load_known_hosts

CLOSE_SECONDS = 1.0
THERE_ALREADY = 3

# Reads two lines: the key to look for, and the line that is added where no line that is in force holds the key.
# One line in single quotes without any of its own, and no exclamation mark: so it means the same to sh, csh and fish.
SCRIPT = (
    "exec /bin/sh -c '"
    'umask 077; cd "${HOME:?}" && IFS= read -r key && IFS= read -r line || exit 4; '
    "file=.ssh/authorized_keys; "
    'mkdir -p .ssh && chmod 700 .ssh && touch "$file" && chmod 600 "$file" || exit 5; '
    f'grep -v "^[[:space:]]*#" "$file" | grep -qF -e "$key" && exit {THERE_ALREADY}; '
    'if [ -n "$(tail -c 1 "$file")" ]; then echo >>"$file" || exit 5; fi; '
    'printf "%s\\n" "$line" >>"$file" || exit 5; '
    'if command -v restorecon >/dev/null 2>&1; then restorecon -F .ssh "$file"; fi; '
    "exit 0'"
)


async def install_key(access: SshAccess, where: str, password: str, key: str, line: str) -> bool:
    """Log in by password and authorize a public key; returns False where it was authorized already.

    `key` (kind and base64) is looked for there, `line` is what is added. The host key is verified first, as always.
    Raises VisitError, which never holds the password.
    """
    async with (
        _logged_in(access, where, password, line) as connection,
        stage(where, "authorizing the key", access.connect_timeout),
    ):
        status = await _write(connection, f"{key}\n{line}\n".encode("ascii"))
    if status in {0, THERE_ALREADY}:
        return status == 0
    message = f"{where}: the key could not be written into ~/.ssh/authorized_keys there (exit status {status})."
    raise VisitError(ErrorKind.PERMISSION, message, f"Add this line to that file by hand: {line}")


async def _write(connection: asyncssh.SSHClientConnection, data: bytes) -> int | None:
    process = await connection.create_process(
        SCRIPT, stdin=asyncssh.PIPE, stdout=asyncssh.DEVNULL, stderr=asyncssh.DEVNULL, encoding=None
    )
    process.stdin.write(data)
    process.stdin.write_eof()
    await process.wait_closed()
    return process.exit_status


@asynccontextmanager
async def _logged_in(
    access: SshAccess, where: str, password: str, line: str
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    connection = await _log_in(access, where, password, line)
    try:
        yield connection
    finally:
        connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.wait_closed()
        connection.abort()


async def _log_in(access: SshAccess, where: str, password: str, line: str) -> asyncssh.SSHClientConnection:
    trusted = load_known_hosts(access.known_hosts)
    dialed = await dial(access, where)
    try:
        async with asyncio.timeout(access.connect_timeout):
            return await _connect(access, trusted, dialed, password)
    except TimeoutError as exc:
        message = f"{where}: waited {access.connect_timeout:g} s for the login by password."
        raise VisitError(ErrorKind.TIMEOUT, message, "Check the load of the host, then run it again.") from exc
    except asyncssh.PermissionDenied as exc:
        message = f"{where}: the host refused the password of {access.user}."
        fix = f"Run it again with the right one; or add this line to ~/.ssh/authorized_keys there by hand: {line}"
        raise VisitError(ErrorKind.AUTH, message, fix) from exc
    except asyncssh.HostKeyNotVerifiable as exc:
        message = f"{where}: the host shows another key than a moment ago ({reason(exc)}); no password was sent."
        raise VisitError(ErrorKind.HOST_KEY_CHANGED, message, "Run `dthostmon setup` to see which.") from exc
    except (asyncssh.Error, OSError) as exc:
        message = f"{where}: no login by password ({reason(exc)})."
        raise VisitError(ErrorKind.PROTOCOL, message, "Run it again.") from exc


async def _connect(
    access: SshAccess, trusted: KnownHosts, dialed: socket.socket, password: str
) -> asyncssh.SSHClientConnection:
    """Log in; without a list of algorithms asyncssh asks for the kinds of key that are trusted, and no others."""
    return await asyncssh.connect(
        access.hostname,
        access.port,
        sock=dialed,
        config=None,
        known_hosts=trusted.entries,
        host_key_alias=access.host_key_alias,
        username=access.user,
        password=password,
        client_keys=None,
        agent_path=None,
        preferred_auth="password,keyboard-interactive",
        gss_host=None,
        utf8_decode_errors="backslashreplace",
        login_timeout=0,
    )
