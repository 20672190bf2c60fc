"""What is on a host, compared with what was there before."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from dthostmon import changes
from dthostmon.cycle.parts import RunStore
from dthostmon.model import Change, Difference, Facts, Finding, Host, HostState, Run, RunStatus, StoredInventory, Thing

MAX_TELLING_CHANGES = 20  # for a model: the rest is in the run


@dataclass(frozen=True, slots=True)
class WhatChanged:
    """What to keep of inventories by probe, what changed, and the findings about that and about how things are."""

    inventories: Mapping[str, StoredInventory] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()


async def what_changed(host: Host, state: HostState, known: Facts, store: RunStore, now: datetime) -> WhatChanged:
    """Compare what was told with what is stored. The first visit of a probe is what later ones are compared with."""
    before = await store.inventories(host.name, tuple(known.inventories)) if known.inventories else {}
    kept = {probe: _kept(probe, known, before) for probe in known.inventories}
    differing = [
        difference
        for probe, stored in before.items()
        for difference in changes.differences(stored.inventory, known.inventories[probe])
    ]
    told = await _told(host, differing, store, now) if differing else ()
    found = tuple(one.finding for one in told if one.finding)
    lasting = {**state.lasting, **{probe: stored.lasting for probe, stored in kept.items()}}
    wrong = _still_wrong(host, lasting, state.accepted, found, now)
    return WhatChanged(kept, tuple(one.change for one in told), (*found, *wrong))


async def _told(
    host: Host, differing: Sequence[Difference], store: RunStore, now: datetime
) -> tuple[changes.ToldChange, ...]:
    recent = await store.recent_changes(host.name, now - changes.WINDOW)
    last = await store.latest_run(host.name)
    known_at = last.started_at if last and last.status is RunStatus.OK else None
    return changes.tell(differing, recent, host.changes, now, known_at)


def _kept(probe: str, known: Facts, before: Mapping[str, StoredInventory]) -> StoredInventory:
    told, was = known.inventories[probe], before.get(probe)
    whole = changes.merged(was.inventory, told) if was else told
    return StoredInventory(known.marks[probe], whole, changes.lasting(whole))


def _still_wrong(
    host: Host,
    lasting: Mapping[str, tuple[Thing, ...]],
    accepted: Collection[str],
    found: Collection[Finding],
    now: datetime,
) -> Iterator[Finding]:
    """Yield what is wrong as it is, but for what has just become so: that is told already."""
    told = {(finding.kind, finding.fields.get("subject")) for finding in found}
    things = chain.from_iterable(of_probe for probe, of_probe in lasting.items() if probe in host.probes)
    for finding in changes.state_findings(things, accepted, now):
        if (finding.kind, finding.fields["subject"]) not in told:
            yield finding


async def with_what_changed_before(
    host: Host, found: tuple[Finding, ...], seen: tuple[Change, ...], store: RunStore, now: datetime
) -> tuple[Finding, ...]:
    """Return findings, each with what changed on the host in the window before it."""
    if not found:
        return found
    recent = await store.recent_changes(host.name, now - changes.WINDOW)
    return changes.with_changes(found, (*seen, *recent), now)


def telling_changes(run: Run) -> tuple[str, ...]:
    """Return in words what changed that may have to do with what was found, the likeliest first, then what else did."""
    before = (change.sentence for finding in run.findings for change in finding.changes if change.relation)
    return tuple(dict.fromkeys([*before, *(change.sentence for change in run.changes)]))[:MAX_TELLING_CHANGES]
