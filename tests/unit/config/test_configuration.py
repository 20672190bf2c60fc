"""What comes out: effective hosts, warnings, values with their origins."""

from pathlib import Path

import pytest

from dthostmon.config import effective_values, find_file
from dthostmon.config.inheritance import INHERITED
from dthostmon.config.models import ALL_PROBES, Overrides
from dthostmon.errors import ConfigurationError, NotFoundError
from dthostmon.model import Expectation, Levels, Severity, SshAccess, Sustain, ThingKind, TransportKind

FLEET = """\
    monitoring: {interval: 1h}
    ssh: {user: monitor, key: ~/.ssh/fleet, passphrase: "${KEY_PASSPHRASE}"}
    logs: [/var/log/syslog]
    thresholds: {disk: {warn: 70}, failed_logins: 9}
    sites:
      chicago: {port: 2222, user: ops, interval: 10m, thresholds: {disk: {critical: 85}, cpu: {info: null}}}
      empty:
    hosts:
      - {name: web1, hostname: 192.0.2.10, site: chicago, tags: [web], user: root, thresholds: {disk: {warn: 60}}}
      - {name: web2, hostname: web2.example.org, site: empty, logs: [/var/log/a, "/var/log/b/*.log"], enabled: false}
      - {name: here, transport: local, interval: 30s}
    """
SECRETS = {"KEY_PASSPHRASE": "hunter2", "HOME": "/home/ada"}


def test_a_host_stands_over_its_site_and_the_site_over_all(read):
    web1, web2, here = read(FLEET, SECRETS).hosts
    assert web1.ssh == SshAccess(
        hostname="192.0.2.10",
        port=2222,
        user="root",
        key="/home/ada/.ssh/fleet",
        passphrase=SECRETS["KEY_PASSPHRASE"],
        known_hosts="/home/ada/.ssh/known_hosts",
        connect_timeout=10,
        retries=(1, 2, 4),
    )
    assert (web1.interval, web2.interval, here.interval) == (600, 3600, 30)
    assert (web1.logs, web2.logs) == (("/var/log/syslog",), ("/var/log/a", "/var/log/b/*.log"))
    assert (web1.enabled, web2.enabled) == (True, False)
    assert (here.transport, here.ssh, here.address) == (TransportKind.LOCAL, None, "this machine")
    assert here.probes == ALL_PROBES


def test_thresholds_merge_key_by_key_and_null_switches_a_level_off(read):
    web1, web2, _ = read(FLEET, SECRETS).hosts
    assert web1.thresholds.disk == Levels(None, 60, 85)
    assert web1.thresholds.cpu == Levels(None, 80, 95, Sustain(2, 3))
    assert web2.thresholds.disk == Levels(None, 70, 90)
    assert (web2.thresholds.cpu, web2.thresholds.failed_logins) == (Levels(60, 80, 95, Sustain(2, 3)), 9)


MOUNTS = """
    thresholds: {disk: {warn: 70, mounts: {/backup: {warn: 95, critical: 98}, "/mnt/*": {critical: null}}}}
    sites: {lab: {thresholds: {disk: {sustain: {cycles: 2, of: 5}, mounts: {/backup: {warn: 96}}}}}}
    hosts:
      - {name: a, hostname: a, site: lab, thresholds: {disk: {mounts: {/srv: {info: 50}}}}}
      - {name: b, hostname: b, thresholds: {cpu: {sustain: {of: 4}}}}
    """


def test_mounts_have_levels_of_their_own_and_what_they_leave_out_is_that_of_all_disks(read):
    a, b = read(MOUNTS, SECRETS).hosts
    lasting = Sustain(2, 5)
    assert a.thresholds.of_mount("/backup") == Levels(None, 96, 98, lasting)
    assert a.thresholds.of_mount("/srv") == Levels(50, 70, 90, lasting)
    assert a.thresholds.of_mount("/mnt/x") == Levels(None, 70, None, lasting)
    assert a.thresholds.of_mount("/var") == a.thresholds.disk == Levels(None, 70, 90, lasting)
    assert b.thresholds.of_mount("/backup") == Levels(None, 95, 98)
    assert (b.thresholds.cpu.sustain, b.thresholds.memory.sustain) == (Sustain(2, 4), Sustain(1, 1))


def test_the_levels_of_a_mount_are_shown_with_their_origin(read):
    configuration = read(MOUNTS, SECRETS)
    shown = {value.path: (value.text, value.origin) for value in effective_values(configuration, "a")}
    assert shown["thresholds.disk.mounts./backup.warn"] == ("96", "site lab (dthostmon.yaml:3)")
    assert shown["thresholds.disk.mounts./backup.critical"] == ("98", "dthostmon.yaml:2")
    assert shown["thresholds.disk.mounts./srv.info"] == ("50", "dthostmon.yaml:5")
    assert "thresholds.disk.mounts./srv.warn" not in shown


