"""What `escalate`, `first` and `sequences` of a pack may say."""

from collections.abc import Iterator, Mapping, Sequence

from dthostmon.rules.counting import Clearing, Escalation, First, RuleSequence, Step
from dthostmon.rules.document import Mistake
from dthostmon.rules.fields import NETWORK
from dthostmon.rules.placeholders import name_mistakes
from dthostmon.rules.shapes import (
    Values,
    duration,
    duration_mistakes,
    id_mistakes,
    is_count,
    is_text_list,
    list_mistakes,
    missing_keys,
    severity,
    severity_mistakes,
    text_mistakes,
    texts,
    under,
    unknown_keys,
)

THRESHOLDS = frozenset({"failed_logins"})
MAX_WINDOW_SECONDS = 7 * 86400

_ESCALATION_KEYS = ("count", "within", "severity", "by")
_FIRST_KEYS = ("by", "severity", "learning")
_CLEARING_KEYS = ("rules", "kinds", "within", "by")
_SEQUENCE_TEXTS = ("id", "kind", "severity", "title", "meaning", "recommended_action")
_SEQUENCE_KEYS = (*_SEQUENCE_TEXTS, "within", "by", "steps", "samples")
_STEP_KEYS = ("rules", "kinds", "count")


def escalation_mistakes(raw: object, fields: Sequence[str]) -> Iterator[Mistake]:
    """Yield what is wrong with the value of `escalate` of a rule with these fields."""
    if not isinstance(raw, list) or not raw:
        yield Mistake(("escalate",), "must be a list of mappings with count, within and severity")
        return
    for index, item in enumerate(raw):
        yield from under(("escalate", index), _escalation_mistakes(item, fields))


def _escalation_mistakes(raw: object, fields: Sequence[str]) -> Iterator[Mistake]:
    if not isinstance(raw, Mapping):
        yield Mistake((), "must be a mapping with count, within and severity")
        return
    yield from unknown_keys(raw, _ESCALATION_KEYS)
    yield from missing_keys(raw, ("count", "within", "severity"))
    yield from list_mistakes(raw, ("by",))
    yield from severity_mistakes(raw)
    yield from _window_mistakes(raw)
    yield from _field_mistakes(raw, fields)
    count = raw.get("count", 1)
    if not is_count(count) and count not in THRESHOLDS:
        yield Mistake(("count",), f"must be a whole number, or the name of a threshold: {', '.join(THRESHOLDS)}")


def _window_mistakes(raw: Values) -> Iterator[Mistake]:
    yield from duration_mistakes(raw, "within")
    if duration(raw.get("within")) > MAX_WINDOW_SECONDS:
        yield Mistake(("within",), "must be 7d at most: that far back it is remembered what was seen")


def _field_mistakes(raw: Values, fields: Sequence[str]) -> Iterator[Mistake]:
    for name in texts(raw.get("by")):
        if name not in fields:
            yield Mistake(("by",), f"'{name}' is not among the rule's fields: {', '.join(fields) or 'it has none'}")


def make_escalations(raw: object, group_by: tuple[str, ...]) -> tuple[Escalation, ...]:
    """Build what `escalate` says, whose shape was checked."""
    items = raw if isinstance(raw, list) else ()
    return tuple(_make_escalation(item, group_by) for item in items if isinstance(item, Mapping))


def _make_escalation(raw: Values, group_by: tuple[str, ...]) -> Escalation:
    count = raw.get("count")
    level = severity(raw.get("severity"))
    assert level is not None  # noqa: S101  # the shape was checked
    return Escalation(
        count=count if isinstance(count, int) else str(count),
        within=duration(raw.get("within")),
        severity=level,
        by=texts(raw["by"]) if "by" in raw else group_by,
    )


def first_mistakes(raw: object, fields: Sequence[str], group_by: Sequence[str]) -> Iterator[Mistake]:
    """Yield what is wrong with the value of `first` of a rule with these fields."""
    if not isinstance(raw, Mapping):
        yield Mistake(("first",), "must be a mapping with by and severity")
        return
    yield from under(("first",), _first_mistakes(raw, fields, group_by))


def _first_mistakes(raw: Values, fields: Sequence[str], group_by: Sequence[str]) -> Iterator[Mistake]:
    yield from unknown_keys(raw, _FIRST_KEYS)
    yield from missing_keys(raw, ("by", "severity"))
    yield from list_mistakes(raw, ("by",))
    yield from severity_mistakes(raw, ("severity", "learning"))
    by = texts(raw.get("by"))
    if not by:
        yield Mistake(("by",), "must name at least one field")
    for name in by:
        needed = "address" if name == NETWORK else name
        if needed not in fields:
            yield Mistake(("by",), f"'{name}' needs the field '{needed}', which the rule does not capture")
        elif needed not in group_by:
            yield Mistake(("by",), f"'{name}' needs '{needed}' in group_by, so that one finding has one value of it")


def make_first(raw: object) -> First | None:
    """Build what `first` says, whose shape was checked."""
    level = severity(raw.get("severity")) if isinstance(raw, Mapping) else None
    if level is None or not isinstance(raw, Mapping):
        return None
    return First(by=texts(raw.get("by")), severity=level, learning=severity(raw.get("learning")))


