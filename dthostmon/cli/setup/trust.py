"""Trusts the keys of unknown hosts, once somebody has seen their fingerprints; a changed key never is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dthostmon.cli import output
from dthostmon.cli.setup.layers import Tested
from dthostmon.config.replacement import locked_folder, replace_file
from dthostmon.errors import ErrorKind
from dthostmon.model import Host, SshAccess

if TYPE_CHECKING:
    from dthostmon.transport.inspection import OfferedKey


def accept_keys(results: Sequence[Tested], confirm: Callable[[str], bool]) -> list[Host]:
    """Show the keys of each unknown host and ask; returns the hosts whose keys are trusted now."""
    accepted: list[Host] = []
    agreed: set[tuple[object, ...]] = set()
    for tested in results:
        access = tested.host.ssh
        if tested.kind is not ErrorKind.HOST_KEY_UNKNOWN or access is None:
            continue
        if not tested.offered:
            _tell_why_not(tested, access)
            continue
        same = (access.known_hosts, access.hostname, access.port, tested.offered)
        if (same in agreed or _ask(tested, access, confirm)) and _trust(access, tested.offered):
            agreed.add(same)
            accepted.append(tested.host)
    return accepted


def _tell_why_not(tested: Tested, access: SshAccess) -> None:
    if access.jump:
        fix = " ".join(layer.fix for layer in tested.failures)
        output.say(f"{tested.host.name} is behind a jump host, so its keys cannot be asked for from here. {fix}")


def _ask(tested: Tested, access: SshAccess, confirm: Callable[[str], bool]) -> bool:
    output.say(f"{tested.host.name} at {access.hostname} port {access.port} is not known. Its keys:")
    for key in tested.offered:
        output.say(f"  {key.kind} {key.fingerprint}")
    return confirm(f"Trust {tested.host.name} by them from now on?")


def _trust(access: SshAccess, keys: "tuple[OfferedKey, ...]") -> bool:
    """Add keys to the known_hosts file; returns whether that could be done."""
    from dthostmon.transport.inspection import trusted_text

    path = Path(access.known_hosts).expanduser()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked_folder(path):
            before = path.read_bytes() if path.exists() else b""
            after = trusted_text(access, keys, before)
            if after != before:
                replace_file(path, after)
    except OSError as error:
        output.say(f"{path} cannot be written: {error.strerror}. Name another file as `ssh.known_hosts`.")
        return False
    return True
