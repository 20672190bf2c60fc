"""What is no text yet is known by its first bytes, and text in any alphabet is not taken for it."""

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from dthostmon.cli.foreign_form import foreign_form

TEXT = "Nov 23 06:00:00 here demo[7]: pump is broken\n" * 50
DATA = TEXT.encode()


@pytest.mark.parametrize(
    ("content", "command"),
    [
        (gzip.compress(DATA, mtime=0), "zcat 'a b.log' | dthostmon analyze -"),
        (lzma.compress(DATA), "xzcat 'a b.log' | dthostmon analyze -"),
        (bz2.compress(DATA), "bzcat 'a b.log' | dthostmon analyze -"),
        (bz2.compress(b""), "bzcat 'a b.log' | dthostmon analyze -"),
        (b"\x28\xb5\x2f\xfd\x04\x58", "zstdcat 'a b.log' | dthostmon analyze -"),
        (TEXT.encode("utf-16"), "iconv -f UTF-16 -t UTF-8 'a b.log' | dthostmon analyze -"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "iconv -f UTF-16 -t UTF-8 'a b.log' | dthostmon analyze -"),
        (TEXT.encode("utf-16-le"), "iconv -f UTF-16LE -t UTF-8 'a b.log' | dthostmon analyze -"),
        (TEXT.encode("utf-16-be"), "iconv -f UTF-16BE -t UTF-8 'a b.log' | dthostmon analyze -"),
        (TEXT.encode("utf-32"), "iconv -f UTF-32 -t UTF-8 'a b.log' | dthostmon analyze -"),
    ],
)
def test_a_foreign_form_comes_with_the_command_that_works(content: bytes, command: str) -> None:
    form = foreign_form(content)
    assert form
    assert form.command(Path("a b.log")) == command


@pytest.mark.parametrize(
    "content",
    [
        DATA,
        b"",
        b"a",
        b"\0",
        b"\0\0\0\0",
        b"\0" * 4096 + DATA,
        b"\xef\xbb\xbf" + DATA,
        b"BZh9 is a word\n",
        "東京\n".encode(),
    ],
)
def test_lines_are_no_foreign_form(content: bytes) -> None:
    assert foreign_form(content) is None


def test_what_came_in_on_stdin_is_called_file() -> None:
    form = foreign_form(gzip.compress(DATA, mtime=0))
    assert form
    assert form.command(Path("-")) == "zcat FILE | dthostmon analyze -"
