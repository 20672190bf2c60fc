"""What is on a host before and after: which things appeared, went, or are not as they were. Pure."""

from collections.abc import Iterator, Mapping

from dthostmon.changes.untold import comparable, completed
from dthostmon.model import Difference, Inventory, Thing, ThingKind

_Key = tuple[ThingKind, str]


def differences(before: Inventory, after: Inventory) -> tuple[Difference, ...]:
    """Return what differs, by kind and subject.

    Unknown is not unchanged, and not gone: of a kind that is missing before, nothing appeared, and of one that is
    missing after, nothing went; so it is with the parts of a kind that are unseen, and with fields that were not told.
    A kind that the probe did not tell of before has no differences, and where it looked at something else, nothing
    appeared and nothing went.
    """
    told = before.kinds & after.kinds
    known, found = _by_key(before), _by_key(after)
    both = known.keys() & found.keys() if before.scope != after.scope else known.keys() | found.keys()
    keys = sorted(key for key in both if key[0] in told)
    return tuple(_differing(keys, before, after))


def _differing(
    keys: list[_Key],
    before: Inventory,
    after: Inventory,
) -> Iterator[Difference]:
    known, found = _by_key(before), _by_key(after)
    for key in keys:
        was, now = known.get(key), found.get(key)
        if was is None and _is_unknown(key, before):
            continue
        if now is None and _is_unknown(key, after):
            continue
        if was is not None and now is not None and was != now:
            was, now = comparable(was, now, before, after)
        if was != now:
            yield Difference(was, now)


def merged(before: Inventory, after: Inventory) -> Inventory:
    """Return what is known after a visit: of a kind that is missing now, what was known before stays known.

    The next visit that can tell is compared with the last one that could, so nothing slips through in between.
    """
    found = _by_key(after)
    known = _by_key(before)
    kept = [thing for key, thing in known.items() if _is_unknown(key, after) and key not in found]
    things = (completed(thing, known.get((thing.kind, thing.subject)), after) for thing in after.things)
    missing = {
        kind: reason for kind, reason in after.missing.items() if kind in before.missing or kind not in before.kinds
    }
    unseen = {kind: parts for kind in after.kinds if (parts := _still_unseen(kind, before, after))}
    return Inventory((*kept, *things), missing, after.kinds, after.scope, unseen)


def _still_unseen(kind: ThingKind, before: Inventory, after: Inventory) -> Mapping[str, str]:
    """Return the parts of a kind that were never seen: of a part that was, what was known stays known."""
    was_unseen = before.unseen.get(kind, {})
    if kind in after.missing:
        return was_unseen
    parts = after.unseen.get(kind, {})
    if kind in before.missing or kind not in before.kinds:
        return parts
    return {part: reason for part, reason in parts.items() if part in was_unseen}


def _is_unknown(key: _Key, inventory: Inventory) -> bool:
    kind, subject = key
    return kind in inventory.missing or subject.startswith(tuple(inventory.unseen.get(kind, ())))


def _by_key(inventory: Inventory) -> Mapping[_Key, Thing]:
    return {(thing.kind, thing.subject): thing for thing in inventory.things}