def test_how_much_changes_matter_merges_and_what_is_expected_is_replaced(read):
    text = """
        changes: {port.opened: INFO, key.added: CRITICAL}
        expect: [{kind: port, subject: "*:80*", why: tests}]
        sites: {lab: {changes: {port.opened: CRITICAL}}}
        hosts:
          - {name: a, hostname: a, site: lab}
          - {name: b, hostname: b, expect: [{subject: "*"}], changes: {user.added: INFO}}
        """
    a, b = read(text, SECRETS).hosts
    assert a.changes.severities == {"port.opened": Severity.CRITICAL, "key.added": Severity.CRITICAL}
    assert a.changes.expectations == (Expectation(ThingKind.PORT, "*:80*", "tests"),)
    assert b.changes.severities["user.added"] is Severity.INFO
    assert b.changes.expectations == (Expectation(None, "*", ""),)


def test_every_key_that_may_be_overridden_has_a_global_one():
    assert set(INHERITED) == set(Overrides.model_fields)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (
            "{disk: {mounts: {/srv: {warn: 95}}}}",
            "disk.mounts./srv",
            "info None, warn 95.0, critical 90.0: expected rising percentages",
        ),
        ("{cpu: {sustain: {cycles: 4}}}", "cpu.sustain", "cycles 4, of 3: expected cycles to be no more than of"),
        ("{cpu: {sustain: {of: 21}}}", "cpu.sustain.of", "found 21; expected a number from 1 to 20"),
        ("{disk: {mounts: {srv: {warn: 95}}}}", "disk.mounts.srv", "expected the path of a mount"),
    ],
)
def test_thresholds_that_cannot_be_are_refused(refuse, text, path, message):
    (problem,) = refuse(f"thresholds: {text}\n")
    assert problem.path == f"thresholds.{path}"
    assert message in problem.message


def test_merged_thresholds_must_rise(refuse):
    (problem,) = refuse("thresholds: {disk: {warn: 70, critical: 75}}\nsites:\n  a: {thresholds: {disk: {warn: 80}}}\n")
    assert (problem.line, problem.path) == (3, "sites.a.thresholds.disk")
    assert problem.message == "info None, warn 80.0, critical 75.0: expected rising percentages"


def test_an_unknown_host_is_answered_with_the_nearest_name(read):
    configuration = read(FLEET, SECRETS)
    assert configuration.host("web2").name == "web2"
    with pytest.raises(NotFoundError, match="no host 'wbe1'; did you mean 'web1'"):
        configuration.host("wbe1")
    with pytest.raises(NotFoundError, match="known are web1, web2, here"):
        configuration.host("zzz")


def test_a_file_without_hosts_is_a_warning(read):
    (warning,) = read("hosts: []").warnings
    assert (warning.line, warning.path) == (1, "hosts")


def test_a_log_that_takes_a_command_is_never_read_without_a_shell(read):
    text = """\
        logs: [/var/log/syslog, "journal:"]
        hosts:
          - {name: web1, hostname: web1, transport: sftp}
          - {name: web2, hostname: web2, transport: sftp}
          - {name: web3, hostname: web3, transport: sftp, logs: ["docker:*", /var/log/a]}
          - {name: web4, hostname: web4}
        """
    warnings = {warning.path: (warning.line, warning.message) for warning in read(text).warnings}
    assert {path: line for path, (line, _) in warnings.items()} == {"logs[1]": 1, "hosts[2].logs[0]": 5}
    assert "'journal:' takes a command" in warnings["logs[1]"][1]
    assert "never read on web1 and 1 more" in warnings["logs[1]"][1]
    assert "never read on web3" in warnings["hosts[2].logs[0]"][1]


@pytest.mark.parametrize(
    "text",
    [
        "ssh:\n  passphrase: hunter2\n",
        "database:\n  url: postgresql://u:hunter2@h/d\n",
        "sites:\n  a: {passphrase: hunter2}\n",
    ],
)
def test_a_literal_secret_in_a_file_that_others_can_read_is_a_warning(read, text):
    text += "hosts: [{name: a, hostname: a}]\n"
    (warning,) = read(text, mode=0o644).warnings
    assert warning.line == 2
    assert "a literal secret" in warning.message
    assert "hunter2" not in str(warning)
    assert not read(text, mode=0o640).warnings


def test_a_secret_that_is_referred_to_is_no_warning(read):
    text = "ssh: {passphrase: '${P}'}\ndatabase: {url: 'postgresql://u:${P}@h/d'}\nhosts: [{name: a, hostname: a}]\n"
    assert not read(text, {"P": "hunter2"}, mode=0o644).warnings


