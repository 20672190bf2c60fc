"""The services and timers of systemd, from what `systemd_commands` told."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dthostmon.facts.plain import number, plain
from dthostmon.facts.systemd_commands import UNIT_FOLDERS
from dthostmon.model import Service, Timer

# systemd.timer(5): a timer fires within AccuracySec behind the time that NextElapse names, random delay included; a
# Persistent= one whose time passed while nothing ran fires as soon as it is activated. So a time that is past by more
# than that was missed, whatever the timer's kind; an hour more lets a busy host be late.
LATE_SECONDS = 3600
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400, "day": 86400, "w": 7 * 86400}
_SECONDS |= {"month": 30.44 * 86400, "y": 365.25 * 86400}
_SPAN = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(us|ms|s|min|h|d|day|w|month|y)\b")
_STAMP = re.compile(r"[A-Z][a-z]{2} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_INVOCATION = "invocation:"
_SECTION = re.compile(rb"=[a-z]+(?: [0-9a-f]{64})?")

# A unit that comes and goes for each login or connection, when it is not enabled; those of logins are left out already.
_PER_CONNECTION = re.compile(r"[^@]*@\d+-.*\.service")
# Words for what lasts a moment: said as what it is on the way to, so that a visit at that moment sees no change.
_PASSING = {"reloading": "active", "refreshing": "active"}


@dataclass(frozen=True, slots=True)
class _File:
    """A name in a folder of units; `target` where it is a link."""

    folder: str
    owner: str  # of a link in `multi-user.target.wants`: that folder's name; else empty
    name: str
    target: str | None


@dataclass(frozen=True, slots=True)
class Units:
    """What a host told of its units: states by name (None = not told), files, settings and starts."""

    states: Mapping[str, tuple[str, str, str]] | None
    files: Sequence[_File]
    settings: Mapping[str, frozenset[str]] | None
    started: Mapping[str, datetime]
    restarts: Mapping[str, int]
    hanging: frozenset[str]
    timers: Mapping[str, Mapping[str, str]]
    now: datetime | None


def sections_of(raw: bytes) -> Mapping[str, Sequence[str]]:
    """Take the output apart: lines by the word of the `=word` line above them."""
    sections: defaultdict[str, list[str]] = defaultdict(list)
    section = ""
    for line in raw.split(b"\n"):
        if _SECTION.fullmatch(line):
            section = line[1:].split(b" ")[0].decode()
            sections[section] = []
        elif line:
            sections[section].append(line.decode("utf-8", "replace"))
    return sections


def read_units(sections: Mapping[str, Sequence[str]]) -> Units:
    """Read the sections; lines of another form are passed over."""
    files = list(_files(sections.get("files", ())))
    now = [number(line, 2**33) for line in sections.get("now", ())]
    return Units(
        states=_states(sections["units"]) if "units" in sections else None,
        files=[file for file, _ in files if not file.name.startswith(_INVOCATION)],
        settings=_settings(sections["settings"]) if "settings" in sections else None,
        started={file.name.removeprefix(_INVOCATION): at for file, at in files if file.name.startswith(_INVOCATION)},
        restarts=_restarts(sections.get("restarts", ())),
        hanging=frozenset(line.rpartition(_INVOCATION)[2] for line in sections.get("old", ())),
        timers={unit["Id"]: unit for unit in _properties(sections.get("timers", ())) if "Id" in unit},
        now=datetime.fromtimestamp(now[0], UTC) if now and now[0] is not None else None,
    )


def _states(lines: Sequence[str]) -> Mapping[str, tuple[str, str, str]]:
    words = (line.split(" ") for line in lines)
    return {name: (load, active, sub) for name, load, active, sub in (found for found in words if len(found) == 4)}


def _files(lines: Sequence[str]) -> Iterator[tuple[_File, datetime]]:
    for line in lines:
        found = re.fullmatch(r"([fl]) (\d{1,11})(?:\.\d*)? (/\S+)/([^/\s]+) ?(.*)", line)
        if not found:
            continue
        folder = next(
            (folder for folder in UNIT_FOLDERS if found[3] == folder or found[3].startswith(f"{folder}/")), ""
        )
        owner = found[3].removeprefix(folder).strip("/")
        target = found[5] if found[1] == "l" else None
        yield _File(folder, owner, found[4], target), datetime.fromtimestamp(int(found[2]), UTC)


def _settings(lines: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """Return what the unit files of each name set; a drop-in adds to its unit's."""
    settings: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        path, colon, setting = line.partition(":")
        words = path.split("/")
        if colon and len(words) > 2:
            name = words[-2].removesuffix(".d") if words[-1].endswith(".conf") else words[-1]
            settings[name].add(setting.replace(" ", ""))
    return {name: frozenset(found) for name, found in settings.items()}


