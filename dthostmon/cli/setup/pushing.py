"""Puts our public key on the hosts that refuse it, with a password that is asked for, used once and forgotten."""

from collections.abc import Callable, Sequence

from dthostmon.cli import output
from dthostmon.cli.authorized import authorized_line
from dthostmon.cli.invocation import Invocation
from dthostmon.cli.setup.layers import Tested
from dthostmon.cli.setup.login import can_push, place
from dthostmon.errors import VisitError
from dthostmon.model import Host, SshAccess


def push_keys(results: Sequence[Tested], ask: Callable[[str], str]) -> list[Host]:
    """Authorize the key of each host that refuses it; returns the hosts that have it now.

    `ask` returns what is typed at a prompt. No answer means the password that worked last for the same user, or, where
    none did, that the host is left as it is.
    """
    pushed: list[Host] = []
    worked: dict[str, str] = {}
    for tested in results:
        access = tested.host.ssh
        if access is None or not can_push(tested):
            continue
        otherwise = "the one before" if access.user in worked else "leave it out"
        typed = ask(f"Password of {access.user} on {tested.host.name} ({access.hostname}) [Enter: {otherwise}]")
        password = typed or worked.get(access.user, "")
        if password and _push(tested.host, access, password):
            worked[access.user] = password
            pushed.append(tested.host)
    return pushed


def _push(host: Host, access: SshAccess, password: str) -> bool:
    from dthostmon.transport.inspection import own_public_key
    from dthostmon.transport.installation import install_key

    try:
        key = own_public_key(access)
        line = authorized_line(key, host.transport)
        is_new = Invocation.wait_for(install_key(access, place(host), password, key, line))
    except VisitError as error:
        output.say(str(error))
        return False
    output.say(f"{host.name}: the key is {'now' if is_new else 'already'} in ~/.ssh/authorized_keys")
    return True
