"""What is installed, and what waits to be: the lists of package managers, told only when a database changed."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from dthostmon.facts import package_lists
from dthostmon.facts.package_commands import list_command
from dthostmon.facts.package_files import list_source
from dthostmon.facts.package_lists import Installed, Parser
from dthostmon.facts.package_logs import APT_HISTORY, PACKAGE_LOGS, installed_at, installed_by
from dthostmon.facts.plain import plain
from dthostmon.facts.probe import InventoryProbe, Outputs, digest_of
from dthostmon.facts.updates import parse_updates
from dthostmon.facts.zone import zone_of_offset
from dthostmon.model import Inventory, Package, ThingKind, Updates

MOST_PACKAGES = 20_000
_MOST_VERSIONS = 20  # of one name
# A stamp is sent to the host again, so it is plain: words of times, numbers and a kernel's name.
_STAMP = re.compile(rb"=stamp ([0-9a-z][0-9A-Za-z:.+_~-]* [0-9A-Za-z:.+_~ -]{9,3999})(?:\n|\Z)")
_PART = re.compile(rb"^=begin ([a-z-]{1,20})\n", re.MULTILINE)
_NOT_LISTED = "the host did not list them, or not within its time"


@dataclass(frozen=True, slots=True)
class _Manager:
    """How a manager's list is read; `between` stands between a name and an architecture that is not the host's."""

    parse: Parser
    between: str = ":"
    is_of_system: bool = True


_MANAGERS: Mapping[str, _Manager] = {
    "dpkg": _Manager(package_lists.parse_dpkg),
    "rpm": _Manager(package_lists.parse_rpm, "."),
    "apk": _Manager(package_lists.parse_apk),
    "pacman": _Manager(package_lists.parse_pacman),
    "snap": _Manager(package_lists.parse_snap, is_of_system=False),
    "flatpak": _Manager(package_lists.parse_flatpak, is_of_system=False),
}
_Lists = Mapping[str, Sequence[Installed]]
# What a manager is called as a package, which is of the host's own architecture.
_ITSELF = {"dpkg": "dpkg", "rpm": "rpm", "apk": "apk-tools", "pacman": "pacman"}


def packages_probe(files: Sequence[str], before: str | None) -> InventoryProbe:  # noqa: ARG001  # the signature of Make
    """Make the probe; `before` is the mark of the visit before."""
    stamp = before if before and _STAMP.fullmatch(f"=stamp {before}".encode()) else ""
    return InventoryProbe(
        name="packages",
        parse=parse_packages,
        commands={"list": list_command(stamp)},
        files={"list": list_source(stamp)},
        kinds=frozenset({ThingKind.PACKAGE, ThingKind.UPDATES}),
        mark=mark_of,
    )


def mark_of(outputs: Outputs) -> str:
    """Return the stamp of the databases, where all was listed or nothing changed; else what was told instead.

    So a list that failed is asked for again, as is one whose database changed a moment before it was read.
    """
    output = outputs.get("list", b"")
    stamp = _STAMP.match(output)
    is_whole = all(part.is_whole for part in _parts(output).values())
    return stamp[1].decode("ascii") if stamp and is_whole else digest_of(outputs)


@dataclass(frozen=True, slots=True)
class _Part:
    """What stands between `=begin` and `=end`; it is not whole where the end is missing."""

    lines: bytes
    is_whole: bool
    reason: str = ""


def _parts(output: bytes) -> Mapping[str, _Part]:
    _, *found = _PART.split(output)
    return {name.decode(): _part(name, body) for name, body in zip(found[::2], found[1::2], strict=True)}


def _part(name: bytes, body: bytes) -> _Part:
    end = re.compile(rb"^=end %s$" % name, re.MULTILINE)
    told = re.search(rb"^=missing (.{1,200})$", body, re.MULTILINE)
    return _Part(body, bool(end.search(body)) or bool(told), plain(told[1]) if told else "")


def parse_packages(outputs: Outputs) -> Inventory:
    """Read the lists of all managers that the host has."""
    parts = _parts(outputs.get("list", b""))
    listed = {name: tuple(manager.parse(parts[name].lines)) for name, manager in _MANAGERS.items() if name in parts}
    if "dpkg" in listed:
        listed["dpkg"] = _with_files(listed["dpkg"], parts.get("dpkg-files"), package_lists.parse_dpkg_files)
    if "pacman" in listed:
        listed["pacman"] = _with_files(listed["pacman"], parts.get("pacman-files"), package_lists.parse_pacman_files)
    own = _own(listed)
    packages = _with_logs(_packages(listed, own), parts.get("logs"))
    updates = parse_updates(parts["updates"].lines, listed.get("dpkg", ())) if "updates" in parts else Updates()
    is_told = updates != Updates()
    missing = {} if is_told else {ThingKind.UPDATES: _why_no_updates(parts)}
    reasons = {name: reason for name in listed if (reason := _why_not(name, parts[name]))}
    of_own = [reasons.pop(name) for name in tuple(reasons) if name == own or _may_be_own(name, own, listed)]
    if reason := _why_missing(parts, listed, of_own, len(packages)):
        missing[ThingKind.PACKAGE] = reason
    unseen = {ThingKind.PACKAGE: {f"{name}:": reason for name, reason in reasons.items()}} if reasons else {}
    return Inventory((*packages[:MOST_PACKAGES], *([updates] if is_told else [])), missing, unseen=unseen)


def _own(listed: _Lists) -> str:
    """Return the system's own manager: the one that is a package of its own, or else has the most."""
    of_system = [name for name in listed if _MANAGERS[name].is_of_system]
    return max(of_system, key=lambda name: (_has_itself(name, listed), len(listed[name])), default="")


