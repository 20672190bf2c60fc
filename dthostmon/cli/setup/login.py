"""From a host's name to a session: which layer stands in the way, where one does."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from dthostmon.cli.setup.layers import AUTH, DNS, HOST_KEY, TCP, Layer, Status, Tested
from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import Host, SshAccess
from dthostmon.transport import check_key, connect

if TYPE_CHECKING:
    from dthostmon.transport import Session
    from dthostmon.transport.inspection import OfferedKey

BEHIND_A_JUMP = {ErrorKind.DNS, ErrorKind.PERMISSION}  # what a jump host says of the way from it to the host
RETRIES = 1  # somebody waits; a host that refused one of many logins at once gets its second chance


class Refusal(Exception):  # noqa: N818  # it is the result of a test, not a mistake
    """Why a host lets nobody in. `offered` are the keys of a host that is not known."""

    def __init__(self, kind: ErrorKind, detail: str, fix: str, offered: "tuple[OfferedKey, ...]" = ()) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.fix = fix
        self.offered = offered


async def completed(host: Host) -> Host:
    """Return a host with what its ssh_config says; raises VisitError."""
    if host.ssh is None:
        return host
    from dthostmon.transport import inspection

    return replace(host, ssh=await asyncio.to_thread(inspection.completed, host.ssh))


async def logged_in(host: Host, layers: list[Layer]) -> "Session":
    """Return an open session and append the layers below it; raises VisitError or Refusal for the first that fails."""
    if host.ssh is None:
        return await connect(host)
    from dthostmon.transport import inspection

    found = await inspection.addresses(host.ssh, place(host))
    layers.append(Layer(DNS, "", Status.OK, ", ".join(found)))
    try:
        session = await connect(replace(host, ssh=replace(host.ssh, retries=host.ssh.retries[:RETRIES])))
    except VisitError as error:
        await _find_layer(host, host.ssh, error, layers)
        raise
    proven = inspection.proven_key(session)
    layers += [
        Layer(TCP, "", Status.OK, f"port {entry(host.ssh).port}"),
        Layer(HOST_KEY, "", Status.OK, f"{proven.kind} {proven.fingerprint}" if proven else ""),
        Layer(AUTH, "", Status.OK, f"{host.ssh.user} with {host.ssh.key}"),
    ]
    return session


async def _find_layer(host: Host, access: SshAccess, error: VisitError, layers: list[Layer]) -> None:
    """Append the layers that are good below the one that an error belongs to; raise where another one fails first."""
    good_tcp = Layer(TCP, "", Status.OK, f"port {entry(access).port}")
    if error.kind is ErrorKind.REFUSED or (error.kind in BEHIND_A_JUMP and not is_direct(access)):
        return
    if error.kind is ErrorKind.HOST_KEY_CHANGED:
        layers.append(good_tcp)
        raise Refusal(error.kind, f"CRITICAL: {without_place(host, error.message)}", error.fix) from error
    if refuses_key(error) or (error.kind is ErrorKind.AUTH and not is_direct(access) and check_key(access) is None):
        layers += [good_tcp, Layer(HOST_KEY, "", Status.OK, _trusted(access))]
        return
    await _reach(host, access)  # the error may be of any layer, also of our own key, which is read before all of them
    layers.append(good_tcp)
    if is_direct(access):
        await _compare_keys(host, access, error)
        layers.append(Layer(HOST_KEY, "", Status.OK, _trusted(access)))


async def _reach(host: Host, access: SshAccess) -> None:
    from dthostmon.transport import inspection

    await inspection.reach(entry(access), place(host))


async def _compare_keys(host: Host, access: SshAccess, error: VisitError) -> None:
    """Look at the keys that the host offers; raise where it offers none, or none that is trusted."""
    from dthostmon.transport import inspection

    try:
        offered = await inspection.offered_host_keys(access, place(host))
    except VisitError as other:
        raise (other if error.kind is ErrorKind.AUTH else error) from None
    trusted = inspection.trusted_keys(access)
    if not trusted:
        detail = f"unknown; the host offers {_listed(offered)}"
        raise Refusal(ErrorKind.HOST_KEY_UNKNOWN, detail, f"{_comparison(offered)}.", offered) from error
    if not set(offered) & set(trusted):
        detail = f"CRITICAL: THE HOST KEY CHANGED: expected {_listed(trusted)}; offered {_listed(offered)}"
        raise Refusal(ErrorKind.HOST_KEY_CHANGED, detail, f"{_comparison(offered)} before anything else.") from error


def _listed(keys: "tuple[OfferedKey, ...]") -> str:
    return ", ".join(f"{key.kind} {key.fingerprint}" for key in keys) or "none but revoked ones"


def _comparison(offered: "tuple[OfferedKey, ...]") -> str:
    name = offered[0].kind if offered else "ssh-ed25519"
    kind = "ecdsa" if name.startswith("ecdsa") else name.removeprefix("ssh-")
    return f"Compare it with `ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub` on the host"


def _trusted(access: SshAccess) -> str:
    from dthostmon.transport import inspection

    return _listed(inspection.trusted_keys(access))


def refuses_key(error: VisitError) -> bool:
    """Tell whether the host was asked and does not take our key: where there is no key, or no agent, it was not."""
    from dthostmon.transport.attempt import KeyRefusedError

    return isinstance(error, KeyRefusedError)


def can_push(tested: Tested) -> bool:
    """Tell whether a login by password can put our key on the host; it goes through no jump host."""
    return tested.refuses_key and tested.host.ssh is not None and is_direct(tested.host.ssh)


def is_direct(access: SshAccess) -> bool:
    """Tell whether no jump host stands before a host: its keys can then be looked at from here."""
    return entry(access) is access


def entry(access: SshAccess) -> SshAccess:
    """Return what this machine itself connects to: the first jump host, where there are any."""
    return access.entry


def place(host: Host) -> str:
    """Name a host in errors as transport does."""
    return f"{host.name} ({host.ssh.user}@{host.ssh.hostname}:{host.ssh.port})" if host.ssh else host.name


def without_place(host: Host, message: str) -> str:
    """Leave the host's name, and how it is reached, out of a message that is shown below it."""
    return message.partition("): ")[2] if message.startswith(f"{host.name} (") else message
