"""`dthostmon host show`: one screen about one host."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dthostmon.cli import output
from dthostmon.cli.changes import print_change
from dthostmon.cli.results import print_finding
from dthostmon.model import Facts, Host, Metrics, Run, Severity, StoredInventory, ThingKind

if TYPE_CHECKING:
    from dthostmon.store import Store, StoredChange

SHOWN_CHANGES = 10
SHOWN_FINDINGS = 10


@dataclass(frozen=True, slots=True)
class Screen:
    """What is stored of a host: its last run (None before the first), what is on it, and what changed last."""

    host: Host
    run: Run | None
    inventories: Mapping[str, StoredInventory]
    changes: Sequence["StoredChange"]


async def read_screen(store: "Store", host: Host) -> Screen:
    """Read what the screen shows."""
    from dthostmon.store import ChangesWanted

    found = await store.changes(ChangesWanted(host.name), SHOWN_CHANGES)
    return Screen(host, await store.latest_run(host.name), await store.inventories(host.name), found.items)


def print_screen(screen: Screen) -> None:
    """Print how a host is, what is wrong there, what is on it, and what changed."""
    host, run = screen.host, screen.run
    place = ", ".join(filter(None, (host.address, f"site {host.site}" if host.site else "", *host.tags)))
    output.print_line(f"{host.name} ({place})")
    if run is None:
        output.print_line("It was not checked yet.")
        return
    score = "no score" if run.score is None else f"score {run.score}"
    output.print_line(f"{run.status}, {score}, {run.severity}, judged by {run.judged_by}, {run.started_at:%F %T} UTC")
    output.print_line(run.summary)
    for line in (_system(run.facts), _load(run.facts.metrics), _disks(run.facts.metrics)):
        if line:
            output.print_line(line)
    _print_things(screen.inventories)
    _print_findings(run)
    if screen.changes:
        output.print_line("")
        output.print_line("What changed last")
    for found in screen.changes:
        print_change("", found.change, with_diff=False)


def _system(facts: Facts) -> str:
    identity = facts.identity
    if identity is None:
        return ""
    up = None if identity.uptime is None else f"up {identity.uptime / 86400:.1f} days"
    return ", ".join(filter(None, (identity.os, identity.kernel, identity.architecture, up)))


def _load(metrics: Metrics | None) -> str:
    if metrics is None:
        return ""
    told = {"CPU": metrics.cpu_percent, "memory": metrics.memory_percent, "swap": metrics.swap_percent}
    parts = [f"{name} {value:.0f} %" for name, value in told.items() if value is not None]
    return ", ".join([*parts, *([f"load {metrics.load1:.2f}"] if metrics.load1 is not None else [])])


def _disks(metrics: Metrics | None) -> str:
    known = [disk for disk in metrics.disks if disk.percent is not None] if metrics else []
    fullest = sorted(known, key=lambda disk: -(disk.percent or 0))
    return ", ".join(f"{disk.mount} {disk.percent:.0f} %" for disk in fullest)


def _print_things(inventories: Mapping[str, StoredInventory]) -> None:
    """Print how many things there are of each kind, and of which kinds nobody knows all."""
    found = [stored.inventory for stored in inventories.values()]
    counts = Counter(thing.kind for inventory in found for thing in inventory.things)
    if counts:
        output.print_line(", ".join(f"{kind.value} {counts[kind]}" for kind in ThingKind if counts[kind]))
    for kind, reason in sorted((kind, why) for inventory in found for kind, why in inventory.unknown.items()):
        output.print_line(f"unknown: {kind}: {reason}")


def _print_findings(run: Run) -> None:
    worth_telling = [one for one in run.findings if one.severity > Severity.INFO]
    for finding in sorted(worth_telling, key=lambda one: -one.severity)[:SHOWN_FINDINGS]:
        print_finding("", finding)
