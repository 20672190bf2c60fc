"""The probe `files`: watched files, shells' histories among them, and files that run with others' rights.

Histories are files of the configured globs too: somebody asked for each of them by its name.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from dthostmon.facts import histories, records, secrets, setuid
from dthostmon.facts.plain import lines, plain
from dthostmon.facts.probe import InventoryProbe, Outputs
from dthostmon.facts.watched import watched
from dthostmon.model import Inventory, ShellHistory, Thing, ThingKind, WatchedFile

_ACCOUNT = re.compile(rb"^([^:\n]{1,64}):[^:\n]*:(\d{1,10}):", re.MULTILINE)
_NOT_READ = "the files could not be read"
LONGEST_REASON = 1000
Names = Mapping[int, str]


def parse_files(outputs: Outputs) -> Inventory:
    """Read the records of the watched files, the lines of setuid files, /etc/passwd and /etc/group."""
    users, groups = names_of(outputs.get("users", b"")), names_of(outputs.get("groups", b""))
    things: list[Thing] = []
    missing = {ThingKind.FILE: _NOT_READ, ThingKind.HISTORY: _NOT_READ}
    for record in records.read(outputs.get("watched", b"")):
        if "files" in record:
            missing = _missing(record)
        elif path := plain(records.text(record, "path"), 4096):
            things.append(_history(path, record) if "history" in record else _file(path, record, users, groups))
    setuid_files, unsearched = setuid.parse(outputs.get("setuid", b""), users)
    return Inventory((*_unique(things), *setuid_files), {**missing, **unsearched})


def names_of(accounts: bytes) -> Names:
    """Return the names in /etc/passwd or /etc/group by their numbers; of several with one number the first."""
    return {int(number): plain(name) for name, number in reversed(_ACCOUNT.findall(accounts))}


def _missing(record: records.Record) -> dict[ThingKind, str]:
    told = {ThingKind.FILE: records.texts(record, "files"), ThingKind.HISTORY: records.texts(record, "histories")}
    return {kind: plain("; ".join(reasons), LONGEST_REASON) for kind, reasons in told.items() if reasons}


def _unique(things: Sequence[Thing]) -> Sequence[Thing]:
    return list({(thing.kind, thing.subject): thing for thing in things}.values())


def _file(path: str, record: records.Record, users: Names, groups: Names) -> WatchedFile:
    mtime = records.number(record, "mtime")
    return WatchedFile(
        path=path,
        size=records.number(record, "size") or 0,
        mode=records.number(record, "mode"),
        owner=_name(records.number(record, "uid"), users),
        group=_name(records.number(record, "gid"), groups),
        digest=plain(records.text(record, "digest")),
        text=_text(path, records.content(record, "content")),
        modified_at=None if mtime is None else moment(mtime),
    )


def _name(number: int | None, names: Names) -> str:
    return "" if number is None else names.get(number, str(number))


def _text(path: str, held: bytes | None) -> str | None:
    if held is None or b"\0" in held or secrets.is_key_material(path, held):
        return None
    try:
        return lines(secrets.redacted(held.decode()))
    except UnicodeDecodeError:
        return None


def _history(path: str, record: records.Record) -> ShellHistory:
    held = records.content(record, "history") or b""
    return ShellHistory(path, histories.commands_of(path, held, cut=record.get("cut") is True))


def moment(seconds: int) -> datetime | None:
    """Return the time that a host told as seconds since 1970; None for one that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def files_probe(patterns: Sequence[str], before: str | None) -> InventoryProbe:  # noqa: ARG001  # all is read again
    """Make the probe of some globs."""
    return InventoryProbe(
        name="files",
        kinds=frozenset({ThingKind.FILE, ThingKind.HISTORY, ThingKind.SETUID}),
        scope=" ".join(patterns),
        parse=parse_files,
        contents={"users": ("/etc/passwd",), "groups": ("/etc/group",)},
        commands={"setuid": setuid.COMMAND},
        files={"setuid": setuid.listed},
        reads={"watched": watched(patterns)},
    )
