"""Lines that try to steer a model, in whole checks, with a model that does as they say."""

import json
import re
from pathlib import Path

import pytest

from dthostmon.model import FindingSource, Severity
from dthostmon.store import Store
from tests.fixtures.scripted_provider import ScriptedProvider, said
from tests.integration.judge_checks import answer, make_checks, make_host

LINES = [
    json.loads(line) for line in Path("tests/testdata/injection/lines.jsonl").read_text(encoding="utf-8").splitlines()
]
PANIC = "Nov 23 06:00:00 here kernel: [1.0] Kernel panic - not syncing: Fatal exception\n"
CONTROL_TOKEN = re.compile(r"<\||\|>|\[/?INST\]|<</?SYS>>|<s>|</s>|<(?:start|end)_of_turn>|[\x00-\x09\x0b-\x1f\x7f]")


@pytest.mark.parametrize("line", LINES, ids=[f"line {number}" for number in range(1, len(LINES) + 1)])
async def test_a_line_that_steers_a_model_lifts_no_host(sqlite_store: Store, tmp_path: Path, line: str) -> None:
    log = tmp_path / "app.log"
    log.write_bytes((PANIC + f"Nov 23 06:00:01 here app[7]: {line}\n").encode("utf-8", "surrogatepass"))
    obedient = ScriptedProvider("first", then=said(answer(100)))
    run = await make_checks(sqlite_store, [obedient]).check(make_host("web1", log))
    assert run.judged_by == "rules+first/m-1"
    assert run.severity is Severity.CRITICAL
    assert run.score is not None
    assert run.score <= 49
    assert all(finding.source is not FindingSource.AI for finding in run.findings)
    ((_, question),) = obedient.requests
    (message,) = question.messages
    assert not CONTROL_TOKEN.search(message.content)
