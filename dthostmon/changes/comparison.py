"""What is on a host before and after: which things appeared, went, or are not as they were. Pure."""

from collections.abc import Iterator, Mapping

from dthostmon.model import Difference, Inventory, Thing, ThingKind

_Key = tuple[ThingKind, str]


def differences(before: Inventory, after: Inventory) -> tuple[Difference, ...]:
    """Return what differs, by kind and subject.

    Unknown is not unchanged, and not gone: of a kind that is missing before, nothing appeared, and of one that is
    missing after, nothing went. A kind that the probe did not tell of before has no differences, and where it looked
    at something else, nothing appeared and nothing went.
    """
    told = before.kinds & after.kinds
    known, found = _by_key(before), _by_key(after)
    both = known.keys() & found.keys() if before.scope != after.scope else known.keys() | found.keys()
    keys = sorted(key for key in both if key[0] in told)
    return tuple(_differing(keys, known, found, before.missing, after.missing))


def _differing(
    keys: list[_Key],
    known: Mapping[_Key, Thing],
    found: Mapping[_Key, Thing],
    unknown_before: Mapping[ThingKind, str],
    unknown_after: Mapping[ThingKind, str],
) -> Iterator[Difference]:
    for key in keys:
        was, now = known.get(key), found.get(key)
        if was is None and key[0] in unknown_before:
            continue
        if now is None and key[0] in unknown_after:
            continue
        if was != now:
            yield Difference(was, now)


def merged(before: Inventory, after: Inventory) -> Inventory:
    """Return what is known after a visit: of a kind that is missing now, what was known before stays known.

    The next visit that can tell is compared with the last one that could, so nothing slips through in between.
    """
    found = _by_key(after)
    kept = [thing for key, thing in _by_key(before).items() if key[0] in after.missing and key not in found]
    missing = {
        kind: reason for kind, reason in after.missing.items() if kind in before.missing or kind not in before.kinds
    }
    return Inventory(tuple(kept) + after.things, missing, after.kinds, after.scope)


def _by_key(inventory: Inventory) -> Mapping[_Key, Thing]:
    return {(thing.kind, thing.subject): thing for thing in inventory.things}
