"""Which fields of a thing were not told: they are unknown, and so no change, whoever could see more or less. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace

from dthostmon.model import Inventory, Port, Service, Thing, User, WatchedFile

NOT_ENABLED = "not enabled"


def comparable(was: Thing, now: Thing, before: Inventory, after: Inventory) -> tuple[Thing, Thing]:
    """Return a thing as it was and as it is, both without what was not told of one of them."""
    first = _with(was, now, _untold(now, after))
    second = _with(now, first, _untold(was, before))
    return first, _with(second, first, ["enabled"] if _are_both_off(first, second) else [])


def _are_both_off(was: Thing, now: Thing) -> bool:
    """Tell whether a unit is not enabled, and one side alone could say in which way."""
    if not isinstance(was, Service) or not isinstance(now, Service):
        return False
    states = {was.enabled, now.enabled}
    return NOT_ENABLED in states and states <= {NOT_ENABLED, "disabled", "static"}


def completed(thing: Thing, known: Thing | None, inventory: Inventory) -> Thing:
    """Return a thing of an inventory; what was not told of it is as it was known before."""
    return _with(thing, known, _untold(thing, inventory)) if known else thing


def _with(thing: Thing, other: Thing, names: Iterable[str]) -> Thing:
    """Return a thing with some fields as another of its kind has them."""
    taken = {name: getattr(other, name) for name in names}
    return replace(thing, **taken) if taken else thing  # type: ignore[type-var]  # each is a dataclass


def _untold(thing: Thing, inventory: Inventory) -> Iterator[str]:
    """Yield the fields that are unknown. None may say something too, but where not all is known of a kind."""
    names: tuple[str, ...]
    match thing:
        case User():
            names = ("locked",)
        case Port():
            names = ("program", "user")
        case WatchedFile():
            names = ("mode", "owner", "group", *(() if thing.digest else ("digest", "text")))
        case _:
            names = ()
    yield from (name for name in names if getattr(thing, name) in {None, ""})
    if thing.kind in inventory.missing:
        named = (each.name for each in fields(thing) if each.name not in names)  # type: ignore[arg-type]  # a dataclass
        yield from (name for name in named if getattr(thing, name) is None)
