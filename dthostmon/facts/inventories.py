"""The probes that find things, by name."""

from collections.abc import Callable, Mapping, Sequence

from dthostmon.facts.containers import containers_probe
from dthostmon.facts.cron import cron_probe
from dthostmon.facts.hardware import hardware_probe
from dthostmon.facts.ports import ports_probe
from dthostmon.facts.probe import InventoryProbe
from dthostmon.facts.raid import raid_probe
from dthostmon.facts.services import services_probe

# Makes a probe of the configured globs and the mark of the visit before, None where there was none.
Make = Callable[[Sequence[str], str | None], InventoryProbe]

INVENTORIES: Mapping[str, Make] = {
    "containers": containers_probe,
    "cron": cron_probe,
    "hardware": hardware_probe,
    "ports": ports_probe,
    "raid": raid_probe,
    "services": services_probe,
}


def inventory_probes(names: Sequence[str], files: Sequence[str], marks: Mapping[str, str]) -> Sequence[InventoryProbe]:
    """Return the probes of some names, in that order; names of probes that find no things are passed over."""
    return [INVENTORIES[name](files, marks.get(name)) for name in names if name in INVENTORIES]
