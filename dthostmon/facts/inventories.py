"""The probes that find things, by name."""

from collections.abc import Callable, Mapping, Sequence

from dthostmon.facts.certificates import certificates_probe
from dthostmon.facts.clock import TIME
from dthostmon.facts.containers import containers_probe
from dthostmon.facts.cron import cron_probe
from dthostmon.facts.files import files_probe
from dthostmon.facts.hardware import hardware_probe
from dthostmon.facts.kernel import KERNEL
from dthostmon.facts.mounts import MOUNTS
from dthostmon.facts.network import NETWORK
from dthostmon.facts.packages import packages_probe
from dthostmon.facts.ports import ports_probe
from dthostmon.facts.probe import InventoryProbe
from dthostmon.facts.raid import raid_probe
from dthostmon.facts.services import services_probe
from dthostmon.facts.users import users_probe

# Makes a probe of the configured globs and the mark of the visit before, None where there was none.
Make = Callable[[Sequence[str], str | None], InventoryProbe]

INVENTORIES: Mapping[str, Make] = {
    "certificates": certificates_probe,
    "containers": containers_probe,
    "cron": cron_probe,
    "files": files_probe,
    "hardware": hardware_probe,
    "kernel": lambda _files, _before: KERNEL,
    "mounts": lambda _files, _before: MOUNTS,
    "network": lambda _files, _before: NETWORK,
    "packages": packages_probe,
    "ports": ports_probe,
    "raid": raid_probe,
    "services": services_probe,
    "time": lambda _files, _before: TIME,
    "users": users_probe,
}


def inventory_probes(names: Sequence[str], files: Sequence[str], marks: Mapping[str, str]) -> Sequence[InventoryProbe]:
    """Return the probes of some names, in that order; names of probes that find no things are passed over."""
    return [INVENTORIES[name](files, marks.get(name)) for name in names if name in INVENTORIES]
