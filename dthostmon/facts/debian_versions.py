"""Which of two versions of a Debian package is newer. Pure."""

import re

_PART = re.compile(r"([^0-9]*)([0-9]*)")
_MOST_DIGITS = 30  # of a number; no version counts so far
_END = ((0,), 0)  # after ~, and before all else

VersionKey = tuple[int, tuple[tuple[tuple[int, ...], int], ...], tuple[tuple[tuple[int, ...], int], ...]]


def version_key(version: str) -> VersionKey:
    """Return what puts versions into dpkg's order (`1:2.0~rc1-3+deb12u1`); any text has its place there."""
    epoch, colon, rest = version.partition(":")
    upstream, dash, revision = (rest if colon else version).rpartition("-")
    if not dash:
        upstream, revision = revision, ""
    return (_number(epoch) if colon else 0, _parts(upstream), _parts(revision))


def _parts(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    found = _PART.findall(text)[:-1] or [("", "")]  # the last one is the end; no text is as good as a zero
    return (*(((*map(_order, letters), 0), _number(digits)) for letters, digits in found), _END)


def _order(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isascii() and letter.isalpha() else ord(letter) + 256


def _number(digits: str) -> int:
    return int(digits[:_MOST_DIGITS]) if digits.isascii() and digits.isdecimal() else 0
