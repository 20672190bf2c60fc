"""The command tree and the exit codes."""

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from dthostmon import __version__
from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation
from dthostmon.cli.log_format import LEVELS, set_up_logging
from dthostmon.errors import DthostmonError, NotFoundError, ProblemsError

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

# Where each command lives: a module is imported when its command is called, so `--help` and small commands start fast.
COMMANDS = {
    "ai": "models:ai",
    "analyze": "analyze:analyze",
    "baseline": "baseline:baseline",
    "changes": "changes:changes",
    "config": "configuration:config",
    "coverage": "stored:coverage",
    "db": "database:db",
    "eval": "evaluate:evaluate",
    "findings": "stored:findings",
    "history": "history:history",
    "host": "hosts:host",
    "key": "keys:key",
    "logs": "stored_logs:logs",
    "monitor": "monitor:monitor",
    "rules": "rules:rules",
    "run": "run:run",
    "setup": "setup:setup",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None where there is none of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command = getattr(importlib.import_module(f"dthostmon.cli.{module}"), attribute)
        assert isinstance(command, click.Command)  # noqa: S101  # a slip in the table above, seen by the first test
        return command


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option(
    "-c", "--config", "config_file", type=click.Path(path_type=Path, dir_okay=False), help="The configuration file."
)
@click.option(
    "--log-level",
    type=click.Choice(sorted(LEVELS)),
    default="info",
    show_default=True,
    help="What dthostmon tells of itself on stderr.",
)
@click.version_option(__version__, prog_name="dthostmon")
@click.pass_context
def cli(ctx: click.Context, config_file: Path | None, log_level: str) -> None:
    """Watch machines over SSH without installing anything on them."""
    set_up_logging(log_level)
    ctx.obj = Invocation(config_file, dict(os.environ))


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    if sys.stdout is None:  # closed by the caller
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  # for as long as the process lives
    try:
        with cli.make_context("dthostmon", list(arguments)) as context:  # cli.main ends with 1 where a reader left
            result = cli.invoke(context)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show(sys.stderr)
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        output.say("\nInterrupted.")  # below the ^C of the terminal
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return EXIT_DONE
    except ProblemsError as error:
        for problem in error.problems:
            output.say(str(problem))
        return EXIT_USAGE
    except NotFoundError as error:
        output.say(str(error))
        return EXIT_USAGE
    except DthostmonError as error:
        output.say(str(error))
        return EXIT_FAILED
    return result if isinstance(result, int) else EXIT_DONE


def _discard_output() -> None:
    """Lead stdout to nowhere: its reader left, and what is buffered would fail at the interpreter's end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
