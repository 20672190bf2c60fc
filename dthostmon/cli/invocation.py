"""What every command gets: the configuration on demand, and how to run asynchronous work."""

import asyncio
import re
import shlex
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from dthostmon.config import Configuration
    from dthostmon.rules import RuleSet

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of the command line: the file named with -c, and the environment."""

    config_file: Path | None
    environ: Mapping[str, str]

    def configuration(self) -> "Configuration":
        """Load the configuration; raises ConfigurationError."""
        from dthostmon.config import load

        return load(self.file(), self.environ)

    def file(self) -> Path:
        """Choose the file of the configuration; raises ConfigurationError where there is none."""
        from dthostmon.config import find_file

        return find_file(self.config_file, self.environ)

    def rule_folders(self) -> tuple[Path, ...]:
        """Return the user's own folders of rule packs; none where there is no configuration that could name some.

        Raises ConfigurationError for one that cannot be used.
        """
        from dthostmon.errors import ConfigurationError

        try:
            self.file()
        except ConfigurationError:
            return ()
        return self.configuration().rule_folders

    def rules(self) -> "RuleSet":
        """Load the builtin packs and, where there is a configuration, the user's own; says which are refused."""
        from dthostmon.cli.output import say
        from dthostmon.rules import builtin_folder, load_packs

        packs = load_packs([builtin_folder(), *reversed(self.rule_folders())])
        for problem in packs.refused:
            say(str(problem))
        return packs

    def command(self, rest: str) -> str:
        """Render another command as the user would type it."""
        file = f"-c {shlex.quote(str(self.config_file))} " if self.config_file else ""
        return f"dthostmon {file}{rest}"

    @staticmethod
    def wait_for(work: Coroutine[None, None, Result]) -> Result:
        """Run asynchronous work to its end."""
        return asyncio.run(work)


class MomentType(click.ParamType[datetime]):
    """A moment: RFC 3339 with its zone, or how long ago (`1d`)."""

    name = "moment"
    advice = "write 30m, 12h or 7d (ago), or a moment such as 2026-01-31T08:00:00Z"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read a moment from the command line."""
        from dthostmon.config.fields import parse_duration

        if isinstance(value, datetime):
            return value
        if re.fullmatch(r"\d+[a-z]+", value):
            try:
                return datetime.now(UTC) - timedelta(seconds=parse_duration(value))
            except (ValueError, OverflowError) as error:
                self.fail(str(error), param, ctx)
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):  # the latter: at the ends of the calendar
            self.fail(self.advice, param, ctx)


class ExpiryType(MomentType):
    """A moment to come: RFC 3339 with its zone, or how long from now (`30d`)."""

    advice = "write 12h or 90d (from now), or a moment to come such as 2099-01-31T08:00:00Z"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read a moment to come from the command line."""
        moment, now = super().convert(value, param, ctx), datetime.now(UTC)
        if isinstance(value, str) and re.fullmatch(r"\d+[a-z]+", value):
            moment = now + (now - moment)
        if moment <= now:
            self.fail(f"{value} is over; {self.advice}", param, ctx)
        return moment


MOMENT = MomentType()
EXPIRY = ExpiryType()
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
since_option = click.option("--since", type=MOMENT, help="Only what came since: 12h, 7d, or 2026-01-31T08:00:00Z.")
