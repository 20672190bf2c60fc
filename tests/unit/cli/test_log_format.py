"""Log records are lines of their own, whatever a host or a client put into them."""

import io
import logging

from aiohttp.log import server_logger

from dthostmon.cli.log_format import ExtrasFormatter, set_up_logging

FORGED = "lost\n2026-01-31 08:00:00,000 INFO all is well\x1b[2J"


def written(**attributes: object) -> list[str]:
    record = logging.makeLogRecord({"levelname": "ERROR", **attributes})
    return ExtrasFormatter().format(record).split("\n")


def test_a_record_is_one_line_with_its_extras() -> None:
    [line] = written(msg="a check failed", host="web1", error="a\nb\x1b[0m")
    assert "\x1b" not in line
    assert "ERROR a check failed" in line
    assert "host='web1'" in line


def test_a_message_cannot_forge_a_line() -> None:
    [line] = written(msg="%s", args=(FORGED,))
    assert "\x1b" not in line
    assert "lost\\x0a2026" in line


def test_a_trace_follows_indented_and_steers_no_terminal() -> None:
    record, *trace = written(msg="a run failed", exc_info=(RuntimeError, RuntimeError(FORGED), None))
    assert record.endswith("ERROR a run failed")
    assert trace[0].startswith("    RuntimeError: lost")
    assert all(line.startswith("    ") and "\x1b" not in line for line in trace)


def test_requests_that_are_no_http_are_not_logged() -> None:
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:]
    try:
        set_up_logging("info")
        root.handlers[0].setStream(stream)
        server_logger.error("Error handling request")
        assert stream.getvalue() == ""
    finally:
        root.handlers[:] = before
