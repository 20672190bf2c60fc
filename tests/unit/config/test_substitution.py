"""References in values, and variables that stand over the file."""

import pytest

from dthostmon.config import changed, load

HOST = "hosts: [{name: web1, hostname: 192.0.2.10}]\n"


def user(read, text, environ=None):
    return read(f"{HOST}ssh: {{user: '{text}'}}", environ).settings.ssh.user


def passphrase(configuration):
    return configuration.settings.ssh.passphrase.get_secret_value()


@pytest.mark.parametrize(
    ("text", "environ", "result"),
    [
        ("${U}", {"U": "ada"}, "ada"),
        ("a-${U}-${V:-z}", {"U": "b"}, "a-b-z"),
        ("${U:-ada}", {}, "ada"),
        ("${U:-ada}", {"U": ""}, "ada"),
        ("${U:-ada}", {"U": "bob"}, "bob"),
        ("$${U}", {"U": "ada"}, "${U}"),
        ("$$${U}", {"U": "ada"}, "$${U}"),
        ("a$b", {}, "a$b"),
    ],
)
def test_variables_are_replaced(read, text, environ, result):
    assert user(read, text, environ) == result


def test_nothing_is_replaced_twice(read):
    assert user(read, "${U}", {"U": "${V}", "V": "no"}) == "${V}"


def test_a_number_may_come_from_a_variable(read):
    assert read(HOST + "ssh: {port: '${PORT}'}", {"PORT": "2222"}).settings.ssh.port == 2222


def test_a_file_is_read_beside_the_configuration_and_its_last_newline_dropped(read, tmp_path):
    (tmp_path / "secret").write_text("pass ${phrase}\n\n")
    assert passphrase(read(HOST + "ssh: {passphrase: '${file:secret}'}")) == "pass ${phrase}\n"


def test_a_systemd_credential_is_read(read, tmp_path):
    (tmp_path / "ssh-key").write_text("hunter2\n")
    configuration = read(HOST + "ssh: {passphrase: '${cred:ssh-key}'}", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert passphrase(configuration) == "hunter2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${U}", "the variable U is not set"),
        ("${U", "'${' has no matching '}'"),
        ("${}", "expected ${VAR}"),
        ("${A B}", "expected ${VAR}"),
        ("${file:}", "expected ${VAR}"),
        ("${file:nowhere}", "No such file or directory"),
        ("${file:.}", "not a regular file"),
        ("${cred:a}", "$CREDENTIALS_DIRECTORY is not set"),
        ("${cred:../etc/passwd}", "expected ${VAR}"),
        ("${cred:..}", "expected ${VAR}"),
    ],
)
def test_what_cannot_be_replaced_is_a_problem_at_its_place(refuse, text, message):
    (problem,) = refuse(f"ssh:\n  user: '{text}'\n")
    assert (problem.line, problem.column, problem.path) == (2, 9, "ssh.user")
    assert message in problem.message


def test_a_variable_stands_over_the_file(read):
    configuration = read(HOST + "monitoring: {interval: 1h}", {"DTHOSTMON__MONITORING__INTERVAL": "5m"})
    assert configuration.settings.monitoring.interval == 300
    assert configuration.host("web1").interval == 300


def test_lists_and_sections_are_json_and_the_special_variable_wins(read):
    environ = {
        "DTHOSTMON__MONITORING": '{"interval": "5m", "host_timeout": "10s"}',
        "DTHOSTMON__MONITORING__INTERVAL": "7m",
        "DTHOSTMON__LOGS": '["/var/log/x"]',
        "DTHOSTMON__LOOK_BACK": "1KiB",
    }
    settings = read(HOST + "logs: [/a, /b]", environ).settings
    assert (settings.monitoring.interval, settings.monitoring.host_timeout) == (420, 10)
    assert (settings.logs, settings.look_back) == (("/var/log/x",), 1024)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "DTHOSTMON__MONITORING__INTERVAL",
            "soon",
            "monitoring.interval: found 'soon'; expected a number with its unit",
        ),
        ("DTHOSTMON__MONITORING__INTERVALL", "5m", "unknown key 'intervall'; did you mean 'interval'?"),
        ("DTHOSTMON__MONITORNG__INTERVAL", "5m", "unknown name; did you mean DTHOSTMON__MONITORING__INTERVAL?"),
        ("DTHOSTMON__", "5m", "unknown name"),
        ("DTHOSTMON__LOGS", "/var/log/x", "logs: found '/var/log/x'; expected a list"),
        ("DTHOSTMON__ALERTS__REPEAT", "4h", "alerts.repeat: not available yet"),
        ("DTHOSTMON__SSH", "[1]", "ssh: found a list; expected keys and values"),
    ],
)
def test_a_wrong_variable_is_named_instead_of_the_file(refuse, variable, value, message):
    (problem,) = refuse(HOST, {variable: value})
    assert (problem.where, problem.line) == (f"environment variable {variable}", 0)
    assert message in str(problem)


def test_problems_of_file_and_environment_are_listed_together(refuse):
    problems = refuse("ssh: {prt: 1}", {"DTHOSTMON__X": "1"})
    assert [problem.where.rsplit("/")[-1] for problem in problems] == [
        "dthostmon.yaml",
        "environment variable DTHOSTMON__X",
    ]


def test_an_edit_is_seen_and_a_touch_is_not(write):
    path = write(HOST)
    configuration = load(path, {})
    assert not changed(configuration)
    write(HOST)
    assert not changed(configuration)
    write(HOST + "look_back: 1KiB\n")
    assert changed(configuration)
    path.unlink()
    assert changed(configuration)


def test_an_edit_of_a_file_that_was_pulled_in_is_seen(read, tmp_path):
    (tmp_path / "secret").write_text("one")
    configuration = read(HOST + "ssh: {passphrase: '${file:secret}'}")
    assert not changed(configuration)
    (tmp_path / "secret").write_text("two")
    assert changed(configuration)
