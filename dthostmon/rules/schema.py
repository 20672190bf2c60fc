"""What a pack may say, checked key by key: plain values in, rules or all mistakes out."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from dthostmon.model import Severity
from dthostmon.rules.document import Mistake, Steps
from dthostmon.rules.rule import Rule

THRESHOLDS = frozenset({"failed_logins"})
PLACEHOLDER = re.compile(r"\{(\w+)\}")
COUNT_PLACEHOLDERS = frozenset({"count", "s"})

_PACK_KEYS = ("programs", "rules")
_TEXTS = ("id", "kind", "severity", "match", "threshold", "title", "meaning", "recommended_action")
_LISTS = ("programs", "contains", "fields", "group_by")
_RULE_KEYS = (*_TEXTS, *_LISTS, "benign", "samples")
_SAMPLE_KEYS = ("match", "no_match")
_ID = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")

Pack = Mapping[str, object]


def read_rules(document: object, taken_ids: Iterable[str]) -> tuple[tuple[Rule, ...], Sequence[Mistake]]:
    """Return the rules of a parsed pack, or its mistakes. `taken_ids` are used by packs that were loaded before."""
    mistakes = [*_pack_mistakes(document)]
    if mistakes or not isinstance(document, Mapping):
        return (), mistakes
    taken = set(taken_ids)
    for index, raw in enumerate(document["rules"]):
        mistakes += (
            Mistake(("rules", index, *mistake.path), mistake.message)
            for mistake in _rule_mistakes(raw, document, taken)
        )
        if isinstance(raw, Mapping):
            taken.add(str(raw.get("id")))
    if mistakes:
        return (), mistakes
    return tuple(_make_rule(raw, document) for raw in document["rules"]), ()


def _pack_mistakes(document: object) -> Iterator[Mistake]:
    if not isinstance(document, Mapping):
        yield Mistake((), "a pack is a mapping with the key 'rules'")
        return
    yield from _unknown_keys(document, _PACK_KEYS, ())
    yield from _list_mistakes(document, ("programs",))
    if not isinstance(document.get("rules"), list) or not document["rules"]:
        yield Mistake(("rules",), "must be a list of at least one rule")


def _rule_mistakes(raw: object, pack: Pack, taken_ids: set[str]) -> Iterator[Mistake]:
    if not isinstance(raw, Mapping):
        yield Mistake((), "a rule is a mapping")
        return
    shape = [
        *_unknown_keys(raw, _RULE_KEYS, ()),
        *_text_mistakes(raw),
        *_list_mistakes(raw, _LISTS),
        *_sample_shape_mistakes(raw.get("samples")),
    ]
    yield from shape or _meaning_mistakes(_make_rule(raw, pack), raw, taken_ids)


def _unknown_keys(raw: Pack, known: Sequence[str], path: Steps) -> Iterator[Mistake]:
    for key in raw:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
            yield Mistake((*path, str(key)), f"unknown key; {hint}")


def _text_mistakes(raw: Pack) -> Iterator[Mistake]:
    for key in ("id", "match", "meaning", *(() if raw.get("benign") else ("kind", "severity", "title"))):
        if key not in raw:
            yield Mistake((), f"the key '{key}' is missing")
    for key in _TEXTS:
        if key in raw and not (isinstance(raw[key], str) and raw[key]):
            yield Mistake((key,), "must be a text that is not empty")
    if "benign" in raw and raw["benign"] is not True:
        yield Mistake(("benign",), "may only be true; leave it out otherwise")


def _list_mistakes(raw: Pack, keys: Iterable[str]) -> Iterator[Mistake]:
    for key in keys:
        if key in raw and not _is_text_list(raw[key]):
            yield Mistake((key,), "must be a list of texts, none of them empty")


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def _sample_shape_mistakes(samples: object) -> Iterator[Mistake]:
    if not isinstance(samples, Mapping):
        yield Mistake(("samples",), "must be a mapping with 'match' and 'no_match': they are the rule's test")
        return
    yield from _unknown_keys(samples, _SAMPLE_KEYS, ("samples",))
    for key in _SAMPLE_KEYS:
        if not samples.get(key) or not _is_text_list(samples[key]):
            yield Mistake(("samples", key), "must be a list of at least one message, without its syslog header")


def _make_rule(raw: Mapping[str, object], pack: Pack) -> Rule:
    """Build a rule from values whose shape was checked; a severity that does not exist is found later."""
    text = {key: str(raw.get(key, "")) for key in _TEXTS}
    samples = raw["samples"]
    return Rule(
        id=text["id"],
        kind=text["kind"],
        severity=Severity.__members__.get(text["severity"]),
        programs=_texts(raw.get("programs", pack.get("programs"))),
        contains=_texts(raw.get("contains")),
        expression=text["match"],
        fields=_texts(raw.get("fields")),
        group_by=_texts(raw.get("group_by")),
        threshold=text["threshold"] or None,
        title=text["title"],
        meaning=text["meaning"],
        recommended_action=text["recommended_action"],
        matching_samples=_texts(samples.get("match") if isinstance(samples, Mapping) else None),
        other_samples=_texts(samples.get("no_match") if isinstance(samples, Mapping) else None),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _meaning_mistakes(rule: Rule, raw: Pack, taken_ids: set[str]) -> Iterator[Mistake]:
    if not _ID.fullmatch(rule.id):
        yield Mistake(("id",), f"'{rule.id}' is no id; write it like sshd.failed-password")
    if rule.id in taken_ids:
        yield Mistake(("id",), f"'{rule.id}' is used by another rule; ids are unique over all packs")
    yield from _severity_mistakes(rule, raw)
    if rule.threshold and rule.threshold not in THRESHOLDS:
        yield Mistake(
            ("threshold",), f"unknown threshold '{rule.threshold}'; known are {', '.join(sorted(THRESHOLDS))}"
        )
    for index, literal in enumerate(rule.contains):
        if any(character.isdigit() for character in literal):
            yield Mistake(
                ("contains", index), "holds a digit; lines are looked up without their digits: leave that part out"
            )
    yield from _name_mistakes(rule)


def _severity_mistakes(rule: Rule, raw: Pack) -> Iterator[Mistake]:
    if "benign" in raw and "severity" in raw:
        yield Mistake(("severity",), "a benign rule has no severity; keep one of the two")
    elif "severity" in raw and rule.severity is None:
        yield Mistake(("severity",), f"'{raw['severity']}' is no severity; known are {', '.join(Severity.__members__)}")


def _name_mistakes(rule: Rule) -> Iterator[Mistake]:
    known = COUNT_PLACEHOLDERS.union(rule.fields)
    named = (
        ("group_by", rule.group_by, rule.fields),
        ("title", PLACEHOLDER.findall(rule.title), known),
        ("recommended_action", PLACEHOLDER.findall(rule.recommended_action), known),
    )
    for key, names, allowed in named:
        for name in names:
            if name not in allowed:
                yield Mistake(
                    (key,), f"'{name}' is not among the rule's fields: {', '.join(rule.fields) or 'it has none'}"
                )
