"""`dthostmon db`: the database."""

from dataclasses import asdict
from datetime import UTC, datetime

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option


@click.group()
def db() -> None:
    """The database that everything is stored in."""


@db.command()
@click.pass_obj
def upgrade(invocation: Invocation) -> None:
    """Bring the schema up to date; `run` and `monitor` do it by themselves."""
    from dthostmon.store import upgrade as upgrade_database

    url = invocation.configuration().settings.database.url.get_secret_value()
    result = invocation.wait_for(upgrade_database(url))
    output.print_line(
        f"the schema is at {result.after}"
        if result.before == result.after
        else f"upgraded the schema from {result.before or 'nothing'} to {result.after}"
    )


@db.command()
@json_option
@click.pass_obj
def stats(invocation: Invocation, as_json: bool) -> None:
    """Show how much is stored."""
    from dthostmon.app.parts import opened_store
    from dthostmon.store import StoreStats

    async def read() -> StoreStats:
        async with opened_store(invocation.configuration()) as store:
            return await store.stats()

    document = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(invocation.wait_for(read())).items()
    }
    if as_json:
        output.print_json(document)
        return
    rows = [
        row
        for name, value in document.items()
        for row in (value.items() if isinstance(value, dict) else [(name, value)])
    ]
    output.print_table(("what", "how much"), rows)


@db.command(name="prune")
@click.pass_obj
def prune_command(invocation: Invocation) -> None:
    """Delete what is older than `retention`; the daemon does it every hour."""
    from dthostmon.app.parts import opened_store, prune
    from dthostmon.store import PruneResult

    configuration = invocation.configuration()

    async def write() -> PruneResult:
        async with opened_store(configuration) as store:
            return await prune(store, configuration, datetime.now(UTC))

    result = invocation.wait_for(write())
    output.print_line(f"deleted {result.runs} runs and {result.chunks} chunks of lines")
