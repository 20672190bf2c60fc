"""The commands that need no host: what they print and how they end."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.program import COMMAND_SECONDS, Program
from tests.fixtures.sshd import make_key

BROKEN = """\
monitoring:
  intervall: 5m
  host_timeout: soon
ssh:
  passphrase: "${NO_SUCH_VARIABLE}"
hosts:
  - {name: web1, hostname: 192.0.2.1, site: nowhere}
  - {name: web2, hostname: 192.0.2.2, port: many}
  - {name: web1, hostname: 192.0.2.3}
"""

FAILED_LOGIN = "Nov 23 06:{:02d}:00 web1 sshd[4242]: Failed password for root from 203.0.113.7 port {} ssh2\n"


def test_config_check_lists_six_mistakes_with_their_lines(program: Program) -> None:
    program.configuration.write_text(BROKEN)
    done = program.run("config", "check", code=2)
    for line in (2, 3, 5, 7, 8, 9):
        assert f"dthostmon.yaml:{line}:".encode() in done.stderr, line
    assert b"did you mean 'interval'" in done.stderr
    assert len(program.document("config", "check", code=2)["problems"]) == 6


def test_run_and_monitor_refuse_a_broken_configuration(program: Program) -> None:
    program.configuration.write_text(BROKEN)
    for command in ("run", "monitor"):
        assert b"dthostmon.yaml:2:" in program.run(command, code=2).stderr
    assert not (program.folder / "dthostmon.db").exists()


@pytest.mark.parametrize("command", ["setup", "monitor"])
def test_where_no_host_is_watched_the_way_to_one_is_told(program: Program, command: str) -> None:
    program.configure()
    told = program.run("-c", "dthostmon.yaml", command).stderr
    assert b"no hosts are configured; `dthostmon -c dthostmon.yaml host add USER@HOST` adds one" in told
    program.add_this_machine("/etc/hosts", more=", enabled: false")
    program.configure()
    assert b"no host is enabled" in program.run(command).stderr


def test_config_check_names_each_key_that_keeps_from_logging_in(program: Program) -> None:
    key, bad = make_key(program.folder / "key"), program.folder / "none"
    program.hosts = [
        f"  - {{name: a, hostname: a, key: {key}, certificate: {bad}}}",
        f"  - {{name: b, hostname: b, key: {key}, agent: true, certificate: {bad}}}",
        f"  - {{name: c, hostname: c, key: {key}, config: {bad}}}",
        f"  - {{name: d, hostname: d, key: {bad}}}",
        f"  - {{name: e, hostname: e, key: {key}, jump: d}}",
        f"  - {{name: f, hostname: f, key: {bad}, certificate: {bad}, jump: gate}}",
    ]
    program.configure()
    done = program.run("config", "check", "--json", code=2, SSH_AUTH_SOCK="")
    before = program.configuration.read_text().splitlines().index("hosts:") + 1
    problems = {(one["path"], one["line"] - before) for one in json.loads(done.stdout)["problems"]}
    assert problems == {
        ("hosts[0].certificate", 1),
        ("hosts[1].agent", 2),
        ("hosts[1].certificate", 2),
        ("hosts[2].config", 3),
        ("hosts[3].key", 4),
        ("hosts[4].jump", 5),
        ("hosts[5].key", 6),
        ("hosts[5].certificate", 6),
    }


def test_a_first_configuration_is_written_checked_and_never_overwritten(program: Program) -> None:
    program.run("config", "init")
    assert program.configuration.stat().st_mode & 0o777 == 0o600
    program.run("config", "check")
    before = program.configuration.read_text()
    program.run("config", "init", code=2)
    assert program.configuration.read_text() == before


def test_a_first_configuration_is_written_where_c_says(program: Program) -> None:
    program.run("-c", "elsewhere.yaml", "config", "init")
    assert [path.name for path in program.folder.iterdir()] == ["elsewhere.yaml"]


def test_config_show_masks_secrets_and_tells_origins(program: Program) -> None:
    program.add_this_machine()
    program.configure('ssh: {passphrase: "very-secret"}')
    shown = program.run("config", "show")
    assert b"very-secret" not in shown.stdout + shown.stderr
    values = {value["path"]: value for value in program.document("config", "show")}
    assert values["ssh.passphrase"]["origin"].startswith("dthostmon.yaml:")
    assert values["monitoring.interval"]["origin"] == "default"


def test_no_configuration_says_where_it_was_looked_for(program: Program) -> None:
    assert b"config init" in program.run("monitor", code=2).stderr


def test_an_unknown_command_is_a_usage_error(program: Program) -> None:
    program.run("monitro", code=2)


@pytest.mark.parametrize("arguments", [("--help",), ("config", "schema"), ("logs", "--help")])
def test_a_reader_that_left_is_no_error(program: Program, arguments: tuple[str, ...]) -> None:
    for redirection in ("| true", ">&-"):
        script = f'{{ "$@"; echo "exit $?" >&2; }} {redirection}'
        done = subprocess.run(
            ["sh", "-c", script, "sh", *program.command, *arguments],
            cwd=program.folder,
            env=program.environment,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=True,
        )
        assert done.stderr == b"exit 0\n"


def test_what_is_normal_is_marked_and_what_was_not_is_said(program: Program) -> None:
    log = program.folder / "app.log"
    log.write_text("Nov 23 06:00:00 here demod[7]: all is well\n")
    program.add_this_machine(log, more=", probes: []")
    program.configure()
    program.run("monitor")
    (template,) = [one["id"] for one in program.document("analyze", "app.log")["templates"]]

    def told(*arguments: str, code: int = 0) -> bytes:
        return program.run("baseline", "normal", "here", *arguments, code=code).stderr

    assert b"was not normal anyway" in told(template, "--undo")
    assert b"is normal until" in told(template)
    assert b"is not normal any more" in told(template, "--undo")
    assert b"never wrote a message of template t-0123456789ab" in told("t-0123456789ab", code=2)
    assert b"t- and 12 of 0-9a-f" in told("all is well", code=2)
    assert b"a moment to come" in told(template, "--until", "90", code=2)


def test_analyze_needs_no_configuration_and_assigns_every_line(program: Program, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    text = "".join(FAILED_LOGIN.format(minute, 40000 + minute) for minute in range(20)) + "\nan unfinished line"
    log.write_text(text)
    document = json.loads(program.run("analyze", "--json", "--assign", str(log)).stdout)
    assert document["lines"] == len(document["assign"]) == 22
    assert {entry["rule"] for entry in document["assign"][:20]} == {"sshd.failed-password"}
    [finding] = document["findings"]
    assert (finding["rule"], finding["count"], finding["severity"]) == ("sshd.failed-password", 20, "WARN")
    known = {template["id"] for template in document["templates"]} | {None}
    assert {entry["template"] for entry in document["assign"]} <= known
    assert not list(program.folder.iterdir())


def test_analyze_reads_several_files_as_one_hosts_logs(program: Program, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text("".join(FAILED_LOGIN.format(minute, 40000 + minute) for minute in range(3)))
    document = program.document("analyze", str(tmp_path / "one"), str(tmp_path / "two"))
    assert document["lines"] == 6
    [finding] = document["findings"]
    assert (finding["count"], finding["severity"]) == (6, "WARN")


def test_an_empty_file_has_no_lines(program: Program, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert program.document("analyze", str(tmp_path / "empty")) == {"lines": 0, "templates": [], "findings": []}


@pytest.mark.parametrize("arguments", [("analyze",), ("analyze", "/none"), ("analyze", "--assign", "/etc/passwd")])
def test_analyze_refuses_what_it_cannot_read(program: Program, arguments: tuple[str, ...]) -> None:
    program.run(*arguments, code=2)


def test_the_database_commands_tell_and_prune(program_on_both: Program) -> None:
    program = program_on_both
    program.add_this_machine()
    program.configure()
    assert b"upgraded" in program.run("db", "upgrade").stdout
    assert b"upgraded" not in program.run("db", "upgrade").stdout
    program.document("monitor")
    assert program.document("db", "stats")["rows"]["runs"] == 1
    assert b"deleted 0 runs" in program.run("db", "prune").stdout


def test_stored_lines_are_one_document(program: Program, tmp_path: Path) -> None:
    (tmp_path / "app.log").write_bytes(b"one\n\x1b[31mtwo \xff\nthree")
    program.add_this_machine(tmp_path / "app.log", more=", probes: []")
    program.configure()
    program.document("monitor")
    document = program.document("logs", "here", "--grep", "o")
    assert document["host"] == "here"
    assert [line["line"] for line in document["lines"]] == ["one", "\x1b[31mtwo \\xff"]
    assert {line["path"] for line in document["lines"]} == {str(tmp_path / "app.log")}
    assert all(line["read_at"].endswith("Z") for line in document["lines"])
    program.run("logs", "here", "--raw", "--json", code=2)


def test_keys_are_listed_without_their_secrets(program: Program) -> None:
    program.configure()
    made = program.document("key", "create", "grafana", "--scope", "read", "--expires", "30d")
    assert made.keys() == {"name", "scope", "expires_at", "key"}
    listed = program.run("key", "list", "--json").stdout
    assert made["key"].encode() not in listed
    [key] = json.loads(listed)
    assert (key["name"], key["scope"], key["revoked_at"]) == ("grafana", "read", None)
    program.run("key", "create", "grafana", "--scope", "read", code=1)
    program.run("key", "revoke", "grafana")
    program.run("key", "revoke", "grafana", code=2)
    program.run("key", "create", "x", "--scope", "read", "--expires", "soon", code=2)
    assert b"control character" in program.run("key", "create", "x\n\x1b", "--scope", "read", code=2).stderr


def test_hosts_are_listed_with_unknown_scores_as_null(program: Program) -> None:
    program.add_this_machine()
    program.configure()
    [host] = program.document("host", "list")
    assert (host["name"], host["score"], host["status"]) == ("here", None, None)
