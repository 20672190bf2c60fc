"""`dthostmon host`: the hosts of the configuration."""

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option


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
