"""Printing: documents and tables to stdout, everything else to stderr; no byte of a host reaches the terminal raw."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, repeat, zip_longest

import click

from dthostmon.model import Severity

SEVERITY_COLOURS = {Severity.INFO: None, Severity.WARN: "yellow", Severity.CRITICAL: "red"}


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


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], colours: Sequence[str | None] = ()) -> None:
    """Print a line for each row, in its colour. On a terminal a line is cut at the edge; elsewhere nothing is."""
    cells = [columns, *(["-" if cell is None else safe(str(cell)) for cell in row] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    edge = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line, colour in zip_longest(cells, [None, *colours][: len(cells)]):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        click.secho(text if edge is None or len(text) <= edge else f"{text[: edge - 1]}…", fg=colour)