def _has_itself(name: str, listed: _Lists) -> bool:
    return any(package.name == _ITSELF.get(name) for package in listed[name])


def _may_be_own(name: str, own: str, listed: _Lists) -> bool:
    """Tell whether a manager that did not list all may be the system's own, and only seems not to be."""
    return _MANAGERS[name].is_of_system and not _has_itself(own, listed)


def _with_files(
    packages: Iterable[Installed], part: _Part | None, parse: Callable[[bytes], Mapping[str, tuple[str, ...]]]
) -> tuple[Installed, ...]:
    files = parse(part.lines) if part else {}
    owned = [files.get(f"{package.name}:{package.architecture}") or files.get(package.name) for package in packages]
    return tuple(replace(package, owns=owns or package.owns) for package, owns in zip(packages, owned, strict=True))


def _with_logs(packages: Sequence[Package], part: _Part | None) -> Sequence[Package]:
    """Add when packages came, and what brought them, as far as the logs of the managers tell."""
    if part is None:
        return packages
    zone, logs = _logs(part.lines.decode(errors="replace").splitlines())
    times: dict[str, datetime] = {}
    for path, lines in logs.items():
        for name, at in installed_at(path, lines, zone).items():
            times[name] = max(times.get(name, at), at)
    programs = installed_by(logs.get(APT_HISTORY, ()))
    return [
        replace(package, installed_at=times.get(package.name), installed_by=programs.get(package.name, ""))
        for package in packages
    ]


def _logs(lines: Iterable[str]) -> tuple[tzinfo, Mapping[str, Sequence[str]]]:
    """Return the host's zone, and the lines of each log: only these begin with a blank."""
    zone: tzinfo = UTC
    logs: dict[str, list[str]] = {}
    path = ""
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "zone":
            zone = zone_of_offset(rest)
        elif word == "log" and rest in PACKAGE_LOGS:
            path = rest
            logs[path] = []
        elif not word and path:
            logs[path].append(rest)
    return zone, logs


def _packages(listed: _Lists, own: str) -> Sequence[Package]:
    """Join the lists; the names of all managers but the system's own say whose they are."""
    found: list[Package] = []
    for name, packages in listed.items():
        found += _joined(packages, _MANAGERS[name].between, "" if name == own else f"{name}:")
    return found


def _joined(packages: Sequence[Installed], between: str, before: str) -> Iterator[Package]:
    native = _native(packages)
    by_name: defaultdict[str, list[Installed]] = defaultdict(list)
    for package in packages:
        is_native = package.is_for_all or package.architecture == native
        by_name[package.name if is_native else f"{package.name}{between}{package.architecture}"].append(package)
    for name, several in sorted(by_name.items()):
        versions = sorted({package.version for package in several})[:_MOST_VERSIONS]
        owns = tuple(dict.fromkeys(path for package in several for path in package.owns))
        yield Package(before + name, ", ".join(versions), owns)


def _native(packages: Sequence[Installed]) -> str:
    """Return the host's architecture: that of the manager itself, else the one that most packages have."""
    itself = next((package.architecture for package in packages if package.name in _ITSELF.values()), "")
    counted = Counter(package.architecture for package in packages if not package.is_for_all)
    return itself or max(sorted(counted), key=lambda architecture: counted[architecture], default="")


def _why_missing(parts: Mapping[str, _Part], listed: _Lists, reasons: Sequence[str], count: int) -> str:
    if reasons or not parts:
        return reasons[0] if reasons else _NOT_LISTED
    if count > MOST_PACKAGES:
        return f"there are more than {MOST_PACKAGES}"
    is_empty = not any(packages for name, packages in listed.items() if _MANAGERS[name].is_of_system)
    return "there is no database of dpkg, rpm, apk or pacman, or it is empty" if is_empty else ""


def _why_not(name: str, part: _Part) -> str:
    if part.reason:
        return part.reason
    return "" if part.is_whole else f"{name} did not list all: its database is locked, damaged or closed to this user"


def _why_no_updates(parts: Mapping[str, _Part]) -> str:
    return "nothing on the host tells of them" if "updates" in parts else _NOT_LISTED
