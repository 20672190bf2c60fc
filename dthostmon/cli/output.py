"""Printing: documents and tables to stdout, everything else to stderr; no byte of a host reaches the terminal raw."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, repeat

import click

from dthostmon.model import Severity

SEVERITY_STYLES = {Severity.INFO: "", Severity.WARN: "yellow", Severity.CRITICAL: "bold red"}


def safe(text: str) -> str:
    """Show control characters, bidirectional marks and the like as \\x1b or \\u202e instead of obeying them."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def say(text: str) -> None:
    """Tell a person something, line by line, on stderr."""
    for line in text.split("\n"):
        click.echo(safe(line), err=True)


def print_line(text: str) -> None:
    """Print one line of a command's result."""
    click.echo(safe(text))


def print_json(document: object) -> None:
    """Print the one JSON document of a command."""
    click.echo(json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2))


@contextmanager
def json_list(head: Mapping[str, object], name: str) -> Iterator[Callable[[object], None]]:
    """Print one JSON document whose list `name` may be longer than memory is; yields what prints an item of it."""
    parts = chain(["\n"], repeat(",\n"))
    sys.stdout.write(f"{json.dumps(head)[:-1]}, {json.dumps(name)}: [")
    yield lambda item: print(next(parts) + json.dumps(item, allow_nan=False), end="")
    click.echo("\n]}")


def print_bytes(data: bytes) -> None:
    """Print bytes as they are."""
    sys.stdout.buffer.write(data)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], styles: Sequence[str] = ()) -> None:
    """Print a table; `styles` has a rich style for each row, which shows on a terminal only."""
    cells = [["-" if cell is None else safe(str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _print_styled(columns, cells, styles)
    else:
        _print_plain(columns, cells)


def _print_plain(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Print a line for each row, for pipes and journals; a daemon that prints to those needs no rich."""
    lines = [columns, *cells]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _print_styled(columns: Sequence[str], cells: Sequence[Sequence[str]], styles: Sequence[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for index, row in enumerate(cells):
        table.add_row(*(Text(cell, style=styles[index] if index < len(styles) else "") for cell in row))
    Console(highlight=False).print(table)
