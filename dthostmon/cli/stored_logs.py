"""`dthostmon logs`: the lines as they were read."""

import re
import sys
from collections.abc import Callable
from datetime import datetime

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import MOMENT, Invocation, since_option


@click.command()
@click.argument("host")
@click.option("--path", default="*", show_default=True, help="Only logs whose path matches this glob.")
@since_option
@click.option("--until", type=MOMENT, help="Only what was read until then.")
@click.option("--grep", help="Only lines that match this regular expression.")
@click.option("--raw", is_flag=True, help="The very bytes that were read, in order.")
@click.pass_obj
def logs(
    invocation: Invocation,
    host: str,
    path: str,
    since: datetime | None,
    until: datetime | None,
    grep: str | None,
    raw: bool,
) -> None:
    """Print the stored lines of a host."""
    if raw and grep:
        raise click.UsageError("--raw gives every byte; use it without --grep")
    name = invocation.configuration().host(host).name
    show = output.print_bytes if raw else _line_printer(grep)
    invocation.wait_for(_print_chunks(invocation, name, path, since, until, show))
    sys.stdout.flush()


async def _print_chunks(
    invocation: Invocation,
    host: str,
    path: str,
    since: datetime | None,
    until: datetime | None,
    show: Callable[[bytes], None],
) -> None:
    from dthostmon.app.parts import opened_store

    async with opened_store(invocation.configuration()) as store:
        async for chunk in store.chunks(host, path_glob=path, since=since, until=until):
            show(chunk.data)


def _line_printer(grep: str | None) -> Callable[[bytes], None]:
    try:
        wanted = re.compile(grep) if grep else None
    except re.error as error:
        raise click.BadParameter(f"no regular expression: {error}", param_hint="--grep") from error

    def show(data: bytes) -> None:
        for line in data.decode(errors="backslashreplace").removesuffix("\n").split("\n"):
            if wanted is None or wanted.search(line):
                output.print_line(line)

    return show
