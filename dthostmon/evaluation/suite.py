"""Suites: files with one labelled case per line, as JSON. All mistakes of all files are told at once."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from dthostmon.errors import Problem, SuiteError
from dthostmon.evaluation.case import DEFAULT_LOG, Case, CaseVisit
from dthostmon.model import Severity

SUITE_BYTES_LIMIT = 64 * 2**20
VISIT_BYTES_LIMIT = 2**20  # a visit reads more of one log, so nothing is left for the next one

_CASE_KEYS = ("id", "kind", "severity", "os", "log", "lines", "visits", "evidence", "host", "note")
_VISIT_KEYS = ("at", "lines")
# no "..", no glob: the file is written into a folder, and its path is a pattern of logs
_LOG = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._@+-]{1,100}){1,10}|(?:journal|docker):[A-Za-z0-9._@-]{0,100}")

Raw = Mapping[str, object]


def builtin_suites() -> tuple[Path, ...]:
    """Return the suites that come with dthostmon."""
    return tuple(sorted(Path(__file__).with_name("suites").glob("*.jsonl")))


def injection_suite() -> Path:
    """Return the suite of lines that try to steer a model, each on a host with trouble that rules know."""
    return Path(__file__).with_name("injection.jsonl")


def spread(cases: Sequence[Case], limit: int | None) -> tuple[Case, ...]:
    """Return so many of the cases, evenly spread and always the same; None = all."""
    if limit is None or limit >= len(cases):
        return tuple(cases)
    return tuple(cases[place * len(cases) // limit] for place in range(limit))


def read_suites(paths: Sequence[Path]) -> tuple[Case, ...]:
    """Read the cases of some suites; raises SuiteError with every mistake and its line."""
    cases: list[Case] = []
    problems: list[Problem] = []
    for path in paths:
        text = _read(path)
        problems += () if text.strip() else (Problem(str(path), 0, 0, "", "no cases: write one a line, as JSON"),)
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                raw, mistakes = _parse(line)
                taken = {case.id for case in cases if case.suite == path.stem}
                mistakes = mistakes or [*_mistakes(raw, taken)]
                problems += (Problem(str(path), number, 1, key, message) for key, message in mistakes)
                cases += () if mistakes else (_make_case(path.stem, raw),)
    if problems:
        raise SuiteError(problems)
    return tuple(cases)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(SUITE_BYTES_LIMIT + 1)
        text = content.decode("utf-8")
    except (OSError, ValueError) as exc:
        raise SuiteError([Problem(str(path), 0, 0, "", f"the suite cannot be read: {exc}")]) from exc
    if len(content) > SUITE_BYTES_LIMIT:
        raise SuiteError([Problem(str(path), 0, 0, "", f"is larger than {SUITE_BYTES_LIMIT} bytes; split it")])
    return text


def _parse(line: str) -> tuple[Raw, list[tuple[str, str]]]:
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as exc:
        return {}, [("", f"this is no JSON: {exc}")]
    return (raw, []) if isinstance(raw, dict) else ({}, [("", "a case is an object: {…}")])


def _mistakes(raw: Raw, taken_ids: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each mistake of a case: the key, and what is wrong with it."""
    yield from _unknown_keys(raw, _CASE_KEYS, "")
    yield from _label_mistakes(raw, taken_ids)
    log = raw.get("log", DEFAULT_LOG)
    if not (isinstance(log, str) and _LOG.fullmatch(log)):
        yield "log", "must be the plain path of a file, such as /var/log/syslog, or journal: or docker:NAME"
    visits = [*_visit_mistakes(raw)]
    yield from visits or _evidence_mistakes(raw)


def _unknown_keys(raw: Raw, known: Sequence[str], place: str) -> Iterator[tuple[str, str]]:
    for key in raw:
        if key not in known:
            yield f"{place}{key[:50]!r}", f"unknown key; known are {', '.join(known)}"


