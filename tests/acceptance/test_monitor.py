"""`dthostmon monitor` over real sshds: what a user sees of hosts that answer and of one that does not."""

from collections.abc import Callable
from pathlib import Path

from tests.fixtures.program import Program
from tests.fixtures.sshd import SshServer, trust

Start = Callable[..., SshServer]

FAILED_LOGIN = "Nov 23 06:{:02d}:00 web1 sshd[4242]: Failed password for root from 203.0.113.7 port {} ssh2\n"
QUIET = "Nov 23 06:00:00 web1 CRON[77]: (root) CMD (run-parts /etc/cron.hourly)\n"


def make_log(server: SshServer, text: str = QUIET) -> Path:
    log = server.root / "auth.log"
    log.write_text(text)
    return log


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_two_hosts_are_checked_and_a_stopped_one_is_told(sshd: Start, program: Program) -> None:
    servers = [sshd(name=f"web{number}") for number in (1, 2, 3)]
    for server in servers:
        program.add_host(server, make_log(server))
    program.configure()
    servers[2].stop()
    document = program.document("monitor", code=1)

    assert (document["cycle"]["hosts"], document["cycle"]["ok"], document["cycle"]["failed"]) == (3, 2, 1)
    runs = {run["host"]: run for run in document["runs"]}
    for name in ("web1", "web2"):
        run = runs[name]
        assert (run["status"], run["error"], run["error_kind"]) == ("ok", None, None)
        assert 0 <= run["metrics"]["memory_percent"] <= 100
        assert run["metrics"]["cpu_percent"] is not None
        assert run["logs"][0]["bytes_appeared"] == run["logs"][0]["bytes_analysed"] == len(QUIET)
        assert run["judged_by"] == "rules"
        assert run["score"] == 100 + sum(reason["points"] for reason in run["reasons"])
    failed = runs["web3"]
    assert (failed["status"], failed["error_kind"], failed["score"]) == ("failed", "refused", None)
    assert "127.0.0.1" in failed["error"]


def test_the_document_has_the_fields_that_scripts_rely_on(sshd: Start, program: Program) -> None:
    server = sshd()
    program.add_host(server, make_log(server, "".join(FAILED_LOGIN.format(n, 4000 + n) for n in range(20))))
    program.configure()
    [run] = program.document("monitor")["runs"]
    assert run.keys() >= {
        *("host", "site", "status", "error", "error_kind", "score", "reasons", "severity", "judged_by", "summary"),
        *("recommendations", "findings", "changes", "logs", "metrics"),
    }
    finding = next(finding for finding in run["findings"] if finding["rule"] == "sshd.failed-password")
    assert finding.keys() >= {
        *("id", "kind", "severity", "title", "source", "rule", "count", "evidence", "recommended_action"),
    }
    assert finding["evidence"][0].keys() >= {"path", "line"}
    assert run["logs"][0].keys() >= {
        *("path", "bytes_appeared", "bytes_analysed", "bytes_skipped", "skip_reason", "lines", "rotated"),
    }
    assert run["metrics"].keys() >= {"cpu_percent", "memory_percent", "load1", "disks"}


def test_twenty_failed_logins_raise_a_finding_and_lower_the_score(sshd: Start, program: Program) -> None:
    server = sshd()
    log = make_log(server)
    program.add_host(server, log)
    program.configure()
    [before] = program.document("monitor")["runs"]
    append(log, "".join(FAILED_LOGIN.format(minute, 40000 + minute) for minute in range(20)))
    [after] = program.document("monitor")["runs"]

    [finding] = [one for one in after["findings"] if one["rule"] == "sshd.failed-password"]
    assert (finding["count"], finding["severity"], finding["source"]) == (20, "WARN", "rule")
    assert "root" in finding["title"]
    assert finding["evidence"]
    for evidence in finding["evidence"]:
        assert evidence["line"] in log.read_text()
    assert after["score"] < before["score"]
    assert after["score"] == 100 + sum(reason["points"] for reason in after["reasons"])
    stored = program.document("findings", "web1")
    assert [one["id"] for one in stored if one["rule"] == "sshd.failed-password"] == [finding["id"]]


def test_the_table_of_a_terminal_names_every_host(sshd: Start, program: Program) -> None:
    server = sshd()
    program.add_host(server, make_log(server))
    program.configure()
    done = program.run("monitor")
    assert b"web1" in done.stdout
    assert b"Hosts: 1 ok, 0 failed" in done.stdout


def test_a_changed_host_key_is_critical_and_nothing_is_read(sshd: Start, program: Program) -> None:
    server, other = sshd(name="web1"), sshd(name="other")
    program.add_host(server, make_log(server))
    program.configure()
    trust(server, other.folder / "host_key")
    [run] = program.document("monitor", code=1)["runs"]
    assert (run["error_kind"], run["severity"], run["score"], run["logs"]) == ("host-key-changed", "CRITICAL", None, [])
    assert run["error"].count("SHA256:") == 2


def test_a_key_that_others_can_read_fails_its_host_and_no_other(sshd: Start, program: Program) -> None:
    good, bad = sshd(name="good"), sshd(name="bad")
    bad.key.chmod(0o644)
    for server in (good, bad):
        program.add_host(server, make_log(server))
    program.configure()
    runs = {run["host"]: run for run in program.document("monitor", code=1)["runs"]}
    assert runs["good"]["status"] == "ok"
    assert runs["bad"]["error_kind"] == "auth"
    assert "chmod 600" in runs["bad"]["error"]
    [problem] = program.document("config", "check", code=2)["problems"]
    line = 1 + program.configuration.read_text().splitlines().index(program.hosts[1])
    assert (problem["path"], problem["line"]) == ("hosts[1].key", line)
    assert "chmod 600" in problem["message"]


def test_monitor_takes_names_sites_and_tags(sshd: Start, program: Program) -> None:
    server = sshd()
    log = make_log(server)
    program.add_host(server, log, name="one", more=", site: here, tags: [web]")
    program.add_host(server, log, name="two", more=", tags: [db]")
    program.configure("sites: {here: {}}")
    assert [run["host"] for run in program.document("monitor", "two")["runs"]] == ["two"]
    assert [run["host"] for run in program.document("monitor", "--site", "here")["runs"]] == ["one"]
    assert [run["host"] for run in program.document("monitor", "--tag", "db")["runs"]] == ["two"]
    assert b"twoo" in program.run("monitor", "twoo", code=2).stderr
    assert b"did you mean 'here'" in program.run("monitor", "--site", "her", code=2).stderr


def test_how_a_host_was_is_told_from_what_was_stored(sshd: Start, program: Program) -> None:
    server = sshd(name="web1")
    program.add_host(server, make_log(server))
    program.configure()
    runs = [program.document("monitor")["runs"][0] for _ in range(2)]
    document = program.document("history", "web1", "--days", "1")
    assert document.keys() == {"host", "since", "until", "step_s", "points"}
    assert sum(point["runs"] for point in document["points"]) == 2
    last = document["points"][-1]
    assert (last["at"], last["failed"]) == (runs[1]["started_at"], 0)
    assert last["score"] == min(run["score"] for run in runs[-last["runs"] :])
    metrics = runs[1]["metrics"]
    assert {disk["mount"] for disk in last["disks"]} == {disk["mount"] for disk in metrics["disks"]}
    assert metrics["memory_total"] > metrics["memory_available"] > 0
    assert metrics["open_files"] > 0
