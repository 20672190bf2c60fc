"""`dthostmon run`: the daemon."""

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation
from dthostmon.cli.results import print_runs


@click.command()
@click.pass_obj
def run(invocation: Invocation) -> None:
    """Run the daemon: scheduler, checks and API in this process, until SIGTERM or Ctrl-C."""
    from dthostmon.app.daemon import Listening, run_daemon
    from dthostmon.model import Cycle

    configuration = invocation.configuration()
    for warning in configuration.warnings:
        output.say(f"WARN {warning}")
    told: list[str] = []

    def ready(listening: Listening) -> None:
        output.print_line(f"dthostmon answers on {listening.url} (try {listening.url}/health)")
        output.print_line("The first results follow." if configuration.hosts else "There is no host to watch yet.")

    def show_first(cycle: Cycle) -> None:
        if len(told) < len({host.interval for host in configuration.hosts}):
            told.append(cycle.id)
            print_runs(cycle.runs)

    invocation.wait_for(run_daemon(configuration, invocation.environ, ready, show_first))
