"""Services and timers: of systemd, OpenRC or SysV init, whichever runs the host."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.plain import number, plain
from dthostmon.facts.probe import InventoryProbe, Outputs
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.facts.systemd import read_units, sections_of, services_of, timers_of
from dthostmon.facts.systemd_commands import unit_files, units_command
from dthostmon.model import Inventory, Service, ThingKind, Timer
from dthostmon.transport import DirectoryEntry

KINDS = frozenset({ThingKind.SERVICE, ThingKind.TIMER})
MOST_THINGS = 5000
NO_ANSWER = "the host's service manager did not tell all of it"
# What may be process 1 and start services, and is not read here. Any other program there is a container's own: no
# service manager runs, so there are no services, and that is known.
OTHER_INITS = ("init", "runit", "runsvdir", "s6-svscan", "dinit", "shepherd", "upstart", "sinit", "openrc-init")
_OPENRC_STATES = {"started": "active", "stopped": "inactive", "crashed": "failed"}
_OPENRC_STATES |= {"starting": "activating", "stopping": "deactivating"}
_OPENRC = re.compile(r" *([^\s=]+) *= *([a-z]+)([^\n]*)")
_RESPAWNS = re.compile(r"\((\d{1,9})\)")

_OTHERS = r"""elif [ -d /run/openrc ]; then echo =openrc
rc-status --all --format ini && echo =end
elif read -r init </proc/1/comm && [ "$init" = init ] && [ -d /etc/rc2.d ]; then echo =sysv
set +f
ls -d /etc/init.d/* /etc/rc[2-5].d/S*
echo =end
else echo =init; echo "$init"; echo =end
fi"""


def _command(before: str | None) -> str:
    return f"if [ -d /run/systemd/system ]; then {units_command(before)}{_OTHERS}"


def services_mark(outputs: Outputs) -> str:
    """Name the state: systemd's command does; OpenRC tells for how long supervised services run, which is no state."""
    raw = outputs.get("units", b"")
    if stamp := re.search(rb"^=(?:same|end) ([0-9a-f]{64})$", raw, re.MULTILINE):
        return stamp[1].decode()
    return sha256(re.sub(rb"(= *started)[^\n(]*", rb"\1", raw)).hexdigest()


def parse_services(outputs: Outputs) -> Inventory:
    """Read what the service manager told."""
    sections = sections_of(outputs.get("units", b""))
    if "listed" in sections:
        return _listed(sections)
    if "end" not in sections:
        reason = "systemctl does not answer" if "refused" in sections else NO_ANSWER
        return Inventory((), dict.fromkeys(KINDS, reason), KINDS)
    if "systemd" in sections:
        units = read_units(sections)
        if not units.files:
            reason = "the host's find cannot tell of systemd's files"
            return Inventory((), dict.fromkeys(KINDS, reason), KINDS)
        return _capped(services_of(units), timers_of(units))
    if "openrc" in sections:
        return _capped(_openrc_services(sections))
    if "sysv" in sections:
        return _capped(_sysv_services(sections["sysv"]))
    return _without_manager(sections.get("init", ()))


def _listed(sections: Mapping[str, Sequence[str]]) -> Inventory:
    """Return what files alone tell: which services there are and which are enabled, not how they are."""
    reason = "which of them run or failed is not told without a shell"
    if "openrc" in sections:
        return _capped(_openrc_services(sections))
    found = _capped(services_of(read_units(sections)))
    return Inventory(found.things, {**dict.fromkeys(KINDS, reason), **found.missing}, KINDS)


def _without_manager(lines: Sequence[str]) -> Inventory:
    name = plain(lines[0], 40) if lines else ""
    if name and name not in OTHER_INITS:
        return Inventory((), {}, KINDS)
    init = f"the service manager is {name}" if name else "what process 1 is cannot be read"
    return Inventory((), dict.fromkeys(KINDS, f"{init}; systemd, OpenRC and SysV init are known"), KINDS)


def _capped(services: Iterable[Service], timers: Iterable[Timer] = ()) -> Inventory:
    found: dict[ThingKind, list[Service] | list[Timer]] = {
        ThingKind.SERVICE: list(services),
        ThingKind.TIMER: list(timers),
    }
    missing = {
        kind: f"there are more than {MOST_THINGS}" for kind, things in found.items() if len(things) > MOST_THINGS
    }
    return Inventory(tuple(thing for things in found.values() for thing in things[:MOST_THINGS]), missing, KINDS)


def _openrc_services(sections: Mapping[str, Sequence[str]]) -> Iterator[Service]:
    """Yield the services that are in a runlevel or run; the tool has a section like `[default]` for each runlevel."""
    found: dict[str, Service] = {}
    is_runlevel = False
    for line in sections["openrc"]:
        if line.startswith("["):
            is_runlevel = not line.startswith("[Dynamic")
        elif entry := _OPENRC.fullmatch(line):
            name = plain(entry[1])
            respawns = _RESPAWNS.search(entry[3])
            is_enabled = is_runlevel or (name in found and found[name].enabled == "enabled")
            found[name] = Service(
                name=name,
                active=_OPENRC_STATES.get(entry[2], plain(entry[2], 40)),
                enabled="enabled" if is_enabled else "disabled",
                restarts=(number(respawns[1]) or None) if respawns else None,
                path=f"/etc/init.d/{name}",
            )
    yield from (found[name] for name in sorted(found))


def _sysv_services(lines: Sequence[str]) -> Iterator[Service]:
    """Yield the scripts of SysV init; whether a service runs, only the script itself could tell."""
    started = {re.sub(r"^S\d\d", "", line.rpartition("/")[2]) for line in lines if line.startswith("/etc/rc")}
    scripts = {line.rpartition("/")[2] for line in lines if line.startswith("/etc/init.d/")}
    for name in sorted(scripts - {"README", "functions", "rc", "rcS", "skeleton", ""}):
        yield Service(
            plain(name), None, "enabled" if name in started else "disabled", None, plain(f"/etc/init.d/{name}")
        )


async def _files(files: FactFiles) -> Told:
    if await files.stat("/run/systemd/system"):
        return await unit_files(files)
    if await files.stat("/run/openrc"):
        return await _openrc_files(files)
    init = (await files.beginning("/proc/1/comm")).strip()
    if init == b"init" and await files.stat("/etc/rc2.d"):
        folders = ("/etc/init.d", *(f"/etc/rc{level}.d" for level in range(2, 6)))
        names = [f"{folder}/{entry.name}" for folder in folders for entry in await files.list(folder)]
        chosen = [name for name in names if name.startswith("/etc/init.d/") or "/S" in name]
        return Told(
            "\n".join(("=sysv", *(name.replace("\n", "?") for name in chosen), "=end")).encode(errors="replace")
        )
    return Told(b"=init\n%b\n=end" % init)


async def _openrc_files(files: FactFiles) -> Told:
    states: dict[str, str] = {}
    for state in ("started", "starting", "stopping", "failed"):
        states |= {entry.name: state for entry in await _names(files, f"/run/openrc/{state}")}
    lines = ["=openrc"]
    named: set[str] = set()
    for level in await files.list("/etc/runlevels"):
        lines.append(f"[{level.name}]")
        for entry in await _names(files, f"/etc/runlevels/{level.name}"):
            named.add(entry.name)
            lines.append(f"{entry.name} = {states.get(entry.name, 'stopped')}")
    lines += ["[Dynamic]", *(f"{name} = {state}" for name, state in states.items() if name not in named)]
    return Told("\n".join((*(line.replace("\n", "?") for line in lines), "=listed")).encode(errors="replace"))


async def _names(files: FactFiles, folder: str) -> Sequence[DirectoryEntry]:
    try:
        return [entry for entry in await files.list(folder) if entry.link]
    except FileUnreadableError:
        return []


def services_probe(_: Sequence[str], before: str | None) -> InventoryProbe:
    """Make the probe; the mark of the visit before tells the host what need not be told again."""
    return InventoryProbe(
        name="services",
        kinds=frozenset({ThingKind.SERVICE, ThingKind.TIMER}),
        parse=parse_services,
        commands={"units": _command(before)},
        files={"units": _files},
        mark=services_mark,
    )
