"""Expressions that take far longer on some lines than on others: known by how they are built, nothing is timed."""

import string
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from itertools import combinations
from typing import Any

# The standard library's own parser. It has no public name and no types: an item is a pair of its code and arguments.
_parser: Any = import_module("re._parser")
Parsed = Any
Item = tuple[Any, Any]
Characters = frozenset[str]

MANY = 10  # repetitions; what is repeated less often, in what is repeated less often, ends soon
REMEMBERED = 1024  # verdicts: packs are read again and again, and hardly change
_REPEATS = (_parser.MAX_REPEAT, _parser.MIN_REPEAT)
_WITHOUT_RETURN = (_parser.ATOMIC_GROUP, _parser.ASSERT, _parser.ASSERT_NOT, _parser.POSSESSIVE_REPEAT)
_ONE_CHARACTER = (_parser.LITERAL, _parser.NOT_LITERAL, _parser.ANY, _parser.IN)
_EMPTY = (_parser.AT, _parser.ASSERT, _parser.ASSERT_NOT)

_CHARACTERS = frozenset([*map(chr, range(128)), "é"])
_DIGITS, _SPACES = frozenset(string.digits), frozenset(string.whitespace)
_WORDS = frozenset([*string.ascii_letters, *string.digits, "_", "é"])
_CATEGORIES = {
    _parser.CATEGORY_DIGIT: _DIGITS,
    _parser.CATEGORY_NOT_DIGIT: _CHARACTERS - _DIGITS,
    _parser.CATEGORY_SPACE: _SPACES,
    _parser.CATEGORY_NOT_SPACE: _CHARACTERS - _SPACES,
    _parser.CATEGORY_WORD: _WORDS,
    _parser.CATEGORY_NOT_WORD: _CHARACTERS - _WORDS,
}


@lru_cache(REMEMBERED)
def slowness(expression: str) -> str | None:
    """Say what makes a good expression slow on some line; None where nothing does."""
    parsed = _parser.parse(expression)
    if _is_nested(parsed, inside=False):
        return "a repetition repeats what repeats itself, like (a+)+, and takes for ever on some lines; repeat once"
    if _is_ambiguous(parsed, frozenset(), inside=False):
        return "what is repeated fits the same words in several ways, like (a|aa)+, and takes for ever on some lines"
    if _has_neighbours(parsed):
        return (
            "repetitions side by side share characters, like \\w+.*, and are slow on some lines; write \\w++.* or less"
        )
    return None


def _is_nested(parsed: Parsed, *, inside: bool) -> bool:
    for code, arguments in parsed:
        repeats = _is_many((code, arguments))
        if repeats and inside:
            return True
        within = code not in _WITHOUT_RETURN and (inside or repeats)
        if any(_is_nested(part, inside=within) for part in _parts(arguments)):
            return True
    return False


def _is_ambiguous(parsed: Parsed, follow: Characters, *, inside: bool) -> bool:
    """Tell whether something inside a repetition may end at several places or go several ways with the same words.

    `follow` are the characters that may come after it.
    """
    items = [*_flat(parsed)]
    for index, (code, arguments) in enumerate(items):
        rest = items[index + 1 :]
        after = _first(rest) | (follow if all(map(_may_be_empty, rest)) else frozenset())
        if inside and _has_two_ways((code, arguments), after):
            return True
        within = code not in _WITHOUT_RETURN and (inside or _is_many((code, arguments)))
        for part in _parts(arguments):
            again = _first(_flat(part)) if code in _REPEATS and arguments[1] > 1 else frozenset[str]()
            if _is_ambiguous(part, after | again, inside=within):
                return True
    return False


def _has_two_ways(item: Item, after: Characters) -> bool:
    code, arguments = item
    if code is _parser.BRANCH:
        ways = [[*_leads(branch)] or [after] for branch in arguments[1]]
        return any(_are_alike(one, other) for one, other in combinations(ways, 2))
    return code in _REPEATS and arguments[0] < arguments[1] and bool(_beginning(item) & after)


def _leads(branch: Parsed) -> Iterator[Characters]:
    """Yield the characters that may stand first, second and so on, as far as their places are certain."""
    for item in _flat(branch):
        if _may_be_empty(item):
            return
        yield _beginning(item)
        if item[0] not in _ONE_CHARACTER:
            return


