"""`dthostmon eval` as a user and a CI job call it."""

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.openai_stand_in import COMPLETION_TOKENS, PROMPT_TOKENS, REASONING_TOKENS, OpenAiStandIn
from tests.fixtures.program import Program
from tests.fixtures.stand_in import KEY, Hangs, Refuses, serving
from tests.integration.judge_checks import answer, claim

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


@pytest.fixture
def server(program: Program) -> Iterator[OpenAiStandIn]:
    """A model behind real HTTP, of which the configuration knows as `grok`."""
    stand_in = OpenAiStandIn()
    stand_in.text = answer(60, "WARN", [claim("E01")])
    with serving(stand_in):
        program.configure(
            f"ai: {{providers: [{{name: grok, type: openai, url: '{stand_in.url}', model: grok-4-fast,"
            f" api_key: '{KEY}', prices: {{input: 2, output: 10}}}}]}}"
        )
        yield stand_in


def test_a_model_is_measured_beside_the_rules(program: Program, suite: Path, server: OpenAiStandIn) -> None:
    alone = program.document("eval", "--suite", "demo.jsonl")
    document = program.document("eval", "--suite", "demo.jsonl", "--provider", "grok")
    assert document["judged_by"] == "rules+grok/grok-4-fast"
    assert {name: document[name] for name in alone} == alone | {"judged_by": document["judged_by"]}
    assert list(document["columns"]) == ["rules", "model", "combined"]
    assert document["columns"]["model"]["recall"]["WARN"] == {"found": 1, "total": 1, "share": 1.0}
    assert document["columns"]["combined"]["recall"] == alone["recall"]
    answers = document["answers"]
    assert [answers[name] for name in ("visits", "questions", "asked", "answered", "requests")] == [3, 1, 1, 1, 1]
    assert answers["schema_valid"]["share"] == 1
    assert (answers["seeds"], answers["agreement"]["share"], answers["max_tokens"]) == (1, None, 3_000_000)
    assert answers["tokens"]["total"] == PROMPT_TOKENS + COMPLETION_TOKENS + REASONING_TOKENS
    assert answers["cost"] > 0
    assert 0 < answers["seconds"]["p50"] <= answers["seconds"]["p95"]
    assert document["injection_pass"]["model"]["total"] == 0
    assert not (program.folder / "dthostmon.db").exists()


def test_three_columns_are_printed(program: Program, suite: Path, server: OpenAiStandIn) -> None:
    told = program.run("eval", "--suite", "demo.jsonl", "--provider", "grok", "--seeds", "2").stdout.decode()
    assert re.search(r"^ +rules +model +combined$", told, re.MULTILINE)
    assert re.search(r"^recall WARN or worse +(0\.500 \(1 of 2\) *){3}$", told, re.MULTILINE)
    assert "Asked: 1 of 1 questions (3 visits), answered 1" in told
    assert "Agreement: 1.000 (1 of 1)" in told
    assert re.search(r"^Tokens: [0-9,]+ of 3,000,000: prompt ", told, re.MULTILINE)


def test_the_builtin_suites_bring_lines_that_try_to_steer(program: Program, server: OpenAiStandIn) -> None:
    document = program.document("eval", "--provider", "grok", "--limit", "3")
    assert document["cases"] == 3
    assert document["injection_pass"]["combined"] == {"found": 3, "total": 3, "share": 1.0}
    assert document["injection_pass"]["model"]["found"] == 1  # it says WARN: too little for two of three


def test_the_bound_on_tokens_is_kept_and_told(program: Program, suite: Path, server: OpenAiStandIn) -> None:
    told = program.run("eval", "--suite", "demo.jsonl", "--provider", "grok", "--max-tokens", "100")
    assert b"Asked: 0 of 1 questions (3 visits), answered 0; not: budget 1" in told.stdout
    assert b"Tokens: 0 of 100:" in told.stdout
    assert b"Questions not asked: 1." in told.stderr
    assert server.requests == []


def test_a_provider_that_does_not_answer_ends_with_1(program: Program, suite: Path, server: OpenAiStandIn) -> None:
    server.plays(Refuses(401))
    told = program.run("eval", "--suite", "demo.jsonl", "--provider", "grok", code=1)
    assert b"Questions without an answer: 1 (auth 1)" in told.stderr
    assert b"Asked: 1 of 1 questions" in told.stdout


def test_what_cannot_be_asked_ends_with_2(program: Program, suite: Path) -> None:
    missing = program.run("eval", "--provider", "grok", code=2).stderr
    assert b"ai.providers" in missing
    assert b"config init" in missing
    assert b"--provider NAME" in program.run("eval", "--seeds", "2", code=2).stderr
    program.configure()
    assert b"no provider is configured" in program.run("eval", "--provider", "grok", code=2).stderr


def test_an_unknown_provider_is_told_with_those_that_are_known(
    program: Program, suite: Path, server: OpenAiStandIn
) -> None:
    told = program.run("eval", "--provider", "gork", code=2)
    assert b"no provider 'gork' under ai.providers; there is grok" in told.stderr
    assert told.stdout == b""


def test_an_interruption_prints_nothing_broken(program: Program, suite: Path, server: OpenAiStandIn) -> None:
    server.plays(Hangs())
    process = program.start("eval", "--suite", "demo.jsonl", "--provider", "grok", "--json")
    deadline = time.monotonic() + 30
    while not server.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (130, b"")
    assert b"Interrupted." in stderr
    assert b"Traceback" not in stderr
