"""`dthostmon host`: the hosts of the configuration."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.authorized import authorized_line
from dthostmon.cli.host_address import host_values, parse_address
from dthostmon.cli.invocation import Invocation, json_option
from dthostmon.errors import ConfigurationError, Problem, VisitError
from dthostmon.model import Host, SshAccess, TransportKind

if TYPE_CHECKING:
    from dthostmon.config.document import Value


@click.group()
def host() -> None:
    """The hosts that are watched."""


@host.command(name="list")
@json_option
@click.pass_obj
def list_hosts(invocation: Invocation, as_json: bool) -> None:
    """List the hosts with their latest result."""
    from dthostmon.app.parts import opened_store
    from dthostmon.model import Run
    from dthostmon.reports.documents import host_document

    configuration = invocation.configuration()

    async def read() -> dict[str, Run]:
        async with opened_store(configuration) as store:
            return dict(await store.latest_runs())

    latest = invocation.wait_for(read())
    documents = [host_document(one, latest.get(one.name)) for one in configuration.hosts]
    if as_json:
        output.print_json(documents)
        return
    columns = ("name", "hostname", "site", "transport", "enabled", "status", "score", "severity", "checked_at")
    output.print_table(columns, [[document[column] for column in columns] for document in documents])


@host.command(name="show")
@click.argument("name")
@json_option
@click.pass_obj
def show_host(invocation: Invocation, name: str, as_json: bool) -> None:
    """Print one screen about a host: how it is, what is wrong, what is on it, what changed last."""
    from dthostmon.app.parts import opened_store
    from dthostmon.cli.host_screen import Screen, print_screen, read_screen
    from dthostmon.reports.documents import host_screen_document

    configuration = invocation.configuration()
    shown = configuration.host(name)

    async def read() -> Screen:
        async with opened_store(configuration) as store:
            return await read_screen(store, shown)

    screen = invocation.wait_for(read())
    if as_json:
        output.print_json(host_screen_document(shown, screen.run, screen.inventories, screen.changes))
    else:
        print_screen(screen)


@host.command(name="add")
@click.argument("address", metavar="[USER@]HOST[:PORT]")
@click.option("--name", help="Its name here; else HOST.")
@click.option("--site", help="Its site, which the configuration declares.")
@click.option("--tag", "tags", multiple=True, help="What it is for; may be repeated.")
@click.option("--transport", type=click.Choice([kind.value for kind in TransportKind]), help="How it is reached: ssh.")
@click.option("--read-only", is_flag=True, help="Give our key no shell there: transport sftp, and a line that says so.")
@json_option
@click.pass_obj
def add_host(
    invocation: Invocation,
    address: str,
    name: str | None,
    site: str | None,
    tags: Sequence[str],
    transport: str | None,
    read_only: bool,
    as_json: bool,
) -> None:
    """Add a host to the configuration file; all else in it stays as it is.

    With transport local, HOST is only the name. An IPv6 address may stand in brackets: [2001:db8::1]:22.
    """
    if read_only and transport not in {None, TransportKind.SFTP}:
        raise click.UsageError(f"--read-only means transport sftp, not {transport}; leave one of the two out")
    kind = TransportKind.SFTP if read_only else TransportKind(transport or TransportKind.SSH)
    values = host_values(parse_address(address), name, kind, site, tags)
    added, line = _write(invocation, values, read_only=read_only)
    if as_json:
        from dthostmon.reports.documents import host_document

        output.print_json({**host_document(added, None), **({"authorized_keys": line} if line else {})})
        return
    output.print_line(f"added {added.name} to {invocation.file()}")
    if line and added.ssh:
        _print_authorized(added.ssh, line)
    output.print_line(f"`{invocation.command(f'setup {added.name}')}` tests it.")


def _print_authorized(access: SshAccess, line: str) -> None:
    output.print_line(f"On {access.hostname}, put this line into ~{access.user}/.ssh/authorized_keys, in the place of")
    output.print_line("any other line with the same key:")
    output.print_line(line)


def _write(invocation: Invocation, values: "dict[str, Value]", *, read_only: bool) -> tuple[Host, str | None]:
    """Write the host into the file; returns it and, where asked for, its line of authorized_keys."""
    from dthostmon.config.rewriting import write_host

    lines: list[str] = []

    def approve(new: Host) -> None:
        if read_only:
            lines.append(_line(new))

    path = invocation.file()
    added = write_host(path, invocation.environ, values, approve)
    return added, lines[0] if lines else None


def _line(new: Host) -> str:
    from dthostmon.transport.inspection import completed, own_public_key

    assert new.ssh is not None  # noqa: S101  # its transport is sftp
    try:
        return authorized_line(own_public_key(completed(new.ssh)), new.transport)
    except VisitError as error:
        message = f"{error.message} Nothing was written. {error.fix}"
        raise ConfigurationError([Problem("the new host", 0, 0, "key", message)]) from error


@host.command(name="remove")
@click.argument("name")
@json_option
@click.pass_obj
def remove_host(invocation: Invocation, name: str, as_json: bool) -> None:
    """Take a host out of the configuration file; what is stored of it stays until its retention ends."""
    from dthostmon.config.rewriting import erase_host
    from dthostmon.reports.documents import host_document

    path = invocation.file()
    removed = erase_host(path, invocation.environ, name)
    if as_json:
        output.print_json(host_document(removed, None))
        return
    output.print_line(f"removed {name} from {path}")
    output.print_line("Its runs, findings and log lines stay stored until `retention` ends them.")
