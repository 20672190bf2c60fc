"""What a model is made to answer, and what is taken of its answer.

An answer may have been dictated by a log line. Its shape and its bounds are therefore checked here, whatever schema was
sent: some servers ignore it and say 200.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache

from dthostmon.errors import ProviderError, ProviderErrorKind
from dthostmon.model import Confidence, Opinion, OpinionFinding, Severity

MAX_FINDINGS = 10
MAX_EVIDENCE = 8
MAX_RECOMMENDATIONS = 5
MAX_SUMMARY_CHARACTERS = 300
MAX_DESCRIPTION_CHARACTERS = 200
MAX_ACTION_CHARACTERS = 140
MAX_KIND_CHARACTERS = 40
MAX_SCORE = 100
MAX_ANSWER_BYTES = 64 * 1024
MAX_DEPTH = 16  # the contract needs 4
MAX_QUOTED_CHARACTERS = 40
MAX_ID_CHARACTERS = 8
BYTES_PER_TOKEN = 2  # 2.6 were measured on log lines, and words have more

UNNAMED_KIND = "other"
WHAT_TO_ANSWER = "Answer with one JSON object that obeys the schema, and nothing else."

_CALLED_A_TOOL = "A tool was called instead of an answer, and there are no tools."
_SEVERITIES = tuple(str(severity) for severity in Severity)
_CONFIDENCES = tuple(str(confidence) for confidence in Confidence)
_BLANKS = "\ufeff \t\r\n"
_FENCE = re.compile(r"```(?:json|JSON)?(.*)```", re.DOTALL)
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
_TOOL_CALL = re.compile(r"<\|?/?(?:tool|function)|\[TOOL", re.IGNORECASE)
_TOOL_CALL_KEYS = frozenset({"tool", "tool_call", "tool_calls", "function", "function_call", "arguments", "parameters"})
# Shown as nothing, yet no control or format characters: fillers, joiners and selectors of variants.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_NOT_IN_KIND = re.compile(r"[^a-z0-9]+")
_NOT_QUOTED = re.compile(r"[^A-Za-z0-9 _.-]")  # a model is shown what is quoted: no marker of a chat may be in it

_BOUNDS: Mapping[str, Mapping[str, int]] = {
    "summary": {"maxLength": MAX_SUMMARY_CHARACTERS},
    "findings": {"maxItems": MAX_FINDINGS},
    "evidence": {"minItems": 1, "maxItems": MAX_EVIDENCE},
    "kind": {"minLength": 1, "maxLength": MAX_KIND_CHARACTERS},
    "description": {"maxLength": MAX_DESCRIPTION_CHARACTERS},
    "recommended_action": {"maxLength": MAX_ACTION_CHARACTERS},
    "health_score": {"minimum": 0, "maximum": MAX_SCORE},
    "recommendations": {"maxItems": MAX_RECOMMENDATIONS},
    "recommendations[]": {"maxLength": MAX_ACTION_CHARACTERS},
}


Restore = Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


def schema(evidence_ids: Collection[str]) -> dict[str, object]:
    """Return the JSON Schema of an answer that may rest on these records, as every provider accepts it.

    Evidence comes first in a finding: a model that names the lines before its words makes fewer of them up. Without
    records there can be no finding, so the schema has no place for one (an empty enum is refused by most).
    """
    # Only type, enum, items, properties, required, additionalProperties and description are used. Anthropic answers 400
    # to maxLength, maxItems, minimum and maximum, OpenAI's strict mode does not list lengths of strings, xAI listed
    # neither lengths nor counts of items. `with_bounds` adds them where they are wanted; `parse` always holds them.
    findings = {"findings": _list(_finding(evidence_ids), f"At most {MAX_FINDINGS}.")} if evidence_ids else {}
    advice = _text(MAX_ACTION_CHARACTERS, "What a person should do.")
    return _object(
        {
            "summary": _text(MAX_SUMMARY_CHARACTERS, "The state of the host."),
            **findings,
            "health_score": {"type": "integer", "description": f"0 (down) to {MAX_SCORE} (healthy)."},
            "severity": {"type": "string", "enum": list(_SEVERITIES)},
            "recommendations": _list(advice, f"At most {MAX_RECOMMENDATIONS}, the most urgent first."),
        }
    )


def with_bounds(contract: Mapping[str, object]) -> dict[str, object]:
    """Return the schema with lengths, counts and the range of the score, for servers that make a grammar of it.

    llama.cpp and Ollama obey them; a small model without them writes one text until it is cut.
    """
    return _bounded("", contract)


@cache
def max_output_tokens() -> int:
    """Return how many tokens an answer may take: more than the largest that keeps the bounds.

    That is printed with indentation, and each character of its texts takes two bytes: an escaped quote, or a letter of
    most alphabets. Other scripts take three bytes and about a token for each character, which is as much.
    """
    action = '"' * MAX_ACTION_CHARACTERS
    finding = {
        "evidence": ["E" * MAX_ID_CHARACTERS] * MAX_EVIDENCE,
        "kind": "k" * MAX_KIND_CHARACTERS,
        "severity": max(_SEVERITIES, key=len),
        "description": '"' * MAX_DESCRIPTION_CHARACTERS,
        "recommended_action": action,
        "confidence": max(_CONFIDENCES, key=len),
    }
    answer = {
        "summary": '"' * MAX_SUMMARY_CHARACTERS,
        "findings": [finding] * MAX_FINDINGS,
        "health_score": MAX_SCORE,
        "severity": max(_SEVERITIES, key=len),
        "recommendations": [action] * MAX_RECOMMENDATIONS,
    }
    return len(json.dumps(answer, indent=2)) // BYTES_PER_TOKEN + 1


def parse(text: str, evidence_ids: Collection[str], restore: Restore = _as_it_is) -> Opinion:
    """Return what a model answered, within the bounds and resting on records that were sent.

    `restore` puts names of hosts in the place of pseudonyms, in texts alone and before these are cut: half a pseudonym
    would be that of another host. What is refused is quoted as the model wrote it.
    Raises ProviderError of kind INVALID_OUTPUT, whose text of at most 300 characters can be shown to the model.
    """
    return _Reader(evidence_ids, restore).opinion(_decoded(text))


class _Reader:
    """Reads one decoded answer, and counts in `dropped` what it held beyond the contract."""

    def __init__(self, evidence_ids: Collection[str], restore: Restore) -> None:
        self._sent = frozenset(evidence_ids)
        self._restore = restore
        self.dropped = 0

    def opinion(self, answer: object) -> Opinion:
        if not self._sent and isinstance(answer, dict):
            answer = {"findings": [], **answer}  # what the schema then has no place for
        names = ("summary", "findings", "health_score", "severity", "recommendations")
        summary, found, score, severity, advice = self._members(answer, names, "The answer")
        findings = self._findings(_array(found, "findings"))
        recommendations = self._recommendations(_array(advice, "recommendations"))
        return Opinion(
            summary=self._text(summary, "summary", MAX_SUMMARY_CHARACTERS),
            findings=findings,
            score=_score(score),
            severity=Severity[_one_of(_SEVERITIES, severity, "severity")],
            recommendations=recommendations,
            dropped=self.dropped,
        )

    def _members(self, value: object, names: Sequence[str], where: str) -> list[object]:
        if not isinstance(value, dict):
            raise _refusal(f"{where} must be a JSON object, not {_type_of(value)}.")
        if missing := [name for name in names if name not in value]:
            called = "summary" in missing and not _TOOL_CALL_KEYS.isdisjoint(value)
            raise _refusal(_CALLED_A_TOOL if called else f"{where} lacks {', '.join(missing)}.")
        self.dropped += len(value) - len(names)
        return [value[name] for name in names]

    def _findings(self, values: Sequence[object]) -> tuple[OpinionFinding, ...]:
        read = [self._finding(value, f"findings[{place}]") for place, value in enumerate(values)]
        evidenced = [finding for finding in read if finding.evidence]
        kept = evidenced[:MAX_FINDINGS]
        self.dropped += len(read) - len(kept)
        return tuple(kept)

    def _finding(self, value: object, where: str) -> OpinionFinding:
        names = ("evidence", "kind", "severity", "description", "recommended_action", "confidence")
        evidence, kind, severity, description, action, confidence = self._members(value, names, where)
        return OpinionFinding(
            evidence=self._evidence(_array(evidence, f"{where}.evidence")),
            kind=self._kind(kind, f"{where}.kind"),
            severity=Severity[_one_of(_SEVERITIES, severity, f"{where}.severity")],
            description=self._text(description, f"{where}.description", MAX_DESCRIPTION_CHARACTERS),
            recommended_action=self._text(action, f"{where}.recommended_action", MAX_ACTION_CHARACTERS),
            confidence=Confidence(_one_of(_CONFIDENCES, confidence, f"{where}.confidence")),
        )

    def _evidence(self, values: Sequence[object]) -> tuple[str, ...]:
        """Return the ids that were sent, each once."""
        sent = [value for value in values if isinstance(value, str) and value in self._sent]
        ids = tuple(dict.fromkeys(sent))
        self.dropped += len(values) - len(sent) + max(0, len(ids) - MAX_EVIDENCE)
        return ids[:MAX_EVIDENCE]

    def _recommendations(self, values: Sequence[object]) -> tuple[str, ...]:
        texts = [
            self._text(value, f"recommendations[{place}]", MAX_ACTION_CHARACTERS) for place, value in enumerate(values)
        ]
        kept = tuple(dict.fromkeys(filter(None, texts)))[:MAX_RECOMMENDATIONS]
        self.dropped += len(texts) - len(kept)
        return kept

    def _kind(self, value: object, where: str) -> str:
        name = _NOT_IN_KIND.sub("-", self._restore(_string(value, where)).lower()).strip("-")
        self.dropped += len(name) > MAX_KIND_CHARACTERS
        return name[:MAX_KIND_CHARACTERS].rstrip("-") or UNNAMED_KIND

    def _text(self, value: object, where: str, limit: int) -> str:
        text = self._restore(_clean(_string(value, where)))
        if len(text) <= limit:
            return text
        self.dropped += 1
        return f"{text[: limit - 1].rstrip()}…"


def _finding(evidence_ids: Collection[str]) -> dict[str, object]:
    return _object(
        {
            "evidence": _list(
                {"type": "string", "enum": list(dict.fromkeys(evidence_ids))},
                f"Ids of the records that it rests on: 1 to {MAX_EVIDENCE}.",
            ),
            "kind": _text(MAX_KIND_CHARACTERS, "A name for what happened, like disk-full: a to z, 0 to 9 and -."),
            "severity": {"type": "string", "enum": list(_SEVERITIES)},
            "description": _text(MAX_DESCRIPTION_CHARACTERS, "What happened."),
            "recommended_action": _text(MAX_ACTION_CHARACTERS, "What a person should do about it."),
            "confidence": {"type": "string", "enum": list(_CONFIDENCES)},
        }
    )


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Mapping[str, object], description: str) -> dict[str, object]:
    return {"type": "array", "items": items, "description": description}


def _text(limit: int, description: str) -> dict[str, object]:
    return {"type": "string", "description": f"{description} At most {limit} characters."}


def _bounded(name: str, part: Mapping[str, object]) -> dict[str, object]:
    bounded = {**part, **_BOUNDS.get(name, {})}
    properties, items = part.get("properties"), part.get("items")
    if isinstance(properties, Mapping):
        bounded["properties"] = {key: _bounded(key, inner) for key, inner in properties.items()}
    if isinstance(items, Mapping):
        bounded["items"] = _bounded(f"{name}[]", items)
    return bounded


def _decoded(text: str) -> object:
    """Return the JSON value of an answer, which may stand in a code fence. Raises ProviderError."""
    if len(text) > MAX_ANSWER_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_ANSWER_BYTES:
        raise _refusal(f"The answer is longer than {MAX_ANSWER_BYTES} bytes.")
    body = _unwrapped(text)
    if not body:
        raise _refusal("The answer is empty.")
    if _TOOL_CALL.match(body):
        raise _refusal(_CALLED_A_TOOL)
    if _is_deep(body):
        raise _refusal(f"The answer is nested more than {MAX_DEPTH} deep.")
    try:
        return json.loads(body, object_pairs_hook=_members_once, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _refusal(_what_is_wrong(body, error)) from error
    except ValueError as error:  # Python refuses to read integers of more than some thousand digits
        raise _refusal("A number in the answer is too long.") from error


def _unwrapped(text: str) -> str:
    body = text.strip(_BLANKS)
    fenced = _FENCE.fullmatch(body)
    return fenced[1].strip(_BLANKS) if fenced else body


def _is_deep(body: str) -> bool:
    """Whether brackets nest deeper than any answer needs: to read such a thing takes as much stack."""
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(body):
        depth += (found[0] in "[{") - (found[0] in "]}")
        if depth > MAX_DEPTH:
            return True
    return False


def _members_once(members: Sequence[tuple[str, object]]) -> dict[str, object]:
    """Refuse a name that occurs twice: which of the two holds is read differently by different programs."""
    value = dict(members)
    if len(value) < len(members):
        (twice, _), *_ = Counter(name for name, _ in members).most_common(1)
        raise _refusal(f"An object in the answer has the name {_quoted(twice)} twice.")
    return value


def _refuse_constant(name: str) -> object:
    raise _refusal(f"{name} is no number of JSON.")


def _what_is_wrong(body: str, error: json.JSONDecodeError) -> str:
    if body.startswith("{") and not body.endswith("}"):
        return "The JSON of the answer is cut off before its end: write less."
    return f"The answer is not JSON alone: {error.msg} at character {error.pos} of {len(body)}."


def _array(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise _refusal(f"{where} must be a list, not {_type_of(value)}.")
    return value


def _string(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _refusal(f"{where} must be a string, not {_type_of(value)}.")
    return value


def _score(value: object) -> int:
    # `type` and not isinstance: true is an int in Python. 85.0 is an integer in JSON Schema.
    number = int(value) if type(value) is float and value.is_integer() else value
    if type(number) is not int or not 0 <= number <= MAX_SCORE:
        raise _refusal(f"health_score must be a whole number from 0 to {MAX_SCORE}.")
    return number


def _one_of(names: Sequence[str], value: object, where: str) -> str:
    if value not in names:
        given = _quoted(value) if isinstance(value, str) else _type_of(value)
        raise _refusal(f"{where} must be one of {', '.join(names)}, not {given}.")
    return str(value)


def _type_of(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _quoted(text: str) -> str:
    return f"'{_NOT_QUOTED.sub('?', _clean(text[:MAX_ANSWER_BYTES])[:MAX_QUOTED_CHARACTERS])}'"


def _clean(text: str) -> str:
    """Return a text that can be shown: on one line, without control, bidirectional and zero-width characters."""
    visible = _INVISIBLE.sub("", text)
    shown = [mark if mark.isprintable() else " " if mark.isspace() else "" for mark in visible]
    return " ".join("".join(shown).split())


def _refusal(message: str) -> ProviderError:
    return ProviderError(ProviderErrorKind.INVALID_OUTPUT, message, WHAT_TO_ANSWER)
