"""`dthostmon history`: how a host was over time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option

if TYPE_CHECKING:
    from dthostmon.store import Point, Series

SHOWN_POINTS = 48  # of a table that a person reads; --json has ten times as many
MOST_DAYS = 3660


@click.command()
@click.argument("host")
@click.option(
    "--days", type=click.IntRange(1, MOST_DAYS), default=7, show_default=True, help="So many days, up to now."
)
@json_option
@click.pass_obj
def history(invocation: Invocation, host: str, days: int, as_json: bool) -> None:
    """Print how a host was: score, processor, memory, swap, load and each mount."""
    from dthostmon.app.parts import opened_store
    from dthostmon.reports.documents import HISTORY_POINTS, series_document

    configuration = invocation.configuration()
    name, now = configuration.host(host).name, datetime.now(UTC)

    async def read() -> "Series":
        async with opened_store(configuration) as store:
            most = HISTORY_POINTS if as_json else SHOWN_POINTS
            return await store.series(name, now - timedelta(days=days), now, most)

    series = invocation.wait_for(read())
    if as_json:
        output.print_json(series_document(name, series))
        return
    if not series.points:
        output.say(f"Nothing is stored of {name} in that time.")
        return
    mounts = sorted({mount for point in series.points for mount in point.disks})
    columns = ("at (UTC)", "runs", "score", "cpu %", "memory %", "swap %", "load", *(f"{mount} %" for mount in mounts))
    output.print_table(columns, [_row(point, mounts) for point in series.points])


def _row(point: "Point", mounts: Sequence[str]) -> Sequence[object]:
    runs = f"{point.runs}, {point.failed} failed" if point.failed else point.runs
    measured = (point.cpu_percent, point.memory_percent, point.swap_percent)
    of_mounts = (point.disks.get(mount) for mount in mounts)
    percents = [None if value is None else f"{value:.0f}" for value in (*measured, *of_mounts)]
    return (f"{point.at:%Y-%m-%d %H:%M}", runs, point.score, *percents[:3], point.load1, *percents[3:])