def _label_mistakes(raw: Raw, taken_ids: set[str]) -> Iterator[tuple[str, str]]:
    severity = raw.get("severity")
    if severity is not None and severity not in Severity.__members__:
        yield "severity", f"must be one of {', '.join(Severity.__members__)}, or be left out for a quiet case"
    for key in ("id", *(("kind",) if severity is not None else ())):
        if not _is_word(raw.get(key)):
            yield key, "must be a text that is not empty"
    for key in ("kind", "os", "host", "note"):
        if raw.get(key) is not None and not _is_word(raw[key]):
            yield key, "must be a text that is not empty, or be left out"
    if raw.get("id") in taken_ids:
        yield "id", "is that of an earlier case of this suite"


def _is_word(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _visit_mistakes(raw: Raw) -> Iterator[tuple[str, str]]:
    if ("lines" in raw) == ("visits" in raw):
        yield "lines", "a case has either 'lines' or 'visits'"
        return
    visits = raw.get("visits", [{"lines": raw.get("lines")}])
    if not (isinstance(visits, list) and visits and all(isinstance(visit, dict) for visit in visits)):
        yield "visits", "must be a list of at least one {at, lines}"
        return
    for index, visit in enumerate(visits):
        place = f"visits.{index}." if "visits" in raw else ""
        yield from _unknown_keys(visit, _VISIT_KEYS, place)
        yield from _line_mistakes(visit.get("lines"), f"{place}lines")
        if "visits" in raw and _moment(visit.get("at")) is None:
            yield f"{place}at", "must be a moment with its zone, such as 2026-07-28T06:00:00Z"
    yield from _disordered(visits)


def _line_mistakes(lines: object, place: str) -> Iterator[tuple[str, str]]:
    if not (isinstance(lines, list) and all(isinstance(line, str) for line in lines)):
        yield place, "must be a list of texts"
    elif any("\n" in line for line in lines):
        yield place, "a line holds a line break; write its parts as lines of their own"
    elif sum(map(len, lines)) > VISIT_BYTES_LIMIT:
        yield place, f"holds more than {VISIT_BYTES_LIMIT} characters; split the visit"


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None


def _disordered(visits: Sequence[Raw]) -> Iterator[tuple[str, str]]:
    moments = [moment for visit in visits if (moment := _moment(visit.get("at")))]
    if any(later <= earlier for earlier, later in pairwise(moments)):
        yield "visits", "each visit must be later than the one before"


def _evidence_mistakes(raw: Raw) -> Iterator[tuple[str, str]]:
    count = sum(len(visit.lines) for visit in _visits(raw))
    if not count:
        yield "lines", "a case has at least one line"
    if "evidence" not in raw:
        return
    evidence = raw["evidence"]
    if raw.get("severity") is None:
        yield "evidence", "a quiet case has none; leave it out"
    elif not (isinstance(evidence, list) and all(_is_place(index, count) for index in evidence)):
        yield "evidence", f"must be a list of places of lines, 0 to {count - 1}"


def _is_place(index: object, count: int) -> bool:
    return isinstance(index, int) and not isinstance(index, bool) and 0 <= index < count


def _visits(raw: Raw) -> tuple[CaseVisit, ...]:
    visits = raw.get("visits", [{"lines": raw.get("lines")}])
    assert isinstance(visits, list)  # noqa: S101  # the shape was checked
    return tuple(CaseVisit(tuple(visit["lines"]), _moment(visit.get("at"))) for visit in visits)


def _make_case(suite: str, raw: Raw) -> Case:
    severity = Severity[str(raw["severity"])] if raw.get("severity") is not None else None
    visits = _visits(raw)
    every = range(sum(len(visit.lines) for visit in visits)) if severity else ()
    evidence = raw.get("evidence", every)
    assert isinstance(evidence, list | range | tuple)  # noqa: S101  # the shape was checked
    host = raw.get("host")
    return Case(
        suite=suite,
        id=str(raw["id"]),
        kind=str(raw.get("kind", "")),
        severity=severity,
        log=str(raw.get("log", DEFAULT_LOG)),
        visits=visits,
        evidence=frozenset(evidence),
        host=str(host) if host is not None else None,
    )
