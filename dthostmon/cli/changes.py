"""`dthostmon changes`: what changed on hosts."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option, since_option
from dthostmon.cli.pages import newest
from dthostmon.model import Change, ThingKind

if TYPE_CHECKING:
    from dthostmon.store import Page, StoredChange


@click.command()
@click.argument("host", required=False)
@since_option
@click.option("--kind", type=click.Choice([kind.value for kind in ThingKind]), help="Changes of this kind alone.")
@click.option("--diff", "with_diff", is_flag=True, help="Show what changed in files line by line.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
@json_option
@click.pass_obj
def changes(
    invocation: Invocation,
    host: str | None,
    since: datetime | None,
    kind: str | None,
    with_diff: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Print what changed, the newest first: packages, users, files, containers, ports and more."""
    from dthostmon.app.parts import opened_store
    from dthostmon.reports.documents import stored_change_document
    from dthostmon.store import ChangesWanted

    configuration = invocation.configuration()
    name = configuration.host(host).name if host is not None else None
    wanted = ChangesWanted(name, since, ThingKind(kind) if kind else None)

    async def read() -> "Page[StoredChange]":
        async with opened_store(configuration) as store:
            return await newest(partial(store.changes, wanted), limit)

    found = invocation.wait_for(read())
    if found.next is not None:
        output.say(f"The newest {limit}; `--limit {10 * limit}` shows more.")
    if as_json:
        output.print_json([stored_change_document(one) for one in found.items])
        return
    for one in found.items:
        print_change(one.host, one.change, with_diff=with_diff)


def print_change(host: str, change: Change, *, with_diff: bool) -> None:
    """Print one change: when it was seen, whether it was expected, and when it happened where the host says so."""
    severity = "expected" if change.expected else str(change.severity)
    output.print_line(f"{change.seen_at:%Y-%m-%d %H:%M:%S} {host} {severity} {change.sentence}")
    if change.happened_at is not None:
        output.print_line(f"  it happened at {change.happened_at:%Y-%m-%d %H:%M:%S} UTC")
    if change.cause and change.cause != change.sentence:
        output.print_line(f"  because of: {change.cause}")
    for line in change.diff.splitlines() if with_diff else ():
        output.print_line(f"  {line}")