def test_no_secret_is_in_any_representation(read):
    configuration = read(FLEET + "\n    database: {url: 'postgresql://u:hunter2@h/d'}", SECRETS)
    assert "hunter2" not in repr(configuration) + str(configuration.settings)


def test_every_value_is_shown_with_its_origin_and_no_secret(read):
    environ = {**SECRETS, "DTHOSTMON__LOOK_BACK": "1MiB"}
    configuration = read(FLEET + "\n    database: {url: 'postgresql://u:hunter2@h/d'}", environ)
    shown = {value.path: (value.text, value.origin) for value in effective_values(configuration, None)}
    assert shown["database.url"] == ("postgresql://u:********@h/d", "dthostmon.yaml:13")
    assert shown["ssh.passphrase"] == ("********", "dthostmon.yaml:2")
    assert shown["ssh.retries"] == ("1s, 2s, 4s", "default")
    assert shown["look_back"] == ("1MiB", "environment DTHOSTMON__LOOK_BACK")
    assert shown["sites.chicago.thresholds.cpu.info"] == ("null", "site chicago (dthostmon.yaml:6)")
    assert shown["hosts[0].thresholds.disk.warn"] == ("60", "dthostmon.yaml:9")
    assert "hosts[1].enabled" in shown
    assert not any(path.startswith(("notify.", "email.")) for path in shown)
    assert "hunter2" not in str(shown)


def test_the_values_of_one_host_say_which_layer_they_are_from(read):
    configuration = read(FLEET, SECRETS)
    shown = {value.path: (value.text, value.origin) for value in effective_values(configuration, "web1")}
    assert shown["user"] == ("root", "dthostmon.yaml:9")
    assert shown["port"] == ("2222", "site chicago (dthostmon.yaml:6)")
    assert shown["key"] == ("~/.ssh/fleet", "dthostmon.yaml:2")
    assert shown["connect_timeout"] == ("10s", "default")
    assert shown["thresholds.disk.warn"] == ("60", "dthostmon.yaml:9")
    assert shown["thresholds.disk.critical"] == ("85", "site chicago (dthostmon.yaml:6)")
    assert shown["thresholds.cpu.info"] == ("null", "site chicago (dthostmon.yaml:6)")
    assert shown["transport"] == ("ssh", "default")
    assert "user" not in {value.path for value in effective_values(configuration, "here")}


def test_the_file_is_looked_for_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dthostmon.config.loading.FILE_PLACES", (Path("dthostmon.yaml"), tmp_path / "etc.yaml"))
    with pytest.raises(
        ConfigurationError, match=r"DTHOSTMON_CONFIG.*dthostmon\.yaml.*etc\.yaml.*dthostmon config init"
    ):
        find_file(None, {})
    (tmp_path / "etc.yaml").touch()
    assert find_file(None, {}) == tmp_path / "etc.yaml"
    Path("dthostmon.yaml").touch()
    assert find_file(None, {}) == Path("dthostmon.yaml")
    assert find_file(None, {"DTHOSTMON_CONFIG": "a.yaml"}) == Path("a.yaml")
    assert find_file(Path("b.yaml"), {"DTHOSTMON_CONFIG": "a.yaml"}) == Path("b.yaml")


@pytest.mark.parametrize(
    ("host", "path", "line"), [("web1", "hosts[0].user", 9), ("web2", "ssh.user", 2), ("web3", "sites.chicago.user", 6)]
)
def test_a_problem_of_an_inherited_value_is_where_it_was_written(read, host, path, line):
    configuration = read(FLEET + "  - {name: web3, hostname: web3, site: chicago}\n", SECRETS)
    problem = configuration.problem(configuration.host(host), "user", "is nobody")
    assert (problem.path, problem.line, problem.message) == (path, line, "is nobody")
    assert problem.column


def test_a_problem_of_a_default_has_its_path(read):
    configuration = read("hosts: [{name: web1, hostname: web1}]", {"DTHOSTMON__SSH__USER": "ada"})
    [web1] = configuration.hosts
    assert str(configuration.problem(web1, "key", "m")).endswith("dthostmon.yaml: ssh.key: m")
    assert str(configuration.problem(web1, "user", "m")) == "environment variable DTHOSTMON__SSH__USER: ssh.user: m"


def test_logs_may_be_the_journal_units_of_it_and_containers(read):
    logs = ("/var/log/syslog", "journal:", "journal:ssh@1.service", "docker:*", "docker:web_[12]")
    [host] = read(f"logs: [{', '.join(map(repr, logs))}]\nhosts: [{{name: here, transport: local}}]\n").hosts
    assert host.logs == logs
