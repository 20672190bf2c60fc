"""The results of `setup` as text and as a document."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from dthostmon.cli import output
from dthostmon.cli.setup.layers import LOG, PROBE, Layer, Status, Tested
from dthostmon.cli.setup.login import place
from dthostmon.reports.documents import Document

COLUMNS = 100
SUBJECT_COLUMNS = 40
INDENT = " " * 6


def tested_document(tested: Tested) -> Document:
    """A tested host as JSON has it."""
    return {
        "host": tested.host.name,
        "address": tested.host.address,
        "is_good": tested.is_good,
        "layers": [
            {
                "layer": layer.name,
                "subject": layer.subject or None,
                "status": layer.status.value,
                "detail": layer.detail or None,
                "fix": layer.fix or None,
            }
            for layer in tested.layers
        ],
    }


def print_tested(results: Sequence[Tested], *, all_layers: bool) -> None:
    """Print a line for each host; below, the layers of those that fail (`all_layers`: of all), and what mends them."""
    rows = [(tested.host.name, tested.host.address, _summary(tested)) for tested in results]
    colours = [None if tested.is_good else "red" for tested in results]
    output.print_table(("host", "address", "result"), rows, colours)
    for tested in results:
        if all_layers or not tested.is_good:
            for line in ("", place(tested.host), *_lines(tested, all_layers=all_layers)):
                output.print_line(line)
    failed = sum(not tested.is_good for tested in results)
    output.print_line("")
    output.print_line(f"Hosts: {len(results) - failed} good, {failed} failed")


def _summary(tested: Tested) -> str:
    if not tested.is_good:
        return f"failed: {', '.join(dict.fromkeys(layer.name for layer in tested.failures))}"
    logs = [layer.status for layer in tested.layers if layer.name == LOG]
    probes = [layer.subject for layer in tested.layers if layer.name == PROBE]
    missing = f" ({logs.count(Status.MISSING)} missing)" if Status.MISSING in logs else ""
    return f"ok: {len(logs)} log{'' if len(logs) == 1 else 's'}{missing}; {', '.join(probes) or 'no probes'}"


def _lines(tested: Tested, *, all_layers: bool) -> Iterator[str]:
    """Yield the lines of a host; without `all_layers` the skipped ones are one line."""
    skipped = [] if all_layers else [layer for layer in tested.layers if layer.status is Status.SKIPPED]
    shown = [layer for layer in tested.layers if layer not in skipped]
    width = min(max(len(layer.subject) for layer in shown), SUBJECT_COLUMNS)
    for layer in shown:
        yield from _lines_of_layer(layer, width)
    if skipped:
        names = Counter(layer.name for layer in skipped)
        listed = (name if count == 1 else f"{count} {name}s" for name, count in names.items())
        yield f"  not tested: {', '.join(listed)}"


def _lines_of_layer(layer: Layer, width: int) -> Iterator[str]:
    """Yield the line of a layer; of one that failed its detail in full, and the fix in one line, to be copied."""
    start = f"  {layer.name:8}  {layer.subject:{width}}  " if width else f"  {layer.name:8}  "
    if layer.status is not Status.FAILED:
        yield f"{start}{layer.status:10}  {layer.detail}".rstrip()
        return
    yield f"{start}{layer.status}"
    yield from textwrap.wrap(
        layer.detail, COLUMNS, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False
    )
    yield f"{INDENT}fix: {layer.fix}"
