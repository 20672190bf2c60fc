"""Suites: what a case may say, and how each mistake is told."""

import json
from pathlib import Path

import pytest

from dthostmon.errors import SuiteError
from dthostmon.evaluation import builtin_suites, read_suites
from dthostmon.model import Severity

QUIET = {"id": "quiet", "lines": ["a", "b"]}
INCIDENT = {"id": "bad", "kind": "trouble", "severity": "WARN", "os": "rhel", "lines": ["a", "b", "c"], "evidence": [1]}
LATER = {
    "id": "slow",
    "visits": [{"at": "2026-07-28T06:00:00Z", "lines": []}, {"at": "2026-07-29T06:00:00Z", "lines": ["a"]}],
}


def written(folder: Path, *cases: object, name: str = "demo.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(f"{case if isinstance(case, str) else json.dumps(case)}\n" for case in cases))
    return path


def test_cases_are_read_with_their_labels(tmp_path: Path) -> None:
    quiet, incident, slow = read_suites([written(tmp_path, QUIET, "", INCIDENT, LATER)])
    assert (quiet.suite, quiet.severity, quiet.quiet_lines, quiet.log) == ("demo", None, 2, "/var/log/syslog")
    assert (incident.severity, incident.evidence, incident.quiet_lines) == (Severity.WARN, {1}, 2)
    assert [visit.lines for visit in slow.visits] == [(), ("a",)]
    whole = {key: value for key, value in INCIDENT.items() if key != "evidence"}
    (case,) = read_suites([written(tmp_path, whole)])
    assert case.evidence == {0, 1, 2}
    (silence,) = read_suites([written(tmp_path, whole | {"evidence": []})])
    assert (silence.evidence, silence.quiet_lines) == (frozenset(), 3)


def changed(case: dict[str, object], **changes: object) -> dict[str, object]:
    return case | changes


MISTAKES = {
    "no JSON": ("{", "this is no JSON"),
    "no object": ("[]", "a case is an object"),
    "an unknown key": (changed(QUIET, sevrity="WARN"), "unknown key"),
    "no id": ({"lines": ["a"]}, "must be a text"),
    "a severity that is none": (changed(INCIDENT, severity="HIGH"), "must be one of INFO, WARN, CRITICAL"),
    "an incident without a kind": (changed(INCIDENT, kind=None), "must be a text"),
    "a log outside of the folder": (changed(QUIET, log="/var/../../etc/passwd"), "plain path"),
    "a log that is a pattern": (changed(QUIET, log="/var/log/*.log"), "plain path"),
    "no lines": (changed(QUIET, lines=[]), "at least one line"),
    "lines that are no texts": (changed(QUIET, lines=[1]), "list of texts"),
    "a line that is two": (changed(QUIET, lines=["a\nb"]), "line break"),
    "too many lines": (changed(QUIET, lines=["a" * 1000] * 1100), "split the visit"),
    "neither lines nor visits": ({"id": "a"}, "either 'lines' or 'visits'"),
    "both": (changed(LATER, id="both", lines=["a"]), "either 'lines' or 'visits'"),
    "no visit": ({"id": "a", "visits": []}, "at least one"),
    "a visit without a moment": ({"id": "a", "visits": [{"lines": ["a"]}]}, "with its zone"),
    "a moment without a zone": ({"id": "a", "visits": [{"at": "2026-07-28", "lines": ["a"]}]}, "with its zone"),
    "visits that go back": (
        changed(LATER, id="back", visits=[*LATER["visits"], *LATER["visits"]]),
        "later than the one before",
    ),
    "evidence of a quiet case": (changed(QUIET, evidence=[0]), "a quiet case has none"),
    "evidence that is no line": (changed(INCIDENT, evidence=[3]), "0 to 2"),
    "evidence that is a truth": (changed(INCIDENT, evidence=[True]), "0 to 2"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line(mistake: str, tmp_path: Path) -> None:
    case, words = MISTAKES[mistake]
    path = written(tmp_path, LATER, case)
    with pytest.raises(SuiteError) as caught:
        read_suites([path])
    assert [(problem.where, problem.line) for problem in caught.value.problems] == [(str(path), 2)]
    assert words in str(caught.value)


def test_all_mistakes_of_all_suites_are_told_at_once(tmp_path: Path) -> None:
    first = written(tmp_path, "{", QUIET, QUIET)
    second = written(tmp_path, changed(INCIDENT, severity="HIGH", log="syslog"), name="other.jsonl")
    with pytest.raises(SuiteError) as caught:
        read_suites([first, second])
    assert [(problem.line, problem.path) for problem in caught.value.problems] == [
        (1, ""),
        (3, "id"),
        (1, "severity"),
        (1, "log"),
    ]


@pytest.mark.parametrize("content", [b"\xff\n", None])
def test_a_file_that_cannot_be_read_is_told(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SuiteError, match="cannot be read"):
        read_suites([path])


def test_the_builtin_suites_can_be_read() -> None:
    read_suites(builtin_suites())
