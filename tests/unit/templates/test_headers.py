"""Lines taken apart into header and message."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon import templates

# line -> program, message, level, process, unit, time
HEADERS: dict[str, tuple[str | None, str, int | None, str | None, str | None, str | None]] = {
    "Jul 28 03:11:02 web1 sshd[4411]: hello": ("sshd", "hello", None, "4411", None, "Jul 28 03:11:02"),
    "<38>Jul 28 03:11:02 web1 su: hello": ("su", "hello", 6, None, None, "Jul 28 03:11:02"),
    "Jul 28 03:11:02 web1 auth.err sshd[4411]: hello": ("sshd", "hello", 3, "4411", None, "Jul 28 03:11:02"),
    "Jul 28 03:11:02 web1 kernel: [812345.101] hello": ("kernel", "hello", None, None, None, "Jul 28 03:11:02"),
    "Jul 28 03:11:02 web1 -- MARK --": (None, "-- MARK --", None, None, None, "Jul 28 03:11:02"),
    "2026-07-28T03:11:02.123456+02:00 web1 systemd[1]: hello": (
        "systemd",
        "hello",
        None,
        "1",
        None,
        "2026-07-28T03:11:02.123456+02:00",
    ),
    "2026-07-28T03:11:02+0200 web1 postfix/smtpd[1]: hello": (
        "postfix/smtpd",
        "hello",
        None,
        "1",
        None,
        "2026-07-28T03:11:02+0200",
    ),
    '<34>1 2026-07-28T03:11:02Z web1 app 4411 ID7 [x@1 a="b\\]c"][y@1] hello': (
        "app",
        "hello",
        2,
        "4411",
        None,
        "2026-07-28T03:11:02Z",
    ),
    '<30>1 2026-07-28T09:20:00.123456Z web1 systemd 1 - [journal@0 unit="nginx.service"] Started nginx.service.': (
        "systemd",
        "Started nginx.service.",
        6,
        "1",
        "nginx.service",
        "2026-07-28T09:20:00.123456Z",
    ),
    "[    0.123456] hello": ("kernel", "hello", None, None, None, "0.123456"),
    "2026-07-28 00:16:00.100 UTC [610] LOG:  checkpoint complete": (
        "postgres",
        "[610] LOG:  checkpoint complete",
        6,
        "610",
        None,
        "2026-07-28 00:16:00.100 UTC",
    ),
    "2026-07-28 09:30:00.120 UTC [7710] app@shop FATAL:  password authentication failed": (
        "postgres",
        "[7710] app@shop FATAL:  password authentication failed",
        3,
        "7710",
        None,
        "2026-07-28 09:30:00.120 UTC",
    ),
    "2015-10-18 18:01:47,978 INFO [main] org.example.App: hello": (
        None,
        "INFO [main] org.example.App: hello",
        6,
        None,
        None,
        "2015-10-18 18:01:47,978",
    ),
    "2015-10-18 18:01:47,978 INFO org.example.App: hello": (
        None,
        "INFO org.example.App: hello",
        6,
        None,
        None,
        "2015-10-18 18:01:47,978",
    ),
    "[Sun Dec 04 04:47:44 2005] [error] hello": ("apache", "[error] hello", 3, None, None, "Sun Dec 04 04:47:44 2005"),
    "[Tue Jul 28 09:20:00.123456 2026] [core:error] [pid 5] AH00124: exceeded": (
        "apache",
        "[core:error] [pid 5] AH00124: exceeded",
        3,
        "5",
        None,
        "Tue Jul 28 09:20:00.123456 2026",
    ),
    '2026/07/28 08:01:11 [error] 911#911: *77 open() "/x" failed (2: No such file)': (
        "nginx",
        '*77 open() "/x" failed (2: No such file)',
        3,
        "911",
        None,
        "2026/07/28 08:01:11",
    ),
    "2026-07-28T09:30:00.123456Z 0 [ERROR] [MY-010119] [Server] Aborting": (
        "mysqld",
        "[ERROR] [MY-010119] [Server] Aborting",
        3,
        None,
        None,
        "2026-07-28T09:30:00.123456Z",
    ),
    "2026-07-28  9:30:00 0 [ERROR] InnoDB: x": ("mysqld", "[ERROR] InnoDB: x", 3, None, None, "2026-07-28  9:30:00"),
    "812:M 28 Jul 2026 09:30:00.123 # WARNING overcommit": (
        "redis-server",
        "WARNING overcommit",
        4,
        "812",
        None,
        "28 Jul 2026 09:30:00.123",
    ),
    '{"t":{"$date":"2026-07-28T09:30:00.123+00:00"},"s":"E","c":"NETWORK","msg":"no","attr":{"count":4}}': (
        "mongod",
        "no s=E c=NETWORK count=4",
        3,
        None,
        None,
        "2026-07-28T09:30:00.123+00:00",
    ),
    "type=AVC msg=audit(1364481363.243:24287): avc:  denied": (
        "auditd",
        "type=AVC msg=audit(1364481363.243:24287): avc:  denied",
        None,
        None,
        None,
        "1364481363.243",
    ),
    "2026-07-28T09:20:00.123456789Z hello world": (
        None,
        "hello world",
        None,
        None,
        None,
        "2026-07-28T09:20:00.123456789Z",
    ),
    '2026-07-28T09:20:00.123456789Z {"level":"error","msg":"no","status":503}': (
        None,
        "no level=error status=503",
        3,
        None,
        None,
        "2026-07-28T09:20:00.123456789Z",
    ),
    '2026-07-28T09:20:00Z ::1 - - [28/Jul/2026:09:20:00 +0000] "GET /" 500 12': (
        "http-access",
        '::1 - - [28/Jul/2026:09:20:00 +0000] "GET /" 500 12',
        None,
        None,
        None,
        "2026-07-28T09:20:00Z",
    ),
    "2026-07-28T09:20:00.123456789Z \tat org.example.X(X.java:12)": (
        None,
        "\tat org.example.X(X.java:12)",
        None,
        None,
        None,
        "2026-07-28T09:20:00.123456789Z",
    ),
    '2026-07-28T09:20:00.123456789Z stderr F level=info msg="x y"': (
        None,
        'level=info msg="x y"',
        6,
        None,
        None,
        "2026-07-28T09:20:00.123456789Z",
    ),
    '203.0.113.7 - alice [28/Jul/2026:09:20:00 +0000] "POST /a?b HTTP/1.1" 404 1234 "-" "-"': (
        "http-access",
        '203.0.113.7 - alice [28/Jul/2026:09:20:00 +0000] "POST /a?b HTTP/1.1" 404 1234 "-" "-"',
        None,
        None,
        None,
        "28/Jul/2026:09:20:00 +0000",
    ),
    'example.org:80 203.0.113.7 - - [28/Jul/2026:09:20:00 +0000] "GET /a HTTP/1.1" 200 1234': (
        "http-access",
        'example.org:80 203.0.113.7 - - [28/Jul/2026:09:20:00 +0000] "GET /a HTTP/1.1" 200 1234',
        None,
        None,
        None,
        "28/Jul/2026:09:20:00 +0000",
    ),
    'time="2026-07-28T09:20:00Z" level=error msg="pull failed: x" image=a': (
        None,
        'level=error msg="pull failed: x" image=a',
        3,
        None,
        None,
        "2026-07-28T09:20:00Z",
    ),
    'ts=2026-07-28T09:20:00Z caller=main.go:12 level=warn msg="slow"': (
        None,
        'caller=main.go:12 level=warn msg="slow"',
        4,
        None,
        None,
        "2026-07-28T09:20:00Z",
    ),
    'level=info ts=2026-07-28T09:20:00Z msg="slow" duration=3s': (
        None,
        'level=info ts=2026-07-28T09:20:00Z msg="slow" duration=3s',
        6,
        None,
        None,
        "2026-07-28T09:20:00Z",
    ),
    'Jul 28 09:20:00 web1 dockerd[12]: time="2026-07-28T09:20:00Z" level=error msg="bad"': (
        "dockerd",
        'level=error msg="bad"',
        3,
        "12",
        None,
        "Jul 28 09:20:00",
    ),
    '{"time":"2026-07-28T09:20:00Z","level":"warn","service":"shop","msg":"slow \\"query\\"","user":"al","ms":12}': (
        "shop",
        'slow "query" level=warn user=al ms=12',
        4,
        None,
        None,
        "2026-07-28T09:20:00Z",
    ),
    "2026-07-28 09:30:00,123 - app.worker - ERROR - job failed": (
        None,
        "- app.worker - ERROR - job failed",
        3,
        None,
        None,
        "2026-07-28 09:30:00,123",
    ),
    "09:30:00.123 [main] ERROR c.e.App - job failed": (
        None,
        "[main] ERROR c.e.App - job failed",
        3,
        None,
        None,
        "09:30:00.123",
    ),
    "[2026-07-28 09:30:00 +0000] [123] [INFO] Booting worker": (
        None,
        "[123] [INFO] Booting worker",
        6,
        None,
        None,
        "2026-07-28 09:30:00 +0000",
    ),
    "[2026-07-28T09:30:00,123][WARN ][o.e.c.r.a.DiskThresholdMonitor] [node-1] high disk watermark": (
        None,
        "[WARN ][o.e.c.r.a.DiskThresholdMonitor] [node-1] high disk watermark",
        4,
        None,
        None,
        "2026-07-28T09:30:00,123",
    ),
    "2026-07-28 09:30:00.123456+00:00 [error] <0.123.0> closing connection": (
        None,
        "[error] <0.123.0> closing connection",
        3,
        None,
        None,
        "2026-07-28 09:30:00.123456+00:00",
    ),
    "2026/07/28 09:30:00 http: TLS handshake error": (
        None,
        "http: TLS handshake error",
        3,
        None,
        None,
        "2026/07/28 09:30:00",
    ),
    "E0728 09:30:00.123456    1234 kubelet.go:123] Failed to pull": (
        None,
        "kubelet.go:123] Failed to pull",
        3,
        "1234",
        None,
        "0728 09:30:00.123456",
    ),
    "03-17 16:13:38.811  1702  2395 D WindowManager: printFreezing": (
        "WindowManager",
        "printFreezing",
        7,
        "1702",
        None,
        "03-17 16:13:38.811",
    ),
    "20171223-22:15:29:606|Step_LSC|30002312|onStandStepChanged 3579": (
        None,
        "Step_LSC|30002312|onStandStepChanged 3579",
        None,
        None,
        None,
        "20171223-22:15:29:606",
    ),
    "[10.30 16:49:06] chrome.exe - proxy.example.com:5070 open": (
        None,
        "chrome.exe - proxy.example.com:5070 open",
        None,
        None,
        None,
        "10.30 16:49:06",
    ),
    "17/06/09 20:10:40 INFO executor.Backend: hello": (
        None,
        "INFO executor.Backend: hello",
        6,
        None,
        None,
        "17/06/09 20:10:40",
    ),
    "- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond(pam_unix)[2915]: hello": (
        "crond(pam_unix)",
        "hello",
        None,
        "2915",
        None,
        "Nov 9 12:01:01",
    ),
    "2016-09-28 04:30:30, Info                  CBS    Loaded Servicing Stack": (
        None,
        "Info                  CBS    Loaded Servicing Stack",
        6,
        None,
        None,
        "2016-09-28 04:30:30",
    ),
    "2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - out": (
        None,
        "- INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - out",
        6,
        None,
        None,
        "2015-07-29 17:41:44,747",
    ),
    "- 1117838570 2005.06.03 R02-M1-C:J12 2005-06-03-15.42.50.675872 R02-M1-C:J12 RAS KERNEL INFO x": (
        None,
        "R02-M1-C:J12 RAS KERNEL INFO x",
        6,
        None,
        None,
        "2005-06-03-15.42.50.675872",
    ),
    "28-Jul-2026 09:20:00.123 SEVERE [main] org.apache.catalina.X.run Failed": (
        None,
        "SEVERE [main] org.apache.catalina.X.run Failed",
        3,
        None,
        None,
        "28-Jul-2026 09:20:00.123",
    ),
    "hello: world": (None, "hello: world", None, None, None, None),
    "ERROR: something": (None, "ERROR: something", 3, None, None, None),
    "Traceback (most recent call last):": (None, "Traceback (most recent call last):", None, None, None, None),
    "WARNING:root:msg": (None, "WARNING:root:msg", 4, None, None, None),
    "Jul  1 09:00:55 mac Microsoft Word[14463]: hello": (
        "Microsoft Word",
        "hello",
        None,
        "14463",
        None,
        "Jul  1 09:00:55",
    ),
    "Jul  1 09:00:55 mac kernel[0]: hello": ("kernel", "hello", None, "0", None, "Jul  1 09:00:55"),
    "Jul  1 09:00:55 mac sandboxd[129] ([10018]): QQ(10018) deny": (
        "sandboxd",
        "QQ(10018) deny",
        None,
        "129",
        None,
        "Jul  1 09:00:55",
    ),
    "Jul  8 03:11:02 web1 sshd-session[4411]: hello": ("sshd-session", "hello", None, "4411", None, "Jul  8 03:11:02"),
    "Jul 28 03:11:02 web1 /usr/sbin/cron[12]: hello": ("cron", "hello", None, "12", None, "Jul 28 03:11:02"),
    "Jul 28 03:11:02 web1 sshd(pam_unix)[12]: hello": ("sshd(pam_unix)", "hello", None, "12", None, "Jul 28 03:11:02"),
    "Jul 28 03:11:02 web1 kernel: hello": ("kernel", "hello", None, None, None, "Jul 28 03:11:02"),
    "<34>1 2026-07-28T03:11:02Z web1 app - - - hello": ("app", "hello", 2, None, None, "2026-07-28T03:11:02Z"),
    "": (None, "", None, None, None, None),
}


@pytest.mark.parametrize("line", HEADERS)
def test_the_header_is_taken_off(line: str) -> None:
    assert templates.take_apart(line)[:6] == HEADERS[line]


SYSLOG_STAMP = "Jul 28 03:11:02"
DOCKER_STAMP = "2026-07-28T08:01:11.123456789Z"
DOCKER_END = f'"stream":"stderr","time":"{DOCKER_STAMP}"}}'
# the same for objects and lines within lines: what they hold is taken apart as a line of its own
FORMS: dict[str, tuple[str | None, str, int | None, str | None, str | None, str | None]] = {
    '{"t": {"$date": "2026-07-28T09:30:00Z"}, "s": "F", "c": "INDEX", "ctx": "conn1", "msg": "no", "attr": {"n": 4}}': (
        "mongod",
        "no s=F c=INDEX ctx=conn1 n=4",
        2,
        None,
        None,
        "2026-07-28T09:30:00Z",
    ),
    '{"__CURSOR":"s=ab;i=1","__REALTIME_TIMESTAMP":"1785229200000000","PRIORITY":"3","SYSLOG_IDENTIFIER":"shopd",'
    '"_PID":"812","_COMM":"python3","_SYSTEMD_UNIT":"shopd.service","MESSAGE":"cannot open ledger"}': (
        "shopd",
        "cannot open ledger",
        3,
        "812",
        "shopd.service",
        "1785229200000000",
    ),
    '{"PROGRAM":"shopd","PRIORITY":"err","PID":"812","MESSAGE":"cannot open ledger"}': (
        "shopd",
        "cannot open ledger",
        3,
        "812",
        None,
        None,
    ),
    '{"level":50,"time":1785229200000,"pid":12,"hostname":"web1","msg":"no ledger"}': (
        None,
        "no ledger level=50 pid=12 hostname=web1",
        3,
        None,
        None,
        "1785229200000",
    ),
    '{"version":"1.1","host":"web1","short_message":"no ledger","level":4}': (
        None,
        "no ledger version=1.1 host=web1 level=4",
        4,
        None,
        None,
        None,
    ),
    '{"reqId":"x","level":3,"time":"2026-07-28T09:30:00Z","message":"of a scale of its own"}': (
        None,
        "of a scale of its own reqId=x level=3",
        None,
        None,
        None,
        "2026-07-28T09:30:00Z",
    ),
    f'{{"log":"2026/07/28 08:01:11 [error] 911#911: *77 open() \\"/x\\" failed\\n",{DOCKER_END}': (
        "nginx",
        '*77 open() "/x" failed',
        3,
        "911",
        None,
        DOCKER_STAMP,
    ),
    f'{{"log":"2026-07-28 00:16:00.100 UTC [610] LOG:  done\\n",{DOCKER_END}': (
        "postgres",
        "[610] LOG:  done",
        6,
        "610",
        None,
        DOCKER_STAMP,
    ),
    f'{{"log":"{{\\"level\\":\\"error\\",\\"msg\\":\\"no ledger\\"}}\\n",{DOCKER_END}': (
        None,
        "no ledger level=error",
        3,
        None,
        None,
        DOCKER_STAMP,
    ),
    f'{{"log":"\\u001b[31mERROR\\u001b[0m \\u003c0.1.0\\u003e no ledger\\r\\n",{DOCKER_END}': (
        None,
        "ERROR <0.1.0> no ledger",
        3,
        None,
        None,
        DOCKER_STAMP,
    ),
    f'{{"log":"\\tat org.example.X(X.java:12)\\n","stream":"stdout","time":"{DOCKER_STAMP}","attrs":{{"a":1}}}}': (
        None,
        "\tat org.example.X(X.java:12)",
        None,
        None,
        None,
        DOCKER_STAMP,
    ),
    '{"log":"ERROR and so on, until the line is cut': (
        None,
        "ERROR and so on, until the line is cut",
        3,
        None,
        None,
        None,
    ),
    f"{DOCKER_STAMP} stderr F 2026/07/28 08:01:11 [error] 911#911: *77 failed": (
        "nginx",
        "*77 failed",
        3,
        "911",
        None,
        DOCKER_STAMP,
    ),
    "web-1     | 2026/07/28 08:01:11 [error] 911#911: *77 failed": (
        "nginx",
        "*77 failed",
        3,
        "911",
        None,
        "2026/07/28 08:01:11",
    ),
    "web-1  | hello": (None, "hello", None, None, None, None),
}


@pytest.mark.parametrize("line", FORMS)
def test_what_an_object_or_a_container_holds_is_taken_apart(line: str) -> None:
    assert templates.take_apart(line)[:6] == FORMS[line]


def test_the_message_of_an_entry_is_found_behind_all_that_the_journal_adds() -> None:
    added = ",".join(f'"_FIELD_{letter}":"{letter * 40} \\\\\\"9\\\\\\""' for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    entry = f'{{{added},"_PID":"812","_SYSTEMD_UNIT":"shopd.service","PRIORITY":"3","_HOSTNAME":null,'
    entry += '"SYSLOG_IDENTIFIER":"shopd","MESSAGE":"no ledger 5"}'
    line = entry.encode()
    expected = ("shopd", "no ledger 5", 3, "812", "shopd.service")
    assert templates.take_apart(templates.clean(line))[:5] == expected
    assert _of_key(entry)[:3] == ("shopd", "no ledger 0", 3)
    assert templates.template_of(line).text == "no ledger <*>"


# message of a program that tells syslog no level -> level
LEADING_LEVELS = {
    "FATAL: cannot open ledger": 2,
    "CRITICAL: database corrupted": 2,
    "[emerg] all is lost": 0,
    "[ERROR] no ledger": 3,
    "<warn>  [1785] dhcp: no answer": 4,
    "ERROR payment gateway refused 3 orders": 3,
    "PANIC: no way out": 0,
    "level=error msg=x": 3,
    "ts=2026-07-28T09:20:00Z caller=main.go:12 level=warn msg=slow": 4,
    'E1127 10:00:00.123456  1234 file.go:12] "Failed to pull image"': 3,
    "<3>no ledger": 3,
    "<12>no ledger": 4,
    "<192>no such priority": None,
    "<3> lines were lost": None,
    "Error count 0": None,
    "Critical path took 3 s": None,
    "error: a program's own word, not syslog's": None,
    "ERRORS: 0": None,
    "INFORMATION desk": None,
    "[main] started": None,
    "[3] ERROR": None,
}


@pytest.mark.parametrize("message", LEADING_LEVELS)
@pytest.mark.parametrize("tag", [f"{SYSLOG_STAMP} web1 shopd[5]: ", "2026-07-28T03:11:02.123456+02:00 web1 shopd: "])
def test_the_word_that_a_message_begins_with_is_its_level_where_syslog_tells_none(tag: str, message: str) -> None:
    line = tag + message
    assert templates.take_apart(line).level == LEADING_LEVELS[message]
    assert _of_key(line).level == LEADING_LEVELS[message]


@pytest.mark.parametrize(
    "line", ["<30>Jul 28 03:11:02 web1 shopd[5]: FATAL: x", f"{SYSLOG_STAMP} web1 daemon.info shopd[5]: FATAL: x"]
)
def test_what_syslog_tells_of_the_level_counts_more_than_the_message(line: str) -> None:
    assert templates.take_apart(line).level == 6


def test_what_postgresql_calls_fatal_to_syslog_is_its_client_s_trouble() -> None:
    assert templates.take_apart(f'{SYSLOG_STAMP} db1 postgres[5]: FATAL:  role "x" does not exist').level == 3


@pytest.mark.parametrize(
    ("priority", "level"),
    [("0", 0), ("34", 2), ("191", 7), ("192", None), ("999", None), ("999999", None), ("0030", None)],
)
def test_a_priority_that_syslog_has_not_tells_no_level(priority: str, level: int | None) -> None:
    line = f"<{priority}>{SYSLOG_STAMP} web1 shopd[5]: hello"
    assert templates.take_apart(line).level == level
    assert _of_key(line)[:3] == ("shopd", "hello", level)


@pytest.mark.parametrize("message", ["Error count 0", "Critical path took 3 s", "Warning lights are off"])
def test_a_sentence_of_a_plain_file_is_no_level(message: str) -> None:
    assert templates.take_apart(message).level is None


OBJECTS = [line for line in FORMS if line.startswith("{") and line.endswith("}")]


@given(
    st.sampled_from(OBJECTS),
    st.text(alphabet="0123456789", min_size=1, max_size=3),
    st.integers(0, 400),
    st.text(alphabet='09 aE:[]{}()<>=\\u"nt|', max_size=8),
)
def test_objects_that_differ_in_digits_are_taken_apart_at_the_same_place(
    line: str, digits: str, place: int, text: str
) -> None:
    line = re.sub("[0-9]+", lambda found: digits if found.start() % 3 else found[0], line[:place] + text + line[place:])
    line = re.sub(
        r"\\u(?!00(?:1[bB]|2[267]|3[cCeE]))", "u", line
    )  # a letter that its key has lost is no more than that
    of_line, of_key = templates.take_apart(line), _of_key(line)
    assert _short(of_line.message) == _short(of_key.message)
    assert (_short(of_line.program or ""), of_line.level) == (_short(of_key.program or ""), of_key.level)


def _of_key(line: str) -> templates.ParsedLine:
    return templates.take_apart(*templates.shape_texts(templates.shapes(templates.split_keys(line.encode() + b"\n"))))


STARTS = [line[: len(line) - len(header[1])] for line, header in HEADERS.items() if line.endswith(header[1])]


@given(st.sampled_from(STARTS), st.text(alphabet="09 aT:[]()<>=/'\".-\x1b\0ü|,*#", max_size=60))
def test_lines_that_differ_in_digits_are_taken_apart_at_the_same_place(header: str, body: str) -> None:
    line = (header + body).encode()
    (shape,) = templates.shapes(templates.split_keys(line + b"\n"))
    of_line, of_shape = (
        templates.take_apart(templates.clean(line)),
        templates.take_apart(*templates.shape_texts([shape])),
    )
    assert _short(of_line.message) == _short(of_shape.message)
    assert (_short(of_line.program or ""), of_line.level) == (_short(of_shape.program or ""), of_shape.level)
    assert _short(of_line.message[of_line.body :]) == _short(of_shape.message[of_shape.body :])


@given(st.sampled_from(STARTS), st.text(alphabet="0 aT:[]{}=", max_size=20) | st.sampled_from(sorted(LEADING_LEVELS)))
def test_lines_are_taken_apart_together_as_each_alone(header: str, body: str) -> None:
    texts = templates.shape_texts(templates.shapes(templates.split_keys(f"{header}{body}\n{header}x: y".encode())))
    together, alone = templates.take_apart_all(texts), [templates.take_apart(text) for text in texts]
    assert [(line[:3], line.body) for line in together] == [(line[:3], line.body) for line in alone]


def _short(text: str) -> str:
    return re.sub("[0-9]+", "0", text)


@given(st.sampled_from(sorted(HEADERS | FORMS)), st.integers(0, 250))
def test_any_start_of_a_line_can_be_taken_apart(line: str, length: int) -> None:
    assert "\n" not in templates.take_apart(line[:length]).message