def _are_alike(one: Sequence[Characters], other: Sequence[Characters]) -> bool:
    return all(first & second for first, second in zip(one, other, strict=False))


def _has_neighbours(parsed: Parsed) -> bool:
    """Tell whether two endless repetitions with nothing that must stand between them can match the same character.

    A line of that character can then be shared out between them in as many ways as it is long, and each is tried,
    unless nothing must stand after them.
    """
    items = [*_flat(parsed)]
    while items and items[-1][0] not in _EMPTY and _may_be_empty(items[-1]):
        items.pop()
    met: list[Characters] = []
    _open_after(items, [], met)
    return any(met)


def _open_after(items: Iterable[Item], open_: Sequence[Characters], met: list[Characters]) -> Sequence[Characters]:
    """Return what the repetitions match that may go on right after the items; `met` takes what two of them share."""
    for item in items:
        open_ = [*dict.fromkeys(_open_after_one(item, open_, met))]
    return open_


def _open_after_one(item: Item, open_: Sequence[Characters], met: list[Characters]) -> Sequence[Characters]:
    code, arguments = item
    if code is _parser.AT:
        return open_
    if own := _repeated(item):
        met.extend(own & other for other in open_)
        return [*(() if arguments[0] else open_), own]
    before = () if code in _EMPTY else open_
    after = [one for part in _parts(arguments) for one in _open_after(part, before, met)]
    if code in _WITHOUT_RETURN:
        after = []
    return [*open_, *after] if _may_be_empty(item) else after


def _flat(parsed: Parsed) -> Iterator[Item]:
    """Yield the items of a sequence, those of its plain groups among them."""
    for code, arguments in parsed:
        if code is _parser.SUBPATTERN:
            yield from _flat(arguments[-1])
        else:
            yield code, arguments


def _repeated(item: Item) -> Characters:
    """Return the characters of which an item takes any number; none where it does not."""
    code, arguments = item
    if code not in _REPEATS or arguments[1] is not _parser.MAXREPEAT:
        return frozenset()
    body = [*_flat(arguments[2])]
    return _characters(body[0]) if len(body) == 1 and body[0][0] in _ONE_CHARACTER else frozenset()


def _is_many(item: Item) -> bool:
    code, arguments = item
    return code in _REPEATS and arguments[1] > MANY


def _parts(arguments: object) -> Iterator[Parsed]:
    """Yield the expressions that the arguments of an item hold."""
    if isinstance(arguments, _parser.SubPattern):
        yield arguments
    elif isinstance(arguments, tuple | list):
        for argument in arguments:
            yield from _parts(argument)


def _first(items: Iterable[Item]) -> Characters:
    """Return the characters that a sequence of items may begin with."""
    found: Characters = frozenset()
    for item in items:
        found |= _beginning(item)
        if not _may_be_empty(item):
            break
    return found


def _beginning(item: Item) -> Characters:
    code, arguments = item
    if code in _EMPTY:
        return frozenset()
    parts = [*_parts(arguments)]
    return frozenset[str]().union(*(_first(_flat(part)) for part in parts)) if parts else _characters(item)


def _may_be_empty(item: Item) -> bool:
    code, arguments = item
    if code in _EMPTY:
        return True
    if code is _parser.BRANCH:
        return any(all(map(_may_be_empty, _flat(branch))) for branch in arguments[1])
    return (code in _REPEATS or code is _parser.POSSESSIVE_REPEAT) and arguments[0] == 0


def _characters(item: Item) -> Characters:
    """Return the characters that an item of one character stands for; all of them where that is not known."""
    code, arguments = item
    if code is _parser.LITERAL:
        return frozenset(chr(arguments))
    if code is _parser.NOT_LITERAL:
        return _CHARACTERS - {chr(arguments)}
    if code is not _parser.IN:
        return _CHARACTERS
    found = frozenset[str]().union(*map(_member, arguments))
    return _CHARACTERS - found if arguments[0][0] is _parser.NEGATE else found


def _member(item: Item) -> Characters:
    code, arguments = item
    if code is _parser.LITERAL:
        return frozenset(chr(arguments))
    if code is _parser.RANGE:
        return frozenset(one for one in _CHARACTERS if arguments[0] <= ord(one) <= arguments[1])
    return _CATEGORIES[arguments] if code is _parser.CATEGORY else frozenset()
