"""A rule that is emptied, however, makes the check of its pack fail: no rule stands without samples that need it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from dthostmon.rules import builtin_folder, check_packs, loading

PACKS = sorted(builtin_folder().glob("*.yaml"))
NEVER = "(?!)"


def nothing_matches(rule: dict[str, Any]) -> dict[str, Any]:
    return rule | {"match": NEVER}


def everything_matches(rule: dict[str, Any]) -> dict[str, Any]:
    return rule | {"match": "()"}


def nothing_is_contained(rule: dict[str, Any]) -> dict[str, Any]:
    return rule | {"contains": ["what no program says"]}


def nothing_is_said(rule: dict[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(rule)


def everything_is_gone(rule: dict[str, Any]) -> dict[str, Any]:
    return {}


def no_step_occurs(sequence: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for index, step in enumerate(sequence["steps"]):
        never = {"rules": ["smartd.failing"], "count": step.get("count", 1)}
        yield sequence | {"steps": [*sequence["steps"][:index], never, *sequence["steps"][index + 1 :]]}


MUTATIONS = (nothing_matches, everything_matches, nothing_is_contained, nothing_is_said, everything_is_gone)


@pytest.fixture
def quick_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read packs as JSON, and tell no places: thousands of packs are checked here."""
    monkeypatch.setattr(loading, "parse_document", lambda text: (json.loads(text), ()))
    monkeypatch.setattr(loading, "place", lambda *_: (1, 1))


def is_good(document: object, path: Path) -> bool:
    path.write_text(json.dumps(document))
    (check,) = check_packs([path])
    return not check.problems


def mutants(pack: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[tuple[str, object]]:
    for index, rule in enumerate(pack["rules"]):
        yield rule["id"], pack | {"rules": [*pack["rules"][:index], change(rule), *pack["rules"][index + 1 :]]}


def sequence_mutants(pack: dict[str, Any]) -> Iterator[tuple[str, object]]:
    sequences = pack.get("sequences") or []
    for index, sequence in enumerate(sequences):
        for changed in (*no_step_occurs(sequence), everything_is_gone(sequence)):
            yield sequence["id"], pack | {"sequences": [*sequences[:index], changed, *sequences[index + 1 :]]}


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("quick_yaml")
def test_each_builtin_rule_that_is_emptied_makes_the_check_fail(path: Path, tmp_path: Path) -> None:
    pack = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    mutant = tmp_path / path.name
    assert is_good(pack, mutant)
    for change in MUTATIONS:
        survivors = [name for name, changed in mutants(pack, change) if is_good(changed, mutant)]
        assert not survivors, f"{change.__name__}: the samples of these rules test nothing"
    survivors = [name for name, changed in sequence_mutants(pack) if is_good(changed, mutant)]
    assert not survivors, "the samples of these sequences test nothing"


@pytest.mark.usefixtures("quick_yaml")
def test_a_sequence_whose_step_never_occurs_makes_the_check_fail(tmp_path: Path) -> None:
    """Also while no builtin pack has a sequence."""
    texts = {"title": "title", "meaning": "meaning.", "recommended_action": "action."}
    rules = [
        texts
        | {"id": f"demo.{word}", "kind": word, "severity": "INFO", "programs": ["demo"], "fields": ["address"]}
        | {"match": rf"^{word} from (?P<address>\S+)", "contains": [word]}
        | {"samples": {"match": [f"{word} from 192.0.2.1"], "no_match": ["something else"]}}
        for word in ("knock", "enter")
    ]
    sequence = texts | {
        "id": "demo.entered",
        "kind": "entry",
        "severity": "CRITICAL",
        "within": "1h",
        "by": ["address"],
        "steps": [{"kinds": ["knock"], "count": 2}, {"rules": ["demo.enter"]}],
        "samples": {
            "match": [[*["demo: knock from 192.0.2.1"] * 2, "demo: enter from 192.0.2.1"]],
            "no_match": [["demo: knock from 192.0.2.1", "demo: enter from 192.0.2.1"]],
        },
    }
    pack = {"rules": rules, "sequences": [sequence]}
    assert is_good(pack, tmp_path / "demo.yaml")
    changed = [*sequence_mutants(pack)]
    assert len(changed) == 3
    assert not any(is_good(mutant, tmp_path / "demo.yaml") for _, mutant in changed)
