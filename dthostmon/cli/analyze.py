"""`dthostmon analyze`: templates and findings of local files, with no host and no database."""

import os
import stat
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.foreign_form import foreign_form
from dthostmon.cli.invocation import Invocation, json_option
from dthostmon.cli.results import print_finding

if TYPE_CHECKING:
    from dthostmon.analysis import Examination, Moment

SHOWN_TEMPLATES = 30


@click.command()
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
)
@click.option(
    "--assign", "with_assignment", is_flag=True, help="With --json: the template and rule of every line, in order."
)
@click.option(
    "--templates",
    "shown",
    metavar="N",
    type=click.IntRange(min=0),
    default=SHOWN_TEMPLATES,
    show_default=True,
    help="How many templates are shown, the most frequent first.",
)
@json_option
@click.pass_obj
def analyze(invocation: Invocation, files: Sequence[Path], with_assignment: bool, shown: int, as_json: bool) -> None:
    """Print the templates and findings of local files, as if they were one host's logs.

    FILE may be - for what comes in on stdin. The builtin rules judge, and the packs of the folders that the
    configuration names, where there is one.
    """
    from dthostmon import analysis
    from dthostmon.model import Thresholds
    from dthostmon.reports.documents import finding_document, template_document

    if with_assignment and not as_json:
        raise click.UsageError("--assign goes with --json")
    logs = [(str(file), _read(file)) for file in files]
    packs = invocation.rules()
    examined = analysis.examine(logs, packs, Thresholds(), None, moment=_moment(files))
    if not as_json:
        _print(examined, shown)
        return
    document: dict[str, object] = {
        "lines": examined.lines,
        "templates": [template_document(counted) for counted in examined.templates],
        "findings": [finding_document(finding) for finding in examined.findings],
    }
    if with_assignment:
        document["assign"] = [
            {"template": line.template_id, "rule": line.rule, "severity": str(line.severity) if line.severity else None}
            for line in analysis.assign(logs, packs, examined.findings)
        ]
    output.print_json(document)


def _moment(files: Sequence[Path]) -> "Moment":
    """Return when the files were written last: lines that name no year are of that one."""
    from dthostmon.analysis import Moment

    now = datetime.now().astimezone()
    written = [file.stat().st_mtime for file in files if file.is_file()]
    return Moment(datetime.fromtimestamp(max(written), UTC) if written else now, now.tzinfo or UTC)


def _read(file: Path) -> bytes:
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else _read_file(file)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from error
    if form := foreign_form(content):
        raise click.ClickException(f"{file} is {form.name}; `{form.command(file)}` analyses it")
    return content


def _read_file(file: Path) -> bytes:
    """Read a regular file, or a pipe that something writes into; never wait for a writer that may not come."""
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY), "rb", 0) as opened:
        mode = os.fstat(opened.fileno()).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise click.ClickException(f"{file} is neither a file nor a pipe; - reads what comes in on stdin")
        first = opened.read(1)  # None: there is a writer, and it is slow
        if first == b"" and stat.S_ISFIFO(mode):
            raise click.ClickException(f"{file} is a pipe that nothing writes into; start the writer first")
        os.set_blocking(opened.fileno(), True)
        return (first or b"") + opened.readall()


def _print(examined: "Examination", shown: int) -> None:
    total = len(examined.templates)
    output.print_line(f"Lines: {examined.lines}, templates: {total}, findings: {len(examined.findings)}")
    for finding in examined.findings:
        print_finding("", finding)
    if not examined.findings:
        output.print_line("Nothing was found that needs to be told.")
    if shown and total:
        rows = [
            (counted.count, counted.template.program, counted.template.text) for counted in examined.templates[:shown]
        ]
        output.print_table(("count", "program", "template"), rows)
    if total > shown:
        output.print_line(f"Templates: {shown} of {total} shown; --templates {total} or --json shows all.")
