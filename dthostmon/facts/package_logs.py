"""When packages were installed, upgraded or removed, as the logs of their managers tell. Pure.

apk writes no log, and snap keeps what it did to itself.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo

_Changes = Iterator[tuple[str, str, datetime]]  # a name, its architecture or "", and when
_LONGEST_LINE = 100_000  # characters: apt writes all packages of a run into one

# What is done, and not `status installed`, which a package is again after each trigger of others.
_DPKG = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:install|upgrade|remove|purge) ([^\s:]+)(?::(\S+))? \S+ \S+")
_APT_START = re.compile(r"Start-Date: (\d{4}-\d\d-\d\d) +(\d\d:\d\d:\d\d)")
_APT_CHANGE = re.compile(r"(?:Install|Reinstall|Upgrade|Downgrade|Remove|Purge): (.*)")
_APT_PACKAGE = re.compile(r"(?:^|, )([^\s:,()]+)(?::([^\s:,()]+))? \(")
_DNF = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:?\d\d)) \S+ "
    r"(?:Installed|Upgrade|Upgraded|Downgrade|Downgraded|Reinstall|Reinstalled|Erase|Erased|Removed): "
    r"(\S+)-[^-\s]+-[^-\s]+\.([^.\s]+)"
)
_ZYPP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\|(?:install|remove ?)\|([^|\s]+)\|[^|]*\|([^|]*)\|")
_PACMAN = re.compile(
    r"\[(\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?(?:[+-]\d{4})?)\] \[ALPM\] "
    r"(?:installed|upgraded|downgraded|reinstalled|removed) (\S+) \("
)


def _dpkg(lines: Iterable[str], zone: tzinfo) -> _Changes:
    for line in lines:
        if (found := _DPKG.fullmatch(line)) and (at := _time(found[1], zone)):
            yield found[2], found[3] or "", at


def _apt(lines: Iterable[str], zone: tzinfo) -> _Changes:
    at: datetime | None = None
    for line in lines:
        if start := _APT_START.fullmatch(line):
            at = _time(f"{start[1]} {start[2]}", zone)
        elif at and (change := _APT_CHANGE.fullmatch(line)):
            yield from ((name, architecture, at) for name, architecture in _APT_PACKAGE.findall(change[1]))


def _dnf(lines: Iterable[str], zone: tzinfo) -> _Changes:
    for line in lines:
        if (found := _DNF.fullmatch(line)) and (at := _time(found[1], zone)):
            yield found[2], found[3], at


def _zypp(lines: Iterable[str], zone: tzinfo) -> _Changes:
    for line in lines:
        if (found := _ZYPP.match(line)) and (at := _time(found[1], zone)):
            yield found[2], found[3], at


def _pacman(lines: Iterable[str], zone: tzinfo) -> _Changes:
    for line in lines:
        if (found := _PACMAN.match(line)) and (at := _time(found[1], zone)):
            yield found[2], "", at


_READERS: Mapping[str, Callable[[Iterable[str], tzinfo], _Changes]] = {
    "/var/log/dpkg.log": _dpkg,
    "/var/log/apt/history.log": _apt,
    "/var/log/dnf.rpm.log": _dnf,
    "/var/log/zypp/history": _zypp,
    "/var/log/pacman.log": _pacman,
}
# Between a name and an architecture, as `Package.name` has it.
_BETWEEN = {"/var/log/dpkg.log": ":", "/var/log/apt/history.log": ":"}
PACKAGE_LOGS = tuple(_READERS)
APT_HISTORY = "/var/log/apt/history.log"
UNATTENDED = "unattended-upgrades"


def installed_at(path: str, lines: Iterable[str], zone: tzinfo) -> Mapping[str, datetime]:
    """Return when each package last changed, in UTC, by the name that `Package` has, from a log's lines in order.

    `path` is one of PACKAGE_LOGS, `zone` the host's (`facts.zone`): dpkg, apt and zypp write the local time without an
    offset. A name stands for itself and, with its architecture, for the package of that: `libc6` and `libc6:amd64`.
    """
    between = _BETWEEN.get(path, ".")
    found: dict[str, datetime] = {}
    for name, architecture, at in _READERS[path]((line[:_LONGEST_LINE].rstrip("\r\n") for line in lines), zone):
        found[name] = at
        if architecture:
            found[f"{name}{between}{architecture}"] = at
    return found


def installed_by(lines: Iterable[str]) -> Mapping[str, str]:
    """Return what brought packages by itself, by their names, from the lines of apt's history: no person typed it."""
    found: dict[str, str] = {}
    by = ""
    for line in (line[:_LONGEST_LINE].rstrip("\r\n") for line in lines):
        if _APT_START.fullmatch(line):
            by = ""
        elif line.startswith("Commandline: ") and "unattended-upgrade" in line:
            by = UNATTENDED
        elif change := _APT_CHANGE.fullmatch(line):
            for name, architecture in _APT_PACKAGE.findall(change[1]):
                # what a person did since is his
                found[name] = found[f"{name}:{architecture}"] = by
    return {name: program for name, program in found.items() if program}


def _time(text: str, zone: tzinfo) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
