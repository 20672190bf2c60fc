"""Whether plain values of a pack have the shape that their key asks for."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from dthostmon.model import Severity
from dthostmon.rules.document import Mistake, Steps

Values = Mapping[str, object]

THIS_PACK = "this pack"

_DURATION = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def unknown_keys(raw: Values, known: Sequence[str], path: Steps = ()) -> Iterator[Mistake]:
    """Yield a mistake for each key that does not exist, with the one that was meant."""
    for key in raw:
        if key not in known:
            hint = did_you_mean(str(key), known) or f"; known are {', '.join(known)}"
            yield Mistake((*path, str(key)), f"unknown key{hint}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the nearest known name as the end of a message, nothing where none is near."""
    from difflib import get_close_matches  # seldom needed

    near = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def id_mistakes(name: str, taken_ids: Mapping[str, str]) -> Iterator[Mistake]:
    """Yield a mistake where the id is taken. `taken_ids` say in which pack, THIS_PACK for the one at hand."""
    if name in taken_ids:
        yield Mistake(("id",), f"'{name}' is used by another rule, in {taken_ids[name]}; ids are unique over all packs")


def missing_keys(raw: Values, needed: Iterable[str]) -> Iterator[Mistake]:
    """Yield a mistake for each key that must be there and is not."""
    return (Mistake((), f"the key '{key}' is missing") for key in needed if key not in raw)


def text_mistakes(raw: Values, keys: Iterable[str]) -> Iterator[Mistake]:
    """Yield a mistake for each of the keys whose value is no text."""
    for key in keys:
        if key in raw and not (isinstance(raw[key], str) and raw[key]):
            yield Mistake((key,), "must be a text that is not empty")


def list_mistakes(raw: Values, keys: Iterable[str]) -> Iterator[Mistake]:
    """Yield a mistake for each of the keys whose value is no list of texts."""
    for key in keys:
        if key in raw and not is_text_list(raw[key]):
            yield Mistake((key,), "must be a list of texts, none of them empty")


def is_text_list(value: object) -> bool:
    """Tell whether a value is a list of texts, none of them empty."""
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def texts(value: object) -> tuple[str, ...]:
    """Return the texts of a list, none where it is no list; what this made already stays as it is."""
    if isinstance(value, tuple):
        return value
    return tuple(map(str, value)) if isinstance(value, list) else ()


def severity_mistakes(raw: Values, keys: Iterable[str] = ("severity",)) -> Iterator[Mistake]:
    """Yield a mistake for each of the keys that names no severity."""
    for key in keys:
        if key in raw and severity(raw[key]) is None:
            yield Mistake((key,), f"'{raw[key]}' is no severity; known are {', '.join(Severity.__members__)}")


def severity(value: object) -> Severity | None:
    """Return the severity of that name."""
    return Severity.__members__.get(str(value))


def duration_mistakes(raw: Values, key: str) -> Iterator[Mistake]:
    """Yield a mistake where the key is no duration."""
    if key in raw and not duration(raw[key]):
        yield Mistake((key,), f"'{raw[key]}' is no duration; write it like 30s, 10m, 2h or 7d")


def duration(value: object) -> float:
    """Return a duration in seconds; 0 where it is none."""
    found = _DURATION.fullmatch(str(value))
    return int(found[1]) * _UNIT_SECONDS[found[2]] if found else 0.0


def is_count(value: object, least: int = 1) -> bool:
    """Tell whether a value is a whole number of at least `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def under(path: Steps, mistakes: Iterable[Mistake]) -> Iterator[Mistake]:
    """Yield the mistakes of a part with the path to that part."""
    return (Mistake((*path, *mistake.path), mistake.message, mistake.mark) for mistake in mistakes)
