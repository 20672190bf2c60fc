"""Every mistake is named: where it is, what was found, what would be right."""

from pathlib import Path

import pytest

from dthostmon.config import load
from dthostmon.errors import ConfigurationError

SIX_MISTAKES = Path(__file__).parents[2] / "testdata" / "config" / "six-mistakes.yaml"
HOST = "hosts: [{name: web1, hostname: 192.0.2.10}]\n"


def test_six_different_mistakes_are_listed_at_once_with_their_lines():
    with pytest.raises(ConfigurationError) as caught:
        load(SIX_MISTAKES, {})
    found = [(problem.line, problem.column, problem.path, problem.message) for problem in caught.value.problems]
    assert found == [
        (5, 3, "monitoring.intervall", "unknown key 'intervall'; did you mean 'interval'?"),
        (
            6,
            17,
            "monitoring.host_timeout",
            "found '3 parsecs'; expected a number with its unit, like 30s, 5m, 1h or 7d",
        ),
        (
            8,
            15,
            "ssh.passphrase",
            "the variable NOBODY_SET_THIS is not set; set it, or write ${NOBODY_SET_THIS:-default}",
        ),
        (14, 11, "hosts[0].site", "found 'chicgo', which sites does not declare; did you mean 'chicago'?"),
        (17, 11, "hosts[1].port", "found 'twenty-two'; expected a whole number"),
        (18, 11, "hosts[2].name", "found 'web1', which the host in line 12 is called too; names are unique"),
    ]
    assert all(problem.where == str(SIX_MISTAKES) for problem in caught.value.problems)
    assert f"{SIX_MISTAKES}:5:3: monitoring.intervall: unknown key" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("monitoring: {interval: 9s}", "monitoring.interval", "found '9s'; expected 10s or more"),
        ("monitoring: {interval: 30}", "monitoring.interval", "found 30; expected a number with its unit: write 30s"),
        ("monitoring: {interval: 1h30m}", "monitoring.interval", "found '1h30m'; expected a number with its unit"),
        ("monitoring: {interval: 9999d}", "monitoring.interval", "found '9999d'; expected at most 3650d"),
        ("monitoring: {interval: }", "monitoring.interval", "found nothing; expected a number with its unit"),
        ("monitoring: {max_concurrent_hosts: 0}", "monitoring.max_concurrent_hosts", "found 0; expected a number from"),
        ("monitoring: [1h]", "monitoring", "found a list; expected keys and values"),
        ("look_back: 64", "look_back", "found 64; expected a number with its unit: write 64B"),
        ("look_back: 64KB", "look_back", "found '64KB'; expected a number with its unit, like 512B, 64KiB or 4MiB"),
        ("ssh: {port: true}", "ssh.port", "found true; expected a number"),
        ("ssh: {port: 65536}", "ssh.port", "found 65536; expected a number from 1 to 65535"),
        ("ssh: {retries: 1s}", "ssh.retries", "found '1s'; expected a list"),
        ("ssh: {user: 12}", "ssh.user", "found 12; expected a text"),
        ("thresholds: {cpu: {warn: 101}}", "thresholds.cpu.warn", "found 101; expected a number from 0 to 100"),
        ("thresholds: {cpu: {warn: .nan}}", "thresholds.cpu.warn", "expected a number from 0 to 100"),
        ("thresholds: {cpu: {warn: 96}}", "thresholds.cpu", "expected rising percentages"),
        ("logs: [var/log/syslog]", "logs[0]", "found 'var/log/syslog'; expected an absolute path or glob"),
        ("logs: ['journal:a b']", "logs[0]", "one unit like journal:ssh.service"),
        ("logs: ['journal:--root=x']", "logs[0]", "one unit like journal:ssh.service"),
        ("logs: ['docker:']", "logs[0]", "like docker:web or docker:*"),
        ("logs: ['docker:a/b']", "logs[0]", "like docker:web or docker:*"),
        ("logs: /var/log/syslog", "logs", "found '/var/log/syslog'; expected a list"),
        ("api: {listen: 8080}", "api.listen", "found 8080; expected an address and a port"),
        ("api: {listen: '127.0.0.1:80800'}", "api.listen", "expected an address and a port"),
        ("probes: [metric]", "probes[0]", "found 'metric'; expected 'metrics'"),
        ("changes: {port.opend: INFO}", "changes.port.opend", "unknown key 'port.opend'; did you mean 'port.opened'?"),
        ("changes: {port.opened: LOUD}", "changes.port.opened", "found 'LOUD'; expected 'INFO', 'WARN' or 'CRITICAL'"),
        ("expect: [{kind: moon, subject: a}]", "expect[0].kind", "found 'moon'; expected 'address'"),
        ("expect: [{kind: port}]", "expect[0].subject", "the key 'subject' is missing"),
        ("hosts: [{hostname: a}]", "hosts[0].name", "the key 'name' is missing"),
        ("hosts: [{name: a}]", "hosts[0]", "the key 'hostname' is missing; a host over ssh needs it"),
        ("hosts: [{name: a, transport: sftp}]", "hosts[0]", "the key 'hostname' is missing; a host over sftp needs it"),
        ("hosts: [{name: a/b, hostname: a}]", "hosts[0].name", "found 'a/b'; expected a name of letters"),
        ("hosts: [{name: .., hostname: a}]", "hosts[0].name", "found '..'; expected a name of letters"),
        ("hosts: [{name: a, hostname: '-oProxyCommand=x'}]", "hosts[0].hostname", "expected a host name"),
        ("hosts: [{name: a, hostname: a, interval: null}]", "hosts[0].interval", "found nothing; expected a value"),
        ("hosts: [{name: a, hostname: a, enabled: perhaps}]", "hosts[0].enabled", "expected true or false"),
        (
            "hosts: [{name: a, transport: local, port: 22}]",
            "hosts[0].port",
            "does nothing on a host with transport local",
        ),
        ("sites: {'a b': {}}", "sites.a b", "found keys and values; expected a name of letters"),
        ("sites: [chicago]", "sites", "found a list; expected keys and values"),
        (
            "hosts: [{name: a, hostname: a, site: x}]",
            "hosts[0].site",
            "which sites does not declare; add 'x: {}' to sites",
        ),
        ('logs: ["/var/log/\\0"]', "logs[0]", "found a control character"),
        (
            "ai: {providers: [{name: a, type: ollama, url: u, model: m}, {name: a, type: openai, url: v, model: n}]}",
            "ai.providers",
            "expected a name of its own for each provider",
        ),
        (
            "ai: {providers: [{name: a, type: ollama, url: u, model: m, prices: {input: -1, output: 1}}]}",
            "ai.providers[0].prices.input",
            "expected 0 or more",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(refuse, text, path, message):
    problems = refuse(text)
    assert [problem.path for problem in problems] == [path]
    assert message in problems[0].message
    assert problems[0].line == 1


@pytest.mark.parametrize(
    ("text", "path", "feature"),
    [
        ("email: {host: smtp.example.org}", "email.host", "mail"),
        ("email: {from: a@example.org}", "email.from", "mail"),
        ("notify: {urls: ['ntfy://a']}", "notify.urls", "notifications"),
        ("routes: [{to: [email]}]", "routes", "notifications"),
        ("reports: {frequency: daily}", "reports.frequency", "reports"),
        ("reports: {at: '08:00'}", "reports.at", "reports"),
        ("alerts: {repeat: 4h}", "alerts.repeat", "alerts"),
        ("retention: {audit: 90d}", "retention.audit", "audit"),
        ("api: {docs: true}", "api.docs", "documentation"),
        ("api: {public_url: 'https://a'}", "api.public_url", "dashboard"),
        ("sites: {a: {reports: {frequency: weekly}}}", "sites.a.reports.frequency", "reports"),
    ],
)
def test_what_no_code_uses_yet_is_refused(refuse, text, path, feature):
    problems = refuse(text)
    assert [problem.path for problem in problems] == [path]
    assert problems[0].message.startswith("not available yet: ")
    assert feature in problems[0].message


@pytest.mark.parametrize(
    "text",
    [
        "ai: {providers: []}",
        "email: {host: '', recipients: []}",
        "notify: {urls: [], pushover: null}",
        "routes: []",
        "reports: {frequency: off}",
        "alerts: {}",
        "alerts:",
        "files: []",
        "api: {docs: false, public_url: null}",
        "ssh: {jump: null}",
        "sites: {a: {reports: {frequency: off}}}",
    ],
)
def test_what_no_code_uses_yet_may_be_switched_off_or_empty(read, text):
    read(HOST + text)


def test_several_keys_of_an_unavailable_section_are_all_named(refuse):
    problems = refuse("email:\n  host: a\n  recipients: [b]\n  port: 25\n")
    assert [(problem.line, problem.path) for problem in problems] == [
        (2, "email.host"),
        (3, "email.recipients"),
        (4, "email.port"),
    ]


def test_an_unknown_key_far_from_all_known_ones_lists_them_where_they_are_few(refuse):
    (problem,) = refuse("database: {zzz: 1}")
    assert problem.message == "unknown key 'zzz'; known are url"


def test_a_secret_is_never_quoted_in_a_problem(refuse):
    text = (
        "database: {url: 'mysql://u:hunter2@h/d'}\nssh: {passphrase: [hunter2]}\nhosts: [{name: a, passphrase: 12345}]"
    )
    problems = refuse(text)
    assert {problem.path for problem in problems} == {
        "database.url",
        "ssh.passphrase",
        "hosts[0]",
        "hosts[0].passphrase",
    }
    assert "hunter2" not in str(problems)
    assert "12345" not in str(problems)


def test_what_a_variable_holds_is_never_quoted_in_a_problem(refuse):
    (problem,) = refuse("ssh: {port: '${PORT}'}", {"PORT": "hunter2"})
    assert problem.message == "found something else in what ${…} stands for; expected a whole number"


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u@h/d",
        "sqlite://a.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "postgresql://h",
        "postgresql://u:p/w@h/d",
        "postgresql://u:1/w@h",
        "postgresql://u:a@b@h/d",
        "x",
    ],
)
def test_a_database_that_is_neither_sqlite_nor_postgresql_is_refused_with_the_forms(refuse, url):
    (problem,) = refuse(f"database: {{url: '{url}'}}")
    assert "expected sqlite:///relative.db, sqlite:////absolute.db or postgresql://" in problem.message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u@h/d?sslmode=require&password=abc", "postgresql://u@h/d?sslmode=require&password=********"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("sqlite:///a.db", "sqlite:///a.db"),
    ],
)
def test_a_database_url_is_shown_without_its_password(read, url, shown):
    settings = read(f"{HOST}database: {{url: '{url}'}}").settings
    assert settings.database.model_dump(mode="json") == {"url": shown}


@pytest.mark.parametrize(
    "url",
    ["sqlite:///a.db", "sqlite:////var/lib/a.db", "postgresql://u:p@h:5433/d", "postgresql:///d?host=/run/postgresql"],
)
def test_both_databases_are_accepted(read, url):
    assert read(f"{HOST}database: {{url: '{url}'}}").settings.database.url.get_secret_value() == url
