"""The rule packs as a user sees them: listed, shown, tested, and a folder of one's own."""

import json
import signal
from pathlib import Path

import pytest

from dthostmon.rules import builtin_folder
from tests.fixtures.program import Program

PACK = """\
programs: [demo]
rules:
  - id: demo.broken
    kind: demo
    severity: CRITICAL
    contains: [" is broken"]
    match: '^(?P<part>[a-z]+) is broken'
    fields: [part]
    title: "the {part} is broken"
    meaning: A part is broken.
    recommended_action: Mend the {part}.
    samples:
      match: [the pump is broken]
      no_match: [the pump is not broken]
"""
GOOD_PACK = PACK.replace("[the pump is broken]", "[pump is broken]")
LINE = "Nov 23 06:00:00 here demo[7]: pump is broken\n"


@pytest.fixture
def folder(program: Program) -> Path:
    folder = program.folder / "own"
    folder.mkdir()
    program.configure("rules: {folders: [own]}")
    return folder


def test_rules_are_listed_and_shown(program: Program) -> None:
    listed = program.document("rules", "list")
    assert listed["refused"] == []
    rule = next(rule for rule in listed["rules"] if rule["id"] == "sshd.root-password-login")
    assert (rule["severity"], rule["benign"], rule["kind"]) == ("WARN", False, "root-login")
    assert isinstance(listed["sequences"], list)
    assert program.document("rules", "show", rule["id"]) == rule
    assert b"sshd.root-password-login" in program.run("rules", "list").stdout
    assert rule["meaning"].encode() in program.run("rules", "show", rule["id"]).stdout
    assert (
        b"did you mean 'sshd.root-password-login'"
        in program.run("rules", "show", "sshd.root-password-logins", code=2).stderr
    )


def test_the_builtin_packs_pass_their_test(program: Program) -> None:
    told = program.run("rules", "test").stdout.decode()
    document = program.document("rules", "test")
    assert len(told.splitlines()) == 1 + len(document["packs"]) == 1 + len([*builtin_folder().glob("*.yaml")])
    assert all(pack["samples"] >= 2 * pack["rules"] > 0 for pack in document["packs"])
    assert not any(pack["problems"] for pack in document["packs"])


def test_a_failing_sample_is_told_with_its_place(program: Program) -> None:
    pack = program.folder / "demo.yaml"
    pack.write_text(PACK)
    told = program.run("rules", "test", "demo.yaml", code=1)
    assert b"demo.yaml:13:15: rules.0.samples.match.0: should be decided by demo.broken" in told.stderr
    (checked,) = program.document("rules", "test", "demo.yaml", code=1)["packs"]
    assert (checked["rules"], checked["problems"][0]["line"]) == (1, 13)
    pack.write_text(GOOD_PACK)
    program.run("rules", "test", "demo.yaml")
    pack.write_text(GOOD_PACK.replace("demo.broken", "sshd.login"))
    assert b"is used by another rule" in program.run("rules", "test", "demo.yaml", code=1).stderr
    program.run("rules", "test", "no-such-file.yaml", code=2)


def test_packs_of_a_configured_folder_are_tested_listed_and_tried_first(program: Program, folder: Path) -> None:
    (folder / "demo.yaml").write_text(GOOD_PACK)
    assert program.document("rules", "list")["rules"][0]["id"] == "demo.broken"
    assert b"own/demo.yaml" in program.run("rules", "test").stdout
    (folder / "demo.yaml").write_text(PACK)
    assert b"own/demo.yaml:13:15:" in program.run("rules", "test", code=1).stderr
    assert b"own/demo.yaml:13:15:" in program.run("rules", "list", code=1).stderr
    assert b"a rule pack is refused" in program.run("monitor").stderr


def test_files_and_suites_are_judged_with_the_packs_of_the_configuration(program: Program, folder: Path) -> None:
    (program.folder / "app.log").write_text(LINE)
    assert program.document("analyze", "app.log")["findings"] == []
    (folder / "demo.yaml").write_text(GOOD_PACK)
    for named in ([], ["-c", "dthostmon.yaml"]):
        (finding,) = program.document(*named, "analyze", "app.log")["findings"]
        assert finding["rule"] == "demo.broken"
    case = {"id": "pump", "kind": "pump", "severity": "CRITICAL", "lines": [LINE.strip()]}
    (program.folder / "demo.jsonl").write_text(json.dumps(case))
    assert program.document("eval", "--suite", "demo.jsonl")["recall"]["CRITICAL"]["found"] == 1


def test_a_tested_file_may_name_what_the_configured_packs_have(program: Program, folder: Path) -> None:
    (folder / "demo.yaml").write_text(GOOD_PACK)
    program.run("rules", "test", "own/demo.yaml")
    copy = program.folder / "copy.yaml"
    copy.write_text(GOOD_PACK)
    told = program.run("rules", "test", "copy.yaml", code=1).stderr.decode()
    assert "'demo.broken' is used by another rule, in own/demo.yaml" in told
    clearing = "    cleared_by: {within: 5m, rules: [demo.broken]}\n    samples:"
    copy.write_text(GOOD_PACK.replace("id: demo.broken", "id: demo.torn").replace("    samples:", clearing))
    program.run("rules", "test", "copy.yaml")


def test_a_rule_is_shown_whole_and_a_slip_finds_its_own_pack(program: Program, folder: Path) -> None:
    more = """\
    group_by: [part]
    escalate: [{count: 5, within: 24h, severity: CRITICAL}]
    first: {by: [part], severity: WARN, learning: INFO}
    cleared_by: {kinds: [logger-started], within: 5m, by: [part]}
"""
    (folder / "demo.yaml").write_text(GOOD_PACK.replace("    title:", f"{more}    title:"))
    told = program.run("rules", "show", "demo.broken").stdout.decode()
    for words in (
        "Contains: ' is broken'",
        "One finding for each: part",
        "From 5 within 24h that agree in part: CRITICAL",
        "Never seen before with this part: WARN, while the host is learned INFO",
        "put right by logger-started within 5m, agreeing in part",
    ):
        assert words in told
    assert b"did you mean 'sudo." in program.run("rules", "show", "sudo.failed-login", code=2).stderr


def test_a_folder_that_is_none_is_a_problem_with_its_line(program: Program, folder: Path) -> None:
    program.run("config", "check")
    folder.rmdir()
    (problem,) = program.document("config", "check", code=2)["problems"]
    assert (problem["line"], problem["path"]) == (5, "rules.folders[0]")
    assert "is no folder" in problem["message"]
    program.run("monitor")


def test_the_daemon_reads_the_packs_again_on_sighup(program: Program, folder: Path) -> None:
    log = program.folder / "app.log"
    log.write_text("")
    program.add_this_machine(log, more=", probes: []")
    program.configure("rules: {folders: [own]}\nmonitoring: {interval: 10s}")
    with program.daemon() as daemon:
        daemon.wait_for(daemon.log, "a cycle ended")
        (folder / "demo.yaml").write_text(GOOD_PACK)
        (folder / "bad.yaml").write_text("rules: []")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for(daemon.log, "a rule pack is refused.*bad.yaml:1:")
        with log.open("a") as file:
            file.write(LINE)
        daemon.wait_for(daemon.log, "a cycle ended(?s:.*)a cycle ended")
        daemon.terminate()
    assert "demo.broken" in {finding["rule"] for finding in program.document("findings")}
