"""The command line: the only place that prints or picks an exit code."""

from dthostmon.cli.main import run_command_line

__all__ = ["run_command_line"]
