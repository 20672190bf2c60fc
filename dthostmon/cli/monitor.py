"""`dthostmon monitor`: one cycle now."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option
from dthostmon.cli.progress import progress
from dthostmon.cli.results import print_runs
from dthostmon.config.problems import did_you_mean, shortened
from dthostmon.errors import NotFoundError
from dthostmon.model import Host

if TYPE_CHECKING:
    from dthostmon.config import Configuration


@click.command()
@click.argument("names", metavar="[HOST]...", nargs=-1)
@click.option("--site", help="Only the hosts of this site.")
@click.option("--tag", help="Only the hosts with this tag.")
@click.option("--no-notify", is_flag=True, help="Send nothing (nothing is sent in this version).")
@json_option
@click.pass_obj
def monitor(
    invocation: Invocation, names: Sequence[str], site: str | None, tag: str | None, no_notify: bool, as_json: bool
) -> int:
    """Check hosts now and print what was found. Exits 1 when a host could not be checked."""
    del no_notify
    from dthostmon.app.parts import monitor_once
    from dthostmon.reports.documents import cycle_document

    configuration = invocation.configuration()
    hosts = choose_hosts(configuration, names, site, tag)
    tell_of_none(invocation, configuration, hosts)
    with progress("checking", len(hosts), quiet=as_json) as told:
        cycle = invocation.wait_for(monitor_once(configuration, hosts, told))
    if as_json:
        output.print_json(cycle_document(cycle))
    else:
        print_runs(cycle.runs)
        skipped = f", {cycle.skipped} skipped" if cycle.skipped else ""
        output.print_line(f"Hosts: {cycle.ok} ok, {cycle.failed} failed{skipped}, in {cycle.duration:.1f} s")
    return 1 if cycle.failed else 0


def choose_hosts(
    configuration: "Configuration", names: Sequence[str], site: str | None, tag: str | None
) -> tuple[Host, ...]:
    """Return the hosts that were asked for: those named, else all enabled ones, of a site and with a tag.

    Raises NotFoundError for a name, a site or a tag that is none, and where no host is of that site with that tag.
    """
    _demand("site", site, configuration.settings.sites)
    _demand("tag", tag, dict.fromkeys(tag for host in configuration.hosts for tag in host.tags))
    chosen = [configuration.host(name) for name in names] or [host for host in configuration.hosts if host.enabled]
    hosts = tuple(
        host
        for host in dict.fromkeys(chosen)
        if (site is None or host.site == site) and (tag is None or tag in host.tags)
    )
    if not hosts and (site is not None or tag is not None):
        asked = " and ".join(f"{kind} '{name}'" for kind, name in (("site", site), ("tag", tag)) if name is not None)
        raise NotFoundError(f"none of the {'named' if names else 'enabled'} hosts has {asked}; `dthostmon host list`")
    return hosts


def tell_of_none(invocation: Invocation, configuration: "Configuration", hosts: Sequence[Host]) -> None:
    """Say why there is nothing to do, where there is nothing."""
    if not configuration.hosts:
        output.say(f"no hosts are configured; `{invocation.command('host add USER@HOST')}` adds one")
    elif not hosts:
        output.say("no host is enabled; `enabled: true` in the configuration watches one, and its name visits it once")


def _demand(kind: str, name: str | None, known: Collection[str]) -> None:
    if name is not None and name not in known:
        raise NotFoundError(f"there is no {kind} '{shortened(name)}'{did_you_mean(name, tuple(known))}")
