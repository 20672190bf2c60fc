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
    assert _short(of_line.program or "") == _short(of_shape.program or "")
    assert _short(of_line.message[of_line.body :]) == _short(of_shape.message[of_shape.body :])


@given(st.sampled_from(STARTS), st.text(alphabet="0 aT:[]{}=", max_size=20))
def test_lines_are_taken_apart_together_as_each_alone(header: str, body: str) -> None:
    texts = templates.shape_texts(templates.shapes(templates.split_keys(f"{header}{body}\n{header}x: y".encode())))
    together, alone = templates.take_apart_all(texts), [templates.take_apart(text) for text in texts]
    assert [(line[:3], line.body) for line in together] == [(line[:3], line.body) for line in alone]


def _short(text: str) -> str:
    return re.sub("[0-9]+", "0", text)


@given(st.sampled_from(sorted(HEADERS)), st.integers(0, 100))
def test_any_start_of_a_line_can_be_taken_apart(line: str, length: int) -> None:
    assert "\n" not in templates.take_apart(line[:length]).message
