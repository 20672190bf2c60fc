"""`dthostmon eval` as a user and a CI job call it."""

import json
import re
from pathlib import Path

import pytest

from tests.fixtures.program import Program

SEGFAULT = (
    "Jul 28 05:01:59 web1 kernel: [815112.004] app[30112]: segfault at 7f21c8 ip 000055d0c1a2 sp 00007ffd2f10 error 4"
)
CASES = [
    {"id": "segv", "kind": "segfault", "severity": "WARN", "lines": [f"{SEGFAULT} in app[55d0c1400000+3c1000]"]},
    {"id": "odd", "kind": "odd words", "severity": "CRITICAL", "lines": ["Jul 28 05:02:00 web1 oddd[7]: all is lost"]},
    {"id": "cron", "lines": ["Jul 28 05:02:01 web1 CRON[77]: (root) CMD (true)"] * 20},
]


BASELINE = Path(__file__).parents[1] / "testdata" / "accuracy" / "baseline.json"


def test_no_figure_of_the_suites_is_worse_than_it_was(program: Program) -> None:
    """A change for the better is recorded there too: `dthostmon eval --json`, without its lists of cases."""
    program.run("eval", "--baseline", str(BASELINE))


@pytest.fixture
def suite(program: Program) -> Path:
    return write(program.folder / "demo.jsonl", *CASES)


def write(path: Path, *cases: object) -> Path:
    path.write_text("".join(f"{json.dumps(case)}\n" for case in cases))
    return path


def test_a_suite_is_measured(program: Program, suite: Path) -> None:
    document = program.document("eval", "--suite", "demo.jsonl")
    assert (document["cases"], document["incidents"]) == (3, 2)
    assert document["recall"]["WARN"] == {"found": 1, "total": 1, "share": 1.0}
    assert document["recall"]["CRITICAL"]["share"] == 0
    assert [miss["id"] for miss in document["misses"]] == ["odd"]
    assert document["false_alarms"]["per_1000_quiet_lines"] == document["false_alarms"]["per_host_day"] == 0
    assert document["evidence_precision"]["share"] == 1
    told = program.run("eval", "--suite", "demo.jsonl").stdout.decode()
    assert "missed demo/odd (odd words, CRITICAL): nothing" in told
    assert not (program.folder / "dthostmon.db").exists()


def test_a_figure_worse_than_the_baseline_ends_with_1(program: Program, suite: Path) -> None:
    baseline = program.folder / "before.json"
    baseline.write_bytes(program.run("eval", "--suite", "demo.jsonl", "--json").stdout)
    good = program.run("eval", "--suite", "demo.jsonl", "--baseline", "before.json")
    assert b"No figure is worse" in good.stderr
    assert re.search(rb"all +1 +2 +0\.500 ", good.stdout)
    write(suite, CASES[0] | {"lines": ["Jul 28 05:01:59 web1 appd[7]: it is raining"]}, *CASES[1:])
    told = program.run("eval", "--suite", "demo.jsonl", "--baseline", "before.json", code=1)
    assert b"worse than the baseline: recall WARN: 0.000, was 1.000" in told.stderr


def test_what_cannot_be_used_ends_with_2(program: Program, suite: Path) -> None:
    write(suite, *CASES, CASES[0] | {"severity": "HIGH"}, {"id": "none"})
    told = program.run("eval", "--suite", "demo.jsonl", code=2).stderr
    for place in (b"demo.jsonl:4:1: severity:", b"demo.jsonl:4:1: id:", b"demo.jsonl:5:1: lines:"):
        assert place in told
    assert b"not available yet" in program.run("eval", "--provider", "grok", code=2).stderr
    (program.folder / "old.json").write_text("{}")
    assert b"holds no figures" in program.run("eval", "--suite", "demo.jsonl", "--baseline", "old.json", code=2).stderr
    program.run("eval", "--suite", "none.jsonl", code=2)
    write(suite)
    assert b"demo.jsonl: no cases" in program.run("eval", "--suite", "demo.jsonl", code=2).stderr


def test_a_baseline_of_other_cases_ends_with_1(program: Program, suite: Path) -> None:
    baseline = program.folder / "before.json"
    baseline.write_bytes(program.run("eval", "--suite", "demo.jsonl", "--json").stdout)
    write(suite, CASES[2])
    told = program.run("eval", "--suite", "demo.jsonl", "--baseline", "before.json", code=1)
    assert b"not to be compared with the baseline: by_kind segfault: is gone" in told.stderr
    assert b"Evidence precision: - (0 of 0 lines)" in told.stdout
    document = program.document("eval", "--suite", "demo.jsonl", "--baseline", "before.json", code=1)
    assert (document["worse"], bool(document["incomparable"])) == ([], True)
