"""A look at a host from outside, for `setup`: its name, its port, the keys it offers. Nothing here logs in."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import asyncssh

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import SshAccess
from dthostmon.transport.agent import check_agent, public_half
from dthostmon.transport.certificates import load_certificate
from dthostmon.transport.dialing import dial, look_up
from dthostmon.transport.failures import reason
from dthostmon.transport.jump import unresolved_fix
from dthostmon.transport.keys import load_key
from dthostmon.transport.known_hosts import DEFAULT_PORT, load_known_hosts
from dthostmon.transport.login import HOST_KEYS
from dthostmon.transport.session import Session
from dthostmon.transport.ssh import SshSession
from dthostmon.transport.ssh_config import resolve
from dthostmon.transport.tunnels import place_of

MAX_PUBLIC_KEY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class OfferedKey:
    """A host key: its kind (`ssh-ed25519`), its fingerprint (`SHA256:…`), and both halves of its known_hosts line."""

    kind: str
    fingerprint: str
    public: str

    @classmethod
    def of(cls, key: asyncssh.SSHKey) -> Self:
        """Describe a key of asyncssh."""
        public = _public_text(key)
        return cls(public.split()[0], key.get_fingerprint(), public)


def completed(access: SshAccess) -> SshAccess:
    """Complete an access with what its ssh_config says. Blocks; raises VisitError (auth)."""
    return resolve(access)


@dataclass(frozen=True, slots=True)
class Fault:
    """A configuration key whose file cannot be used to log in, and why."""

    key: str
    error: VisitError


def faults(access: SshAccess) -> Iterator[Fault]:
    """Yield what is wrong with the files of a host, and, at `jump`, with those of the hosts before it. Blocks."""
    try:
        access = resolve(access)
    except VisitError as error:
        yield Fault("config", error)
        return
    own = tuple(_own_faults(access))
    yield from own
    told = {fault.error.message for fault in own}
    for hop in access.jump:
        for fault in _own_faults(hop):
            if fault.error.message not in told:
                message = f"Through {place_of(hop)}: {fault.error.message}"
                yield Fault("jump", VisitError(fault.error.kind, message, fault.error.fix))


def _own_faults(access: SshAccess) -> Iterator[Fault]:
    public: bytes | None = None
    try:
        public = _public_data(access)
    except VisitError as error:
        yield Fault("key", error)
    looks: dict[str, Callable[[], object]] = {}
    if access.agent is not None:
        looks["agent"] = partial(check_agent, access)
    if public is not None or _is_missing(access.certificate):
        looks["certificate"] = partial(load_certificate, access, public or b"")
    for key, look in looks.items():
        try:
            look()
        except VisitError as error:
            yield Fault(key, error)


def _is_missing(path: str | None) -> bool:
    """Tell whether a file is named that is not there: all that can be told of a certificate without its key."""
    try:
        return path is not None and not Path(path).expanduser().stat()
    except FileNotFoundError:
        return True
    except (OSError, RuntimeError):
        return False


def _public_data(access: SshAccess) -> bytes | None:
    """Return the public half of what logs in; None where an agent alone knows it."""
    return load_key(access).public_data if access.agent is None else public_half(access)


async def addresses(access: SshAccess, where: str) -> tuple[str, ...]:
    """Return the addresses of what this machine connects to: the host, or the first one before it.

    Raises VisitError (dns, timeout).
    """
    entry = access.entry
    try:
        found = await look_up(entry, where)
    except VisitError as error:
        if entry is access:
            raise
        message = f"{where}: through {place_of(entry)}{error.message.removeprefix(where)}"
        fix = unresolved_fix(entry) if error.kind is ErrorKind.DNS else error.fix
        raise VisitError(error.kind, message, fix) from error
    return tuple(dict.fromkeys(str(address[4][0]) for address in found))


async def reach(access: SshAccess, where: str) -> None:
    """Open the TCP connection and close it. Raises VisitError (dns, refused, timeout)."""
    (await dial(access, where)).close()


async def offered_host_keys(access: SshAccess, where: str) -> tuple[OfferedKey, ...]:
    """Return a key of each kind that a host has, revoked ones excepted: one key exchange each, no login.

    Raises VisitError where it shows none.
    """
    offered: list[asyncssh.SSHKey] = []
    refusal: VisitError | None = None
    for kind in HOST_KEYS:
        try:
            offered.append(await _offered(access, where, kind))
        except VisitError as error:
            if error.kind is not ErrorKind.PROTOCOL:
                raise
            refusal = error  # a host without a key of this kind hangs up
    if not offered and refusal:
        raise refusal
    revoked = _revoked(access)
    return tuple(OfferedKey.of(key) for key in offered if _public_text(key) not in revoked)


def _revoked(access: SshAccess) -> set[str]:
    """Return the revoked keys; asked with a port, asyncssh forgets them where they are all that it knows of a host."""
    entries = load_known_hosts(access.known_hosts).entries
    return {
        _public_text(key) for name in (access.hostname, _known_name(access)) for key in entries.match(name, "", None)[2]
    }


def _known_name(access: SshAccess) -> str:
    """Return what known_hosts calls a host."""
    if access.host_key_alias or access.port == DEFAULT_PORT:
        return access.host_key_alias or access.hostname
    return f"[{access.hostname}]:{access.port}"


async def _offered(access: SshAccess, where: str, kind: str) -> asyncssh.SSHKey:
    fix = f"Run `ssh-keyscan -p {access.port} {access.hostname}` to see what it answers."
    observer = _Observer()
    try:
        async with asyncio.timeout(access.connect_timeout):
            await _exchange_keys(access, where, kind, observer)
    except TimeoutError as exc:
        message = f"{where}: waited {access.connect_timeout:g} s for its host key."
        raise VisitError(ErrorKind.TIMEOUT, message, fix) from exc
    except (asyncssh.Error, OSError) as exc:
        if observer.offered is None:
            raise VisitError(ErrorKind.PROTOCOL, f"{where}: no host key ({reason(exc)}).", fix) from exc
    if observer.offered is None:
        raise VisitError(ErrorKind.PROTOCOL, f"{where}: the host showed no key.", fix)
    return observer.offered


async def _exchange_keys(access: SshAccess, where: str, kind: str, observer: "_Observer") -> None:
    """Begin a connection that trusts nobody, so it ends at the host key: nothing is ever sent to log in."""
    connection = await asyncssh.connect(
        access.hostname,
        access.port,
        sock=await dial(access, where),
        client_factory=lambda: observer,
        config=None,
        known_hosts=asyncssh.SSHKnownHosts(),
        server_host_key_algs=kind,
        username=access.user,
        client_keys=None,
        agent_path=None,
        preferred_auth="publickey",
        gss_host=None,
        login_timeout=0,
    )
    connection.abort()


class _Observer(asyncssh.SSHClient):
    """Takes note of a host key and refuses it."""

    def __init__(self) -> None:
        self.offered: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, *host_and_key: object) -> bool:
        """See asyncssh: host, address, port, key."""
        key = host_and_key[-1]
        self.offered = key if isinstance(key, asyncssh.SSHKey) else None
        return False


def proven_key(session: Session) -> OfferedKey | None:
    """Return the host key of an open session; None where it is not over SSH."""
    key = session.host_key if isinstance(session, SshSession) else None
    return OfferedKey.of(key) if key else None


def trusted_keys(access: SshAccess) -> tuple[OfferedKey, ...]:
    """Return the keys that known_hosts holds for a host."""
    return tuple(map(OfferedKey.of, load_known_hosts(access.known_hosts).keys(access)))


def trusted_text(access: SshAccess, keys: tuple[OfferedKey, ...], before: bytes) -> bytes:
    """Return what known_hosts shall hold: its bytes of now and a line for each key that it does not have yet."""
    name = _known_name(access)
    present = set(before.splitlines())
    lines = [line for key in keys if (line := f"{name} {key.public}".encode()) not in present]
    gap = b"" if not before or before.endswith(b"\n") else b"\n"
    return before + gap + b"".join(line + b"\n" for line in lines)


def own_public_key(access: SshAccess) -> str:
    """Return the public half of a host's key: its kind and base64, no comment.

    Where the private half cannot be opened (its passphrase is not known, say), KEY.pub tells. Raises VisitError (auth).
    """
    try:
        return _public_text(load_key(access))
    except VisitError as error:
        public = Path(f"{access.key}.pub").expanduser()
        try:
            has_key = access.agent is not None or Path(access.key).expanduser().exists()
            if not has_key or public.stat().st_size > MAX_PUBLIC_KEY_BYTES:
                raise
            return _public_text(asyncssh.import_public_key(public.read_bytes()))
        except (OSError, asyncssh.KeyImportError):
            raise error from None


def _public_text(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key("openssh").decode("ascii").split()[:2])
