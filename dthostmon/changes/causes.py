"""Whether the cause of a change is visible: then it was to be expected, and alarms nobody. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dthostmon.model import (
    Change,
    Container,
    CronEntry,
    Difference,
    Expectation,
    Group,
    Package,
    Service,
    SetuidFile,
    Thing,
    ThingKind,
    Timer,
    User,
    WatchedFile,
)

FIRST_ORDINARY_ID = 1000  # of users and groups; below are those of the system (login.defs of all six systems)
FAILED = "failed"
_NO_LOGIN = re.compile(r".*/(nologin|false|sync)|")


@dataclass(frozen=True, slots=True)
class Movement:
    """A package or a watched file that changed, now or a while ago: what explains other changes.

    `words` are what relates it to them; paths among them are files of the package.
    """

    kind: ThingKind
    name: str
    sentence: str
    words: frozenset[str]
    is_new: bool


def movement_of(change: Change) -> Movement:
    """Return an earlier change as what may explain later ones."""
    words = frozenset(change.words)
    return Movement(change.kind, change.subject, change.sentence, words, change.before is None)


def cause_of(difference: Difference, movements: Iterable[Movement], expectations: Sequence[Expectation]) -> str:
    """Return what explains a difference, in words; empty = nothing does."""
    thing = difference.thing
    for expectation in expectations:
        if expectation.covers(thing.kind, thing.subject):
            return expectation.why or "expected by the configuration"
    if isinstance(difference.after, Package) and difference.after.installed_by:
        return difference.after.installed_by
    if _is_trouble(difference):
        return ""
    for movement in movements:
        if movement.kind is ThingKind.PACKAGE and _is_of_package(thing, difference, movement):
            return movement.sentence
        if movement.kind is ThingKind.FILE and _is_of_file(thing, movement):
            return movement.sentence
    return ""


def _is_trouble(difference: Difference) -> bool:
    """Tell whether it is a failure: an upgrade explains that a service restarts, and never that it fails."""
    was, now = difference.before, difference.after
    if not isinstance(now, Service):
        return False
    before = was.restarts if isinstance(was, Service) else None
    return now.active == FAILED or (now.restarts or 0) > (before or 0)


def _is_of_package(thing: Thing, difference: Difference, package: Movement) -> bool:
    """Tell whether a package brings a thing with it."""
    match thing:
        case WatchedFile() | SetuidFile() | CronEntry():
            return thing.path.lower() in package.words
        case Service() | Timer():
            return thing.name.lower() in package.words or _unit_file(thing) in package.words
        case User():
            is_of_system = thing.uid < FIRST_ORDINARY_ID and thing.uid != 0
            return is_of_system and (
                _NO_LOGIN.fullmatch(thing.shell) is not None or _is_named_after(thing.name, package)
            )
        case Group():
            is_whole = difference.before is None or difference.after is None
            return is_whole and 0 < thing.gid < FIRST_ORDINARY_ID and not thing.members
        case _:
            return False


def _unit_file(unit: Service | Timer) -> str:
    return unit.path.lower() if isinstance(unit, Service) else ""


def _is_named_after(name: str, package: Movement) -> bool:
    bare = name.strip("_").lower()
    return any(
        word.startswith(bare) or bare.startswith(word) for word in package.words if "/" not in word and len(word) > 3
    )


def _is_of_file(thing: Thing, file: Movement) -> bool:
    """Tell whether a compose file says how a container is to be."""
    if not isinstance(thing, Container):
        return False
    return file.name in thing.project_files
