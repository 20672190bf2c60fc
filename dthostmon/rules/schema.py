"""What a pack may say, checked key by key: plain values in, rules or all mistakes out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from sys import intern

from dthostmon.rules.counting import RuleSequence
from dthostmon.rules.counting_schema import (
    clearing_mistakes,
    escalation_mistakes,
    first_mistakes,
    make_clearing,
    make_escalations,
    make_first,
    make_sequence,
    sequence_mistakes,
)
from dthostmon.rules.document import Mistake
from dthostmon.rules.placeholders import name_mistakes
from dthostmon.rules.rule import Rule
from dthostmon.rules.shapes import (
    THIS_PACK,
    Values,
    id_mistakes,
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

_PACK_KEYS = ("programs", "rules", "sequences")
_TEXTS = ("id", "kind", "severity", "match", "title", "meaning", "recommended_action")
_LISTS = ("programs", "contains", "fields", "group_by")
_RULE_KEYS = (*_TEXTS, *_LISTS, "benign", "escalate", "first", "cleared_by", "samples")
_SAMPLE_KEYS = ("match", "no_match")
_ID = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")


@dataclass(frozen=True, slots=True)
class PackContent:
    """What a pack says."""

    rules: tuple[Rule, ...] = ()
    sequences: tuple[RuleSequence, ...] = ()

    def without_samples(self) -> "PackContent":
        """Return what is needed to judge lines."""
        rules = tuple(replace(rule, matching_samples=(), other_samples=()) for rule in self.rules)
        return PackContent(rules, tuple(replace(one, matching_samples=(), other_samples=()) for one in self.sequences))


def read_pack(document: object, taken_ids: Mapping[str, str]) -> tuple[PackContent, Sequence[Mistake]]:
    """Return what a parsed pack says, or its mistakes. `taken_ids` are used by other packs, which they name."""
    mistakes = [*_pack_mistakes(document)]
    if mistakes or not isinstance(document, Mapping):
        return PackContent(), mistakes
    taken = dict(taken_ids)
    rules, sequences = document.get("rules") or (), document.get("sequences") or ()
    for index, raw in enumerate(rules):
        mistakes += under(("rules", index), _rule_mistakes(raw, document, taken))
        _take_id(raw, taken)
    for index, raw in enumerate(sequences):
        mistakes += under(("sequences", index), sequence_mistakes(raw, taken))
        _take_id(raw, taken)
    if mistakes:
        return PackContent(), mistakes
    pack = {**document, "programs": texts(document.get("programs"))}  # one for all its rules
    return PackContent(tuple(_make_rule(raw, pack) for raw in rules), tuple(map(make_sequence, sequences))), ()


def _take_id(raw: object, taken: dict[str, str]) -> None:
    if isinstance(raw, Mapping):
        taken[str(raw.get("id"))] = THIS_PACK


def _pack_mistakes(document: object) -> Iterator[Mistake]:
    if not isinstance(document, Mapping):
        yield Mistake((), "a pack is a mapping with the key 'rules' or 'sequences'")
        return
    yield from unknown_keys(document, _PACK_KEYS)
    yield from list_mistakes(document, ("programs",))
    sequences = document.get("sequences", [])
    if not isinstance(sequences, list):
        yield Mistake(("sequences",), "must be a list")
    if not _is_filled(document.get("rules")) and ("rules" in document or not _is_filled(sequences)):
        yield Mistake(("rules",), "must be a list of at least one rule; only a pack of sequences may leave it out")


def _is_filled(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _rule_mistakes(raw: object, pack: Values, taken_ids: Mapping[str, str]) -> Iterator[Mistake]:
    if not isinstance(raw, Mapping):
        yield Mistake((), "a rule is a mapping")
        return
    shape = [*_shape_mistakes(raw)]
    yield from shape or _meaning_mistakes(_make_rule(raw, pack), raw, taken_ids)


def _shape_mistakes(raw: Values) -> Iterator[Mistake]:
    yield from unknown_keys(raw, _RULE_KEYS)
    yield from missing_keys(raw, _needed_keys(raw))
    yield from text_mistakes(raw, _TEXTS)
    yield from list_mistakes(raw, _LISTS)
    if "benign" in raw and raw["benign"] is not True:
        yield Mistake(("benign",), "may only be true; leave it out otherwise")
    fields, group_by = texts(raw.get("fields")), texts(raw.get("group_by"))
    if "escalate" in raw:
        yield from escalation_mistakes(raw["escalate"], fields)
    if "first" in raw:
        yield from first_mistakes(raw["first"], fields, group_by)
    if "cleared_by" in raw:
        yield from clearing_mistakes(raw["cleared_by"], fields, group_by)
    yield from _sample_mistakes(raw.get("samples"))


def _needed_keys(raw: Values) -> tuple[str, ...]:
    if not raw.get("benign"):
        return "id", "match", "meaning", "kind", "severity", "title"
    tells = "escalate" in raw or "first" in raw
    return "id", "match", "meaning", *(("kind", "title") if tells else ())


def _sample_mistakes(samples: object) -> Iterator[Mistake]:
    if not isinstance(samples, Mapping):
        yield Mistake(("samples",), "must be a mapping with 'match' and 'no_match': they are the rule's test")
        return
    yield from under(("samples",), unknown_keys(samples, _SAMPLE_KEYS))
    for key in _SAMPLE_KEYS:
        if not samples.get(key) or not is_text_list(samples[key]):
            yield Mistake(("samples", key), "must be a list of at least one message, without its syslog header")


def _make_rule(raw: Values, pack: Values) -> Rule:
    """Build a rule from values whose shape was checked. The names that many rules have are one text each."""
    text = {key: str(raw.get(key, "")) for key in _TEXTS}
    samples = raw["samples"]
    fields, group_by = (tuple(map(intern, texts(raw.get(key)))) for key in ("fields", "group_by"))
    return Rule(
        id=text["id"],
        kind=intern(text["kind"]),
        severity=severity(raw.get("severity")),
        programs=texts(raw.get("programs", pack.get("programs"))),
        contains=texts(raw.get("contains")),
        expression=text["match"],
        fields=fields,
        group_by=group_by,
        title=text["title"],
        meaning=text["meaning"],
        recommended_action=text["recommended_action"],
        matching_samples=texts(samples.get("match") if isinstance(samples, Mapping) else None),
        other_samples=texts(samples.get("no_match") if isinstance(samples, Mapping) else None),
        escalations=make_escalations(raw.get("escalate"), group_by),
        first=make_first(raw.get("first")),
        cleared_by=make_clearing(raw.get("cleared_by")),
    )


def _meaning_mistakes(rule: Rule, raw: Values, taken_ids: Mapping[str, str]) -> Iterator[Mistake]:
    if not _ID.fullmatch(rule.id):
        yield Mistake(("id",), f"'{rule.id}' is no id; write it like sshd.failed-password")
    yield from id_mistakes(rule.id, taken_ids)
    if "benign" in raw and "severity" in raw:
        yield Mistake(("severity",), "a benign rule has no severity; keep one of the two")
    else:
        yield from severity_mistakes(raw)
    for index, literal in enumerate(rule.contains):
        if any(character.isdigit() for character in literal):
            yield Mistake(
                ("contains", index), "holds a digit; lines are looked up without their digits: leave that part out"
            )
    for name in rule.group_by:
        if name not in rule.fields:
            known = ", ".join(rule.fields) or "it has none"
            yield Mistake(("group_by",), f"'{name}' is not among the rule's fields: {known}")
    named = (("title", rule.title), ("recommended_action", rule.recommended_action))
    yield from chain.from_iterable(name_mistakes(key, text, rule.fields) for key, text in named)
