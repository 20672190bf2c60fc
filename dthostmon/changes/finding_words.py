"""The words of a finding that relate it to changes, each with how much it says. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from dthostmon.changes.relatives import UNIT_ENDING, bare_names, is_common, path_words, paths_in, text_words, unit_words
from dthostmon.model import Finding

# How much a word in common says: a path or a unit is one thing, a number may be many.
PATH_POINTS = 8.0
FIELD_POINTS = 6.0
PROGRAM_POINTS = 5.0
PARENT_POINTS = 4.0
TEXT_POINTS = 3.0
NUMBER_POINTS = 1.5
_EVERYWHERE_POINTS = 0.5  # for words that half of all things have

_WORDS_EVERYWHERE = (
    "root daemon nobody service user tcp udp the of on in at is no to for and from by with not it an as or be"
    " /bin/sh /bin/bash /usr/bin/sh /usr/bin/bash /bin/true /bin/false /usr/bin/env /dev/null /usr/sbin/nologin"
)
_EVERYWHERE = frozenset(_WORDS_EVERYWHERE.split())
_NAMING = ("subject", "unit", "container", "program", "process", "file", "path")
_PROGRAM = re.compile(r"\b([A-Za-z][\w.+/-]{1,40})(?:\[\d+\])?:")
_LONGEST_PATH = 1000  # characters
_MOST_PARENTS = 10
_OF_SYSTEM = frozenset({"etc", "lib", "usr", "var"})
_PORT = re.compile(r"(?:port[ =]|:)(\d{2,5})(?![\w.]|:\d)", re.IGNORECASE)


def words_in(finding: Finding) -> Mapping[str, float]:
    """Return what a finding is about: words in small letters, with their points."""
    points: dict[str, float] = {}
    for word, value in _words(finding):
        points[word] = max(points.get(word, 0.0), _EVERYWHERE_POINTS if word in _EVERYWHERE else value)
    return points


def text_of(finding: Finding) -> str:
    """Return all that a finding says, as one text."""
    return "\n".join((finding.kind, finding.title, *(line.line for line in finding.evidence)))


def names_in(finding: Finding) -> frozenset[str]:
    """Return what a finding names as that which is wrong: two that name the same tell of one trouble."""
    values = (finding.fields.get(name, "") for name in _NAMING)
    return frozenset(UNIT_ENDING.sub("", value).lower() for value in values if value)


def programs_in(finding: Finding) -> frozenset[str]:
    """Return the programs that wrote a finding's lines, as far as their beginnings tell."""
    return frozenset(program.lower() for line in finding.evidence for program in _PROGRAM.findall(line.line)[:1])


def _words(finding: Finding) -> Iterator[tuple[str, float]]:
    text = text_of(finding)
    for word in text_words(text):
        yield word.lower(), NUMBER_POINTS if word.isdecimal() else TEXT_POINTS
    yield from _weighed(_PORT.findall(text), TEXT_POINTS)
    programs = _PROGRAM.findall(text)
    if finding.rule:
        programs.append(finding.rule.partition(".")[0])
    for program in programs:
        yield from _weighed((program, *bare_names(program), program.partition("/")[0]), PROGRAM_POINTS)
    for name, value in finding.fields.items():
        yield from _weighed(_of_field(name, value), FIELD_POINTS)
    for path in paths_in(text):
        yield path.lower(), PATH_POINTS
        yield from _weighed(_parents(path), PARENT_POINTS)


def _of_field(name: str, value: str) -> Iterator[str]:
    yield value
    if value.startswith("/"):
        yield from path_words(value)
    if name == "unit" or UNIT_ENDING.search(value):
        yield from unit_words(value)
    yield from bare_names(value)
    yield from _PORT.findall(value)


def _parents(path: str) -> Iterator[str]:
    """Yield the folders that a path lies in, but for those where half of a system lies."""
    for parent in tuple(PurePosixPath(path[:_LONGEST_PATH]).parents)[-_MOST_PARENTS:]:
        if len(parent.parts) > 2 and not (parent.parts[1] in _OF_SYSTEM and is_common(parent.name)):
            yield str(parent)


def _weighed(words: Iterable[str], points: float) -> Iterator[tuple[str, float]]:
    return ((word.lower(), points) for word in words if word)
