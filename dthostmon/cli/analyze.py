"""`dthostmon analyze`: templates and findings of local files, with no host and no database."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import json_option
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
@json_option
def analyze(files: Sequence[Path], with_assignment: bool, as_json: bool) -> None:
    """Print the templates and findings of local files, as if they were one host's logs."""
    from dthostmon import analysis, rules
    from dthostmon.model import Thresholds
    from dthostmon.reports.documents import finding_document, template_document

    if with_assignment and not as_json:
        raise click.UsageError("--assign goes with --json")
    logs = [(str(file), _read(file)) for file in files]
    packs = rules.load_packs([rules.builtin_folder()])
    examined = analysis.examine(logs, packs, Thresholds(), None, moment=_moment(files))
    if not as_json:
        _print(examined)
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
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from error


def _print(examined: "Examination") -> None:
    counts = (examined.lines, len(examined.templates), len(examined.findings))
    output.print_line("Lines: {}, templates: {}, findings: {}".format(*counts))
    for finding in examined.findings:
        print_finding("", finding)
    rows = [
        (counted.count, counted.template.program, counted.template.text)
        for counted in examined.templates[:SHOWN_TEMPLATES]
    ]
    output.print_table(("count", "program", "template"), rows)
