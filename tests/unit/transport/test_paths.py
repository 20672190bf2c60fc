"""The text form of paths: reversible for any bytes, and safe to show and to store."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dthostmon.transport import paths


@given(st.binary(max_size=300))
@example(b"/var/log/\xff\\x41\n")
@example("/var/log/grün/日本".encode())
@example(b"\xed\xa0\x80")  # a surrogate, encoded as if it were a character
def test_every_path_survives_the_way_to_text_and_back(path: bytes) -> None:
    assert paths.to_bytes(paths.to_text(path)) == path


@given(st.binary(max_size=300))
def test_the_text_has_no_control_character_and_no_lone_surrogate(path: bytes) -> None:
    text = paths.to_text(path)
    text.encode("utf-8")
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"/var/log/syslog", "/var/log/syslog"),
        ("/var/log/grün".encode(), "/var/log/grün"),
        (b"/a b'\"$(id)", "/a b'\"$(id)"),
        (b"/new\nline", "/new\\x0aline"),
        (b"/latin\xe9", "/latin\\xe9"),
        (b"/back\\slash", "/back\\\\slash"),
        ("/\u202egol".encode(), "/\\xe2\\x80\\xaegol"),
    ],
)
def test_what_cannot_be_shown_is_written_as_its_bytes(path: bytes, text: str) -> None:
    assert paths.to_text(path) == text


@given(st.text(alphabet=st.characters(exclude_characters="\\", exclude_categories=["Cs"])))
def test_a_path_as_people_type_it_means_its_utf8(text: str) -> None:
    assert paths.to_bytes(text) == text.encode()


def test_a_backslash_that_begins_no_escape_is_itself() -> None:
    assert paths.to_bytes(r"/odd\name") == rb"/odd\name"
