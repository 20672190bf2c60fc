"""`dthostmon setup`: does every host answer, and what stands in the way?"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import click

from dthostmon import logs
from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option
from dthostmon.cli.monitor import choose_hosts
from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import Host, HostState, LogsReading, Severity
from dthostmon.transport import Shell, connect

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tested:
    """What testing one host showed; `fix` is empty where nothing stands in the way."""

    host: str
    address: str
    connection: str
    shell: str
    logs: str
    fix: str
    is_good: bool


@click.command()
@click.argument("names", metavar="[HOST]...", nargs=-1)
@json_option
@click.pass_obj
def setup(invocation: Invocation, names: Sequence[str], as_json: bool) -> int:
    """Test hosts layer by layer and say what mends each failure. Stores nothing; exits 1 when a host fails."""
    configuration = invocation.configuration()
    hosts = choose_hosts(configuration, names, None, None)
    limit = configuration.settings.monitoring.max_concurrent_hosts
    results = invocation.wait_for(_test_all(hosts, limit))
    columns = ("host", "address", "connection", "shell", "logs", "fix")
    if as_json:
        output.print_json([{column: getattr(result, column) for column in (*columns, "is_good")} for result in results])
    else:
        _print(results)
    return 0 if all(result.is_good for result in results) else 1


def _print(results: Sequence[Tested]) -> None:
    """Print a row for each host and, below, what is wrong in full and the commands that mend it."""
    rows = [
        (one.host, one.address, one.connection.partition(":")[0], one.shell, one.logs.partition(";")[0])
        for one in results
    ]
    colours = [None if result.is_good else "red" for result in results]
    output.print_table(("host", "address", "connection", "shell", "logs"), rows, colours)
    for result in results:
        if not result.is_good:
            trouble = result.logs if result.connection == "ok" else result.connection
            output.print_line(f"{result.host}: {trouble}")
            output.print_line(f"    What to do: {result.fix}")


async def _test_all(hosts: Sequence[Host], limit: int) -> list[Tested]:
    slots = asyncio.Semaphore(limit)

    async def test_in_turn(host: Host) -> Tested:
        async with slots:
            return await try_host(host)

    return await asyncio.gather(*(test_in_turn(host) for host in hosts))


async def try_host(host: Host) -> Tested:
    """Test one host; whatever goes wrong is its result, and ends no other test."""
    try:
        async with asyncio.timeout(host.timeout):
            reading, shell = await _visit(host)
    except VisitError as error:
        return _failed(host, error.kind, error.message, error.fix)
    except TimeoutError:
        return _failed(host, ErrorKind.TIMEOUT, f"longer than {host.timeout:g} s", "Raise monitoring.host_timeout.")
    except Exception:
        logger.exception("a host could not be tested", extra={"host": host.name})
        return _failed(host, ErrorKind.INTERNAL, "an error of dthostmon itself", "Report it with the trace on stderr.")
    troubles = [problem for problem in reading.problems if problem.severity > Severity.INFO]
    return Tested(
        host.name,
        host.address,
        "ok",
        shell,
        f"{len(reading.logs)} readable" + "".join(f"; {problem.title}" for problem in reading.problems),
        " ".join(dict.fromkeys(problem.recommended_action for problem in troubles)),
        is_good=not troubles,
    )


async def _visit(host: Host) -> tuple[LogsReading, str]:
    """Return what can be read and what is told of the shell."""
    session = await connect(host)
    try:
        reading = await logs.read_new(session, host.logs, HostState({}, frozenset()), look_back=0)
        return reading, await _test_shell(session.shell)
    finally:
        await session.close()


def _failed(host: Host, kind: ErrorKind, message: str, fix: str) -> Tested:
    return Tested(host.name, host.address, f"failed ({kind.value}): {message}", "-", "-", fix, is_good=False)


async def _test_shell(shell: Shell | None) -> str:
    if shell is None:
        return "none"
    outputs = await shell.run({"true": "echo yes"})
    return "ok" if outputs["true"].stdout.strip() == b"yes" else "does not answer"
