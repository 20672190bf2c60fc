"""`dthostmon findings` and `dthostmon coverage`: what is stored."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option, since_option
from dthostmon.cli.pages import newest
from dthostmon.cli.results import print_finding

if TYPE_CHECKING:
    from dthostmon.store import Page, StoredFinding

SHOWN_GAPS = 10  # of each log, the newest; --json has all


@click.command()
@click.argument("host", required=False)
@since_option
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="The newest so many.")
@json_option
@click.pass_obj
def findings(invocation: Invocation, host: str | None, since: datetime | None, limit: int, as_json: bool) -> None:
    """Print what was found, the newest first."""
    from dthostmon.app.parts import opened_store
    from dthostmon.reports.documents import stored_finding_document

    configuration = invocation.configuration()
    name = configuration.host(host).name if host is not None else None

    async def read() -> "Page[StoredFinding]":
        async with opened_store(configuration) as store:
            return await newest(partial(store.findings, name, since), limit)

    found = invocation.wait_for(read())
    if found.next is not None:
        output.say(f"The newest {limit}; `--limit {10 * limit}` shows more.")
    if as_json:
        output.print_json([stored_finding_document(one) for one in found.items])
        return
    for one in found.items:
        print_finding(f"{one.host} at {one.found_at:%Y-%m-%d %H:%M:%S} UTC", one.finding)


@click.command()
@click.argument("host", required=False)
@since_option
@json_option
@click.pass_obj
def coverage(invocation: Invocation, host: str | None, since: datetime | None, as_json: bool) -> None:
    """Print the ledger: per log, bytes appeared = analysed + skipped."""
    from dthostmon.app.parts import opened_store
    from dthostmon.reports.documents import ledger_document
    from dthostmon.store import LedgerEntry

    configuration = invocation.configuration()
    name = configuration.host(host).name if host is not None else None

    async def read() -> tuple[LedgerEntry, ...]:
        async with opened_store(configuration) as store:
            return await store.coverage(name, since=since)

    entries = invocation.wait_for(read())
    if as_json:
        output.print_json([ledger_document(entry) for entry in entries])
        return
    columns = ("host", "log", "appeared", "analysed", "skipped", "pending", "gaps", "why skipped")
    rows = [
        (
            entry.host,
            entry.path,
            entry.bytes_appeared,
            entry.bytes_analysed,
            entry.bytes_skipped,
            entry.bytes_pending,
            len(entry.gaps),
            entry.skip_reason,
        )
        for entry in entries
    ]
    output.print_table(columns, rows)
    for entry in entries:
        for gap in entry.gaps[-SHOWN_GAPS:]:
            lost = "an unknown number of bytes" if gap.bytes is None else f"{gap.bytes} bytes"
            output.print_line(
                f"gap in {entry.host} {entry.path}, seen at {gap.seen_at:%Y-%m-%d %H:%M:%S} UTC: {lost}: {gap.reason}"
            )
