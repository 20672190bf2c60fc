"""What files tell of what is installed, where there is no shell: as `package_commands` would print it."""

import asyncio
import re
from collections.abc import Awaitable, Iterable, Sequence

from dthostmon.errors import FileUnreadableError
from dthostmon.facts import setuid
from dthostmon.facts.package_commands import APK_DATABASES, NOTICE, REBOOT_FLAGS, REBOOT_TELLERS, RPM_DATABASES, STAMPED
from dthostmon.facts.sources import FactFiles, Source, Told
from dthostmon.transport import FileStat
from dthostmon.transport.paths import to_bytes

DATABASE_BYTES = 32 * 1024 * 1024  # a status of 20,000 packages
NEEDS_SHELL = "its list takes a shell, which the key does not give"
# Times have no parts of a second here: a database of this second may change once more and look the same.
_SECONDS_TO_SETTLE = 3.0
_STATUS = "/var/lib/dpkg/status"
_LISTS = "/var/lib/dpkg/info"
_MOST_LISTS = 50  # of packages' files that are read: each costs three questions
_RECENT_SECONDS = 24 * 3600
_OWNED = re.compile(rb"/(etc|(usr/)?lib/systemd/system)/.")
_PACMAN = "/var/lib/pacman/local"
_States = dict[str, FileStat]


def list_source(before: str) -> Source:
    """Make the source; `before` is the stamp whose lists are known, empty where none are."""

    async def tell(files: FactFiles) -> Told:
        states = await _states(files, (*STAMPED, *REBOOT_TELLERS, "/var/lib/snapd/snaps"))
        stamp = await _stamp(files, states)
        if stamp == before:
            return Told(f"=stamp {stamp}\n".encode())
        parts = await asyncio.gather(
            _content(files, states, "dpkg", [_STATUS]),
            _dpkg_files(files, states),
            _content(files, states, "apk", APK_DATABASES),
            _pacman(files, states),
            _updates(files, states),
        )
        told = [f"=stamp {stamp}\n".encode(), *parts]
        told += [_part(name, f"=missing {NEEDS_SHELL}".encode()) for name in _out_of_reach(states)]
        return Told(b"".join(told))

    return tell


async def _states(files: FactFiles, paths: Iterable[str]) -> _States:
    found = await asyncio.gather(*(_or_none(files.stat(path)) for path in paths))
    return {path: state for path, state in zip(paths, found, strict=True) if state}


async def _or_none(stat: Awaitable[FileStat | None]) -> FileStat | None:
    try:
        return await stat
    except FileUnreadableError:
        return None


async def _stamp(files: FactFiles, states: _States) -> str:
    """Return how the databases are; with a ! in front, which makes it no stamp, where one was written just now."""
    kernel, now = await asyncio.gather(_text(files, "/proc/sys/kernel/osrelease"), _host_time(files))
    told = [f"{state.mtime:.6f} {state.size} {state.inode or 0}" for path, state in states.items() if path in STAMPED]
    newest = max((state.mtime for state in states.values()), default=0.0)
    is_settled = now is not None and newest < now - _SECONDS_TO_SETTLE
    return " ".join(("files" if is_settled else "!files", *told, *kernel.split()))


async def _host_time(files: FactFiles) -> float | None:
    boot = re.search(r"^btime (\d{1,12})$", await _text(files, "/proc/stat", is_beginning=True), re.MULTILINE)
    up = re.match(r"\d{1,12}\.\d{1,3}\b", await _text(files, "/proc/uptime"))
    return int(boot[1]) + float(up[0]) if boot and up else None


async def _text(files: FactFiles, path: str, *, is_beginning: bool = False) -> str:
    try:
        read = await (files.beginning(path) if is_beginning else files.content(path))
    except FileUnreadableError:
        return ""
    return read.decode("ascii", "replace")


def _part(name: str, lines: bytes) -> bytes:
    return b"=begin %s\n%s\n=end %s\n" % (name.encode(), lines, name.encode())


async def _content(files: FactFiles, states: _States, name: str, paths: Sequence[str]) -> bytes:
    for path in paths:
        if path in states and states[path].size:
            try:
                return _part(name, await files.content(path, DATABASE_BYTES))
            except FileUnreadableError as error:
                return _part(name, f"=missing {error}".encode())
    return b""


async def _dpkg_files(files: FactFiles, states: _States) -> bytes:
    """Tell what belongs to the packages that came last, within a day: those are what explains changes."""
    if _STATUS not in states:
        return b""
    try:
        lists = [entry for entry in await files.list(_LISTS) if entry.name.endswith(".list") and "\n" not in entry.name]
    except FileUnreadableError:
        return b""
    setuid_files = await _setuid_files(files)
    newest = sorted(lists, key=lambda entry: -entry.stat.mtime)[:_MOST_LISTS]
    recent = [entry.name for entry in newest if newest[0].stat.mtime - entry.stat.mtime < _RECENT_SECONDS]
    several = await asyncio.gather(*(_owned_files(files, name, setuid_files) for name in recent))
    return _part("dpkg-files", b"\n".join(line for lines in several for line in lines))


async def _setuid_files(files: FactFiles) -> frozenset[bytes]:
    try:
        return frozenset(setuid.paths_in((await setuid.listed(files)).output))
    except FileUnreadableError:
        return frozenset()


async def _owned_files(files: FactFiles, name: str, setuid_files: frozenset[bytes]) -> Sequence[bytes]:
    try:
        paths = (await files.beginning(f"{_LISTS}/{name}")).split(b"\n")[:-1]
    except FileUnreadableError:
        return []
    owned = (path for path in paths if _OWNED.match(path) or not setuid_files.isdisjoint((path, b"/usr" + path)))
    return [to_bytes(f"{name}:") + path for path in owned]


async def _pacman(files: FactFiles, states: _States) -> bytes:
    if _PACMAN not in states:
        return b""
    try:
        names = [entry.name for entry in await files.list(_PACMAN)]
    except FileUnreadableError as error:
        return _part("pacman", f"=missing {error}".encode())
    return _part("pacman", "\n".join(names).encode())


def _out_of_reach(states: _States) -> list[str]:
    there = {"rpm": RPM_DATABASES, "snap": ("/var/lib/snapd/snaps",), "flatpak": ("/var/lib/flatpak/.changed",)}
    return [name for name, paths in there.items() if any(path in states for path in paths)]


async def _updates(files: FactFiles, states: _States) -> bytes:
    lines = [f"flag {path}" for path in REBOOT_FLAGS if path in states]
    lines += ["teller" for path in REBOOT_TELLERS if path in states]
    lines.append(f"kernel {(await _text(files, '/proc/sys/kernel/osrelease')).strip()}")
    lines += [f"modules {path}" for path in await _modules(files)]
    lines += [f"package {line}" for line in (await _text(files, "/run/reboot-required.pkgs")).splitlines()]
    if NOTICE in states and _STATUS in states and states[NOTICE].mtime > states[_STATUS].mtime:
        lines += [f"available {line}" for line in (await _text(files, NOTICE)).splitlines()]
    return _part("updates", "\n".join(lines).encode())


async def _modules(files: FactFiles) -> list[str]:
    try:
        names = [entry.name for entry in await files.list("/lib/modules")]
    except FileUnreadableError:
        return []
    paths = [f"/lib/modules/{name}/modules.builtin" for name in names[:100]]
    return list(await _states(files, paths))
