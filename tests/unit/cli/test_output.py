"""Nothing that a host sent steers a terminal; a document is one document."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.cli.output import json_list, safe


def test_escape_sequences_and_bidirectional_marks_are_shown() -> None:
    assert safe("\x1b[31mred\u202e\r") == "\\x1b[31mred\\u202e\\x0d"


def test_ordinary_text_stays_as_it_is() -> None:
    assert safe("Ünïcödé 日本語 100 %") == "Ünïcödé 日本語 100 %"


@given(st.text())
def test_what_is_shown_is_printable(text: str) -> None:
    assert all(character.isprintable() for character in safe(text))


@pytest.mark.parametrize("items", [[], ["one"], ["one", {"two": "\x1b\u202e"}, None]])
def test_a_list_that_is_printed_item_by_item_is_one_document(
    items: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    with json_list({"host": "web1"}, "lines") as print_item:
        for item in items:
            print_item(item)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == {"host": "web1", "lines": items}
