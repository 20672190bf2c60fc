"""What a probe found, and what is kept of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dthostmon.model.thing.kind import Thing, ThingKind

_MOST_NAMED = 5  # parts of a kind that are not known


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a probe found. `missing` names the kinds of which it does not know all things, and why; `kinds` are all that
    it tells of.

    A kind that is missing may still have things: those that could be seen. What is not seen is not gone. `scope` says
    what was looked at, where that is a matter of configuration. `unseen` says of what part of a kind nothing is known,
    by the beginnings of its subjects, with the reason: the keys of root, while those of others are all known.
    """

    things: tuple[Thing, ...] = ()
    missing: Mapping[ThingKind, str] = field(default_factory=dict)
    kinds: frozenset[ThingKind] = frozenset()
    scope: str = ""
    unseen: Mapping[ThingKind, Mapping[str, str]] = field(default_factory=dict)

    @property
    def unknown(self) -> Mapping[ThingKind, str]:
        """Return what is not known of each kind, in words: `root, ann: cannot be read, which takes root`."""
        return {kind: "; ".join(_joined(parts)) for kind, parts in self.unseen.items()} | dict(self.missing)


def _joined(parts: Mapping[str, str]) -> Iterator[str]:
    for reason in dict.fromkeys(parts.values()):
        names = [part.strip(": ") for part, said in parts.items() if said == reason]
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield f"{', '.join(names[:_MOST_NAMED])}{more}: {reason}"


@dataclass(frozen=True, slots=True)
class StoredInventory:
    """An inventory and the mark of the state that it was told of.

    `lasting` are those of its things that each visit looks at again: what is wrong, and what ends some day.
    """

    mark: str
    inventory: Inventory
    lasting: tuple[Thing, ...] = ()
