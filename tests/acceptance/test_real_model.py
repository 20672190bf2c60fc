"""The program with a real model over the real wire, as its user runs it."""

from pathlib import Path

from tests.fixtures.program import Program
from tests.fixtures.real_model import KEY, NAME, RealModel

FAILED = "Nov 23 06:00:{:02d} web1 sshd[4242]: Failed password for root from 203.0.113.7 port 4000 ssh2\n"
PANIC = "Nov 23 06:00:30 web1 kernel: [1.0] Kernel panic - not syncing: Fatal exception\n"
ANSWER_SECONDS = 200.0  # more than a host's deadline


def configure(program: Program, model: RealModel, log: Path, key: str = KEY) -> None:
    if not program.hosts:
        program.add_this_machine(log, more=", probes: []")
    program.configure(
        f"ai: {{timeout: 140s, providers: [{{name: own, type: openai, url: '{model.base_url}', model: {NAME},"
        f" api_key: '{key}'}}]}}"
    )


def test_a_real_model_judges_a_run_within_its_bounds(program: Program, real_model: RealModel, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    configure(program, real_model, log)
    log.write_text("".join(map(FAILED.format, range(20))) + PANIC)
    (run,) = program.document("monitor", seconds=ANSWER_SECONDS)["runs"]
    assert run["judged_by"] == f"rules+own/{NAME}"
    assert (run["severity"], run["score"] <= 49) == ("CRITICAL", True)
    assert 100 + sum(reason["points"] for reason in run["reasons"]) == run["score"]
    assert min(run["usage"]["prompt"], run["usage"]["completion"]) > 0
    lines = set(log.read_text().splitlines())
    told = [finding for finding in run["findings"] if finding["source"] == "ai"]
    assert {evidence["line"] for finding in told for evidence in finding["evidence"]} <= lines
    assert all(finding["evidence"] for finding in told)


def test_a_real_model_is_tried_and_a_wrong_key_is_told(program: Program, real_model: RealModel, tmp_path: Path) -> None:
    configure(program, real_model, tmp_path / "auth.log")
    (good,) = program.document("ai", "test", seconds=ANSWER_SECONDS)["providers"]
    assert (good["ok"], good["model"], good["model_listed"], good["problem"]) == (True, NAME, True, None)
    assert min(good["tokens"], good["seconds"]) > 0
    configure(program, real_model, tmp_path / "auth.log", key="sk-wrong-0123456789abcdefghijkl")
    (bad,) = program.document("ai", "test", code=1)["providers"]
    assert not bad["ok"]
    assert "api_key" in bad["fix"]
