"""`dthostmon logs`: the lines as they were read."""

import re
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import MOMENT, Invocation, json_option, since_option
from dthostmon.reports.documents import timestamp

if TYPE_CHECKING:
    from dthostmon.store import StoredChunk


@click.command()
@click.argument("host")
@click.option("--path", default="*", show_default=True, help="Only logs whose path matches this glob.")
@since_option
@click.option("--until", type=MOMENT, help="Only what was read until then.")
@click.option("--grep", help="Only lines that match this regular expression.")
@click.option("--raw", is_flag=True, help="The very bytes that were read, in order.")
@json_option
@click.pass_obj
def logs(
    invocation: Invocation,
    host: str,
    path: str,
    since: datetime | None,
    until: datetime | None,
    grep: str | None,
    raw: bool,
    as_json: bool,
) -> None:
    """Print the stored lines of a host."""
    from dthostmon.app.parts import opened_store

    if raw and (grep or as_json):
        raise click.UsageError("--raw gives every byte; use it without --grep and --json")
    wanted = _compile(grep or "")
    configuration = invocation.configuration()
    name = configuration.host(host).name

    async def show() -> None:
        async with opened_store(configuration) as store:
            chunks = store.chunks(name, path_glob=path, since=since, until=until)
            if raw:
                await _print_bytes(chunks)
            elif as_json:
                await _print_document(name, chunks, wanted)
            else:
                await _print_lines(chunks, wanted)

    invocation.wait_for(show())
    sys.stdout.flush()


def _compile(grep: str) -> re.Pattern[str]:
    try:
        return re.compile(grep)
    except (re.error, RecursionError, OverflowError) as error:
        raise click.BadParameter(f"no regular expression: {error}", param_hint="--grep") from error


async def _print_bytes(chunks: "AsyncIterator[StoredChunk]") -> None:
    async for chunk in chunks:
        output.print_bytes(chunk.data)


async def _print_document(host: str, chunks: "AsyncIterator[StoredChunk]", wanted: re.Pattern[str]) -> None:
    with output.json_list({"host": host}, "lines") as print_item:
        async for chunk, line in whole_lines(chunks):
            if wanted.search(line):
                print_item({"path": chunk.path, "read_at": timestamp(chunk.read_at), "line": line})


async def _print_lines(chunks: "AsyncIterator[StoredChunk]", wanted: re.Pattern[str]) -> None:
    async for _, line in whole_lines(chunks):
        if wanted.search(line):
            output.print_line(line)


async def whole_lines(chunks: "AsyncIterator[StoredChunk]") -> "AsyncIterator[tuple[StoredChunk, str]]":
    """Yield each line with the chunk that it ends in; one longer than a chunk goes on in the next of the same visit."""
    last: StoredChunk | None = None
    rest = b""
    async for chunk in chunks:
        if last and rest and (chunk.path, chunk.read_at) != (last.path, last.read_at):
            yield last, _text(rest)
            rest = b""
        *lines, rest = (rest + chunk.data).split(b"\n")
        for line in lines:
            yield chunk, _text(line)
        last = chunk
    if last and rest:
        yield last, _text(rest)


def _text(line: bytes) -> str:
    return line.decode(errors="backslashreplace")
