"""Nothing that a host sent steers a terminal or breaks a log line."""

import io
import logging

from hypothesis import given
from hypothesis import strategies as st

from dthostmon.cli.log_format import ExtrasFormatter
from dthostmon.cli.output import safe


def test_escape_sequences_and_bidirectional_marks_are_shown() -> None:
    assert safe("\x1b[31mred\u202e\r") == "\\x1b[31mred\\u202e\\x0d"


def test_ordinary_text_stays_as_it_is() -> None:
    assert safe("Ünïcödé 日本語 100 %") == "Ünïcödé 日本語 100 %"


@given(st.text())
def test_what_is_shown_is_printable(text: str) -> None:
    assert all(character.isprintable() for character in safe(text))


def test_a_log_record_is_one_line_with_its_extras() -> None:
    stream = io.StringIO()
    record = logging.makeLogRecord(
        {"msg": "a check failed", "levelname": "ERROR", "host": "web1", "error": "a\nb\x1b[0m"}
    )
    stream.write(ExtrasFormatter().format(record))
    line = stream.getvalue()
    assert "\n" not in line
    assert "\x1b" not in line
    assert "ERROR a check failed" in line
    assert "host='web1'" in line