def clearing_mistakes(raw: object, fields: Sequence[str], group_by: Sequence[str]) -> Iterator[Mistake]:
    """Yield what is wrong with the value of `cleared_by` of a rule with these fields."""
    if not isinstance(raw, Mapping):
        yield Mistake(("cleared_by",), "must be a mapping with within, and with rules or kinds")
        return
    yield from under(("cleared_by",), _clearing_mistakes(raw, fields, group_by))


def _clearing_mistakes(raw: Values, fields: Sequence[str], group_by: Sequence[str]) -> Iterator[Mistake]:
    yield from unknown_keys(raw, _CLEARING_KEYS)
    yield from missing_keys(raw, ("within",))
    yield from list_mistakes(raw, ("rules", "kinds", "by"))
    yield from _window_mistakes(raw)
    yield from _field_mistakes(raw, fields)
    if not raw.get("rules") and not raw.get("kinds"):
        yield Mistake((), "names no rules and no kinds")
    for name in texts(raw.get("by")):
        if name not in group_by:
            yield Mistake(("by",), f"'{name}' must be in group_by too, so that one finding has one value of it")


def make_clearing(raw: object) -> Clearing | None:
    """Build what `cleared_by` says, whose shape was checked."""
    if not isinstance(raw, Mapping):
        return None
    by = texts(raw.get("by"))
    return Clearing(texts(raw.get("rules")), texts(raw.get("kinds")), duration(raw.get("within")), by)


def sequence_mistakes(raw: object, taken_ids: Mapping[str, str]) -> Iterator[Mistake]:
    """Yield what is wrong with one of `sequences`."""
    if not isinstance(raw, Mapping):
        yield Mistake((), "a sequence is a mapping")
        return
    yield from unknown_keys(raw, _SEQUENCE_KEYS)
    yield from missing_keys(raw, ("id", "kind", "severity", "within", "by", "steps", "title", "meaning", "samples"))
    yield from text_mistakes(raw, _SEQUENCE_TEXTS)
    yield from severity_mistakes(raw)
    yield from list_mistakes(raw, ("by",))
    yield from _window_mistakes(raw)
    yield from id_mistakes(str(raw.get("id")), taken_ids)
    yield from _steps_mistakes(raw.get("steps"))
    yield from _samples_mistakes(raw.get("samples"))
    allowed = texts(raw.get("by"))
    for key in ("title", "recommended_action"):
        yield from name_mistakes(key, str(raw.get(key, "")), (*allowed, "user", "address", "unit"))


def _steps_mistakes(raw: object) -> Iterator[Mistake]:
    if not isinstance(raw, list) or len(raw) < 2:
        yield Mistake(("steps",), "must be a list of at least two mappings with rules or kinds")
        return
    for index, step in enumerate(raw):
        yield from under(("steps", index), _step_mistakes(step))
    if isinstance(raw[-1], Mapping) and "count" in raw[-1]:
        message = "the last step is one line, which completes the sequence; count those before it"
        yield Mistake(("steps", len(raw) - 1, "count"), message)


def _step_mistakes(raw: object) -> Iterator[Mistake]:
    if not isinstance(raw, Mapping):
        yield Mistake((), "must be a mapping with rules or kinds")
        return
    yield from unknown_keys(raw, _STEP_KEYS)
    yield from list_mistakes(raw, ("rules", "kinds"))
    if not raw.get("rules") and not raw.get("kinds"):
        yield Mistake((), "names no rules and no kinds")
    if not is_count(raw.get("count", 1)):
        yield Mistake(("count",), "must be a whole number of at least 1")


def _samples_mistakes(raw: object) -> Iterator[Mistake]:
    if not isinstance(raw, Mapping):
        yield Mistake(("samples",), "must be a mapping with 'match' and 'no_match': they are the sequence's test")
        return
    yield from under(("samples",), unknown_keys(raw, ("match", "no_match")))
    for key in ("match", "no_match"):
        stories = raw.get(key)
        if not isinstance(stories, list) or not stories or not all(map(is_text_list, stories)):
            yield Mistake(("samples", key), "must be a list of lists of lines, each like 'sshd: Failed password for …'")


def make_sequence(raw: Values) -> RuleSequence:
    """Build a sequence, whose shape was checked."""
    level = severity(raw["severity"])
    assert level is not None  # noqa: S101  # the shape was checked
    samples = raw["samples"]
    return RuleSequence(
        id=str(raw["id"]),
        kind=str(raw["kind"]),
        severity=level,
        within=duration(raw["within"]),
        by=texts(raw["by"]),
        steps=tuple(_make_step(step) for step in _list(raw["steps"])),
        title=str(raw["title"]),
        meaning=str(raw["meaning"]),
        recommended_action=str(raw.get("recommended_action", "")),
        matching_samples=_stories(samples, "match"),
        other_samples=_stories(samples, "no_match"),
    )


def _make_step(raw: object) -> Step:
    values = raw if isinstance(raw, Mapping) else {}
    return Step(texts(values.get("rules")), texts(values.get("kinds")), int(str(values.get("count", 1))))


def _stories(samples: object, key: str) -> tuple[tuple[str, ...], ...]:
    return tuple(map(texts, _list(samples.get(key)))) if isinstance(samples, Mapping) else ()


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