def _properties(lines: Iterable[str]) -> Iterator[Mapping[str, str]]:
    """Yield the properties of each unit: systemctl tells each unit's in one order, parted by an empty line."""
    unit: dict[str, str] = {}
    for line in lines:
        key, equals, value = line.partition("=")
        if key in unit:
            yield unit
            unit = {}
        if equals:
            unit[key] = value
    if unit:
        yield unit


def _restarts(lines: Sequence[str]) -> Mapping[str, int]:
    # 0 is not told: most services are not asked, and those two must not differ
    told = ((unit.get("Id", ""), number(unit.get("NRestarts", ""))) for unit in _properties(lines))
    return {name: restarts for name, restarts in told if name and restarts}


def services_of(units: Units) -> Iterator[Service]:
    """Yield the services, by name, and the units of any other type that failed."""
    linked, wanted, enabled = _enabling(units.files)
    states = units.states or {}
    paths = _paths(units.files)
    names = {name for name in (*paths, *enabled, *states) if name.endswith(".service") and "@." not in name}
    failed = {name for name, (_, active, _) in states.items() if active == "failed"}
    for name in sorted(names | failed):
        load, active, sub = states.get(name, ("", "inactive", ""))
        settings = None if units.settings is None else _settings_of(name, units.settings)
        is_kept = name in enabled or name in wanted or name in paths
        if name not in failed and not is_kept and not _is_lasting(name, load, active, settings):
            continue
        starts = name in wanted or (name not in linked and _is_started_by_hand(name, settings, wanted))
        counts = name in failed or (starts and not _comes_and_goes(settings))
        yield Service(
            name=plain(name),
            active=_state(active, sub) if counts and units.states is not None else None,
            enabled=enabled.get(name) or _default(name, settings, paths, wanted),
            restarts=units.restarts.get(name),
            path=plain(paths.get(name) or paths.get(_template(name)) or ""),
            started_at=units.started.get(name),
        )


def _enabling(files: Sequence[_File]) -> tuple[set[str], set[str], Mapping[str, str]]:
    """Return which units have an alias, which are started with another unit, and which are enabled or masked."""
    linked: set[str] = set()
    wanted: set[str] = set()
    enabled: dict[str, str] = {}
    for file in files:
        is_configured = file.folder in UNIT_FOLDERS[:2]
        if file.owner.endswith((".wants", ".requires")):
            wanted.add(file.name)
            if is_configured:
                enabled.setdefault(file.name, "enabled")
        elif file.target == "/dev/null":
            enabled[file.name] = "masked"
        elif file.target and (target := file.target.rpartition("/")[2]) != file.name:
            linked.add(target)
            if is_configured:
                enabled.setdefault(target, "enabled")
    return linked, wanted, enabled


def _paths(files: Sequence[_File]) -> Mapping[str, str]:
    """Return where each unit is written down: the first of the folders that has it; transient ones come and go."""
    found: dict[str, str] = {}
    for folder in UNIT_FOLDERS:
        for file in files:
            is_alias = file.target is not None and file.target.rpartition("/")[2] != file.name
            if file.folder == folder and not file.owner and not is_alias and not folder.endswith("/transient"):
                found.setdefault(file.name, f"{folder}/{file.name}")
    return found


