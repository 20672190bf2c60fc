"""`dthostmon config`: check, show, init, schema."""

import os
import platform
from pathlib import Path

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option
from dthostmon.config import COMMON_LOGS, effective_values, find_file, load, schema, starter_text
from dthostmon.errors import ConfigurationError, Problem
from dthostmon.reports.documents import problem_document


@click.group()
def config() -> None:
    """Check, show and write the configuration."""


@config.command()
@json_option
@click.pass_obj
def check(invocation: Invocation, as_json: bool) -> int:
    """List every problem of the configuration with its place; exits 2 when there is one."""
    path = find_file(invocation.config_file, invocation.environ)
    problems, warnings, hosts = _problems(path, invocation)
    if as_json:
        output.print_json(
            {
                "file": str(path),
                "hosts": hosts,
                "problems": [problem_document(one) for one in problems],
                "warnings": [problem_document(one) for one in warnings],
            }
        )
        return 2 if problems else 0
    for problem in problems:
        output.say(str(problem))
    for warning in warnings:
        output.say(f"WARN {warning}")
    if problems:
        output.say(f"{path}: {len(problems)} {'problem' if len(problems) == 1 else 'problems'}")
        return 2
    output.print_line(f"{path}: good, {hosts} {'host' if hosts == 1 else 'hosts'}")
    return 0


def _problems(path: Path, invocation: Invocation) -> tuple[tuple[Problem, ...], tuple[Problem, ...], int | None]:
    """Return the problems, the warnings and the number of hosts (None where the file cannot be used)."""
    from dthostmon.transport.inspection import faults

    try:
        configuration = load(path, invocation.environ)
    except ConfigurationError as error:
        return error.problems, (), None
    found = [(host, fault) for host in configuration.hosts if host.ssh for fault in faults(host.ssh)]
    problems = dict.fromkeys(configuration.problem(host, fault.key, str(fault.error)) for host, fault in found)
    problems |= dict.fromkeys(configuration.missing_rule_folders())
    return tuple(problems), configuration.warnings, len(configuration.hosts)


@config.command()
@click.argument("host", required=False)
@json_option
@click.pass_obj
def show(invocation: Invocation, host: str | None, as_json: bool) -> None:
    """Show the values in force, secrets masked, each with its origin; with HOST those of one host."""
    values = effective_values(invocation.configuration(), host)
    if as_json:
        output.print_json([{"path": value.path, "value": value.text, "origin": value.origin} for value in values])
    else:
        output.print_table(("setting", "value", "origin"), [(value.path, value.text, value.origin) for value in values])


@config.command()
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it; else the file named with -c, else dthostmon.yaml.",
)
@click.pass_obj
def init(invocation: Invocation, target: Path | None) -> None:
    """Write a commented configuration that watches this machine; never over an existing file."""
    target = target or invocation.config_file or Path("dthostmon.yaml")
    try:
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(starter_text(platform.node() or "localhost", _logs_of_this_machine()))
    except FileExistsError:
        raise click.ClickException(f"{target} exists already and is left as it is") from None
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written: {error.strerror}") from error
    output.print_line(f"wrote {target}")


def _logs_of_this_machine() -> list[str]:
    return [log for log in COMMON_LOGS if Path(log).is_file()] or ["/var/log/*.log"]


@config.command(name="schema")
def print_schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    output.print_json(schema())
