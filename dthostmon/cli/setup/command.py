"""The command: test, trust, authorize, test again, print."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option
from dthostmon.cli.monitor import choose_hosts, tell_of_none
from dthostmon.cli.setup.layers import AUTH, HOST_KEY, Tested
from dthostmon.cli.setup.login import can_push
from dthostmon.cli.setup.printed import print_tested, tested_document
from dthostmon.cli.setup.pushing import push_keys
from dthostmon.cli.setup.testing import try_hosts
from dthostmon.cli.setup.trust import accept_keys
from dthostmon.errors import ErrorKind
from dthostmon.model import Host

STILL_REFUSED = (
    "The key is in ~/.ssh/authorized_keys and sshd still refuses it: look at `AuthorizedKeysFile` and `AllowUsers` in"
    " its sshd_config, and at the modes of ~ and ~/.ssh (`StrictModes`); `journalctl -u ssh` on the host says which."
)


@click.command()
@click.argument("names", metavar="[HOST]...", nargs=-1)
@click.option("--accept-host-keys", "accepts", is_flag=True, help="Show the keys of unknown hosts; ask to trust them.")
@click.option("--yes", is_flag=True, help="With --accept-host-keys: trust them without asking.")
@click.option("--push-key", "pushes", is_flag=True, help="Add our key where it is refused; asks for the password.")
@click.option("-v", "--verbose", is_flag=True, help="Print the layers of good hosts too.")
@json_option
@click.pass_obj
def setup(
    invocation: Invocation, names: Sequence[str], accepts: bool, yes: bool, pushes: bool, verbose: bool, as_json: bool
) -> int:
    """Test hosts layer by layer and say what mends each failure. Stores nothing; exits 1 when a host fails.

    A host key that changed is never accepted. The password is used once, to add the key, and kept nowhere.
    """
    _demand_terminal(accepts=accepts, yes=yes, pushes=pushes)
    configuration = invocation.configuration()
    hosts = choose_hosts(configuration, names, None, None)
    tell_of_none(invocation, configuration, hosts)
    limit = configuration.settings.monitoring.max_concurrent_hosts
    results = invocation.wait_for(try_hosts(hosts, limit))
    if accepts:
        results = _again(results, accept_keys(results, lambda question: yes or _confirm(question)), limit)
    pushed = push_keys(results, _ask_password) if pushes else []
    results = _again(results, pushed, limit)
    results = [_advised(tested, invocation, has_key=tested.host in pushed) for tested in results]
    if as_json:
        output.print_json([tested_document(tested) for tested in results])
    else:
        print_tested(results, all_layers=verbose)
    return 0 if all(tested.is_good for tested in results) else 1


def _demand_terminal(*, accepts: bool, yes: bool, pushes: bool) -> None:
    """Refuse what cannot be asked, before anything is done."""
    if yes and not accepts:
        raise click.UsageError("--yes goes with --accept-host-keys")
    if sys.stdin is not None and sys.stdin.isatty():
        return
    if accepts and not yes:
        raise click.UsageError(
            "--accept-host-keys asks for each host, and there is no terminal; with --yes it trusts all unknown hosts"
        )
    if pushes:
        raise click.UsageError("--push-key asks for passwords, and there is no terminal; run it in one")


def _confirm(question: str) -> bool:
    return click.confirm(output.safe(question), default=False, err=True)


def _ask_password(question: str) -> str:
    return str(click.prompt(output.safe(question), hide_input=True, default="", show_default=False, err=True))


def _again(results: list[Tested], changed: Sequence[Host], limit: int) -> list[Tested]:
    """Test the hosts again at which something was changed."""
    if not changed:
        return results
    anew = {tested.host: tested for tested in Invocation.wait_for(try_hosts(changed, limit))}
    return [anew.get(tested.host, tested) for tested in results]


def _advised(tested: Tested, invocation: Invocation, *, has_key: bool) -> Tested:
    """Name the command of dthostmon itself where it can mend a failure; `has_key`: that put our key there already."""
    command = invocation.command(f"setup {tested.host.name}")
    if tested.kind is ErrorKind.HOST_KEY_UNKNOWN and tested.offered:
        mend = f"; if it is the same, run `{command} --accept-host-keys`."
        return _with_fix(tested, HOST_KEY, lambda fix: fix.rstrip(".") + mend)
    if has_key and tested.refuses_key:
        return _with_fix(tested, AUTH, lambda _: STILL_REFUSED)
    if can_push(tested):
        push = f"Run `{command} --push-key`, which asks for the password once. Otherwise: "
        return _with_fix(tested, AUTH, lambda fix: push + fix)
    return tested


def _with_fix(tested: Tested, name: str, make: Callable[[str], str]) -> Tested:
    layers = tuple(
        replace(layer, fix=make(layer.fix)) if layer in tested.failures and layer.name == name else layer
        for layer in tested.layers
    )
    return replace(tested, layers=layers)