def _template(name: str) -> str:
    before, at, _ = name.partition("@")
    return f"{before}@.service" if at else ""


def _settings_of(name: str, settings: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return settings.get(name) or settings.get(_template(name), frozenset())


def _is_lasting(name: str, load: str, active: str, settings: frozenset[str] | None) -> bool:
    """Tell whether a unit that no file names and nothing enables is told of: one that runs, and not for a moment."""
    is_transient = name.startswith("run-") or not _template(name)
    is_passing = _PER_CONNECTION.fullmatch(name) or is_transient or "Type=oneshot" in (settings or ())
    return load == "loaded" and active == "active" and not is_passing


def _is_started_by_hand(name: str, settings: frozenset[str] | None, wanted: set[str]) -> bool:
    """Tell whether a unit that no other wants is started by people: not by a socket, a path, a timer or D-Bus."""
    stem = name.removesuffix(".service")
    is_triggered = any(f"{stem}{suffix}" in wanted for suffix in (".socket", ".path", ".timer"))
    is_instance = bool(_template(name))
    can_be_enabled = settings is None or "[Install]" in settings or is_instance
    return can_be_enabled and not is_triggered and "Type=dbus" not in (settings or ())


def _comes_and_goes(settings: frozenset[str] | None) -> bool:
    """Tell whether a unit does its work and ends: inactive is then no state of it."""
    stays = {f"RemainAfterExit={word}" for word in ("yes", "true", "1", "on")}
    return settings is not None and "Type=oneshot" in settings and settings.isdisjoint(stays)


def _state(active: str, sub: str) -> str:
    return "restarting" if sub == "auto-restart" else plain(_PASSING.get(active, active), 40)


def _default(name: str, settings: frozenset[str] | None, paths: Mapping[str, str], wanted: set[str]) -> str | None:
    """Return the state of a unit file that is neither enabled nor masked; None where it is not known.

    Without its settings nobody can say whether it may be enabled, but that it is not.
    """
    if "/generator" in paths.get(name, ""):
        return "generated"
    if not (name in paths or _template(name) in paths):
        return None
    if settings is None:
        return None if name in wanted else "not enabled"
    if "[Install]" not in settings:
        return "static"
    return "enabled" if name in wanted else "disabled"


def timers_of(units: Units) -> Iterator[Timer]:
    """Yield the timers that are written down in files; others come and go with what made them."""
    _, _, enabled = _enabling(units.files)
    states = units.states or {}
    for name in sorted(path for path in _paths(units.files) if path.endswith(".timer") and "@." not in path):
        told = units.timers.get(name, {})
        activates = told.get("Unit") or f"{name.removesuffix('.timer')}.service"
        _, active, sub = states.get(name, ("", "inactive", ""))
        next_at = _moment(told.get("NextElapseUSecRealtime", ""))
        hangs = sub == "running" and activates in units.hanging
        yield Timer(
            name=plain(name),
            activates=plain(activates),
            is_overdue=hangs or _is_late(next_at, told.get("AccuracyUSec", ""), units.now),
            active=plain(active, 40) if enabled.get(name) != "masked" else "masked",
            last_at=_moment(told.get("LastTriggerUSec", "")),
            next_at=next_at,
        )


def _is_late(next_at: datetime | None, accuracy: str, now: datetime | None) -> bool:
    if next_at is None or now is None:
        return False
    seconds = sum(float(count) * _SECONDS[unit] for count, unit in _SPAN.findall(accuracy))
    return (now - next_at).total_seconds() > seconds + LATE_SECONDS


def _moment(text: str) -> datetime | None:
    found = _STAMP.fullmatch(text)
    try:
        return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None
