"""The words that relate things to each other: names of programs, units, packages, users, paths and ports. Pure."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from dthostmon.model import Container, Group, Package, Port, Service, Thing, Timer, WatchedFile

MAX_WORDS = 60  # beside the paths of a package, each of which explains a change
MIN_WORD_CHARACTERS = 2
MAX_CHARACTERS = 16 * 1024  # of all words of a thing: they are stored with its change

_UNIT_ENDING = re.compile(r"\.(?:service|socket|timer|mount|path|target|slice)$")
_VERSION = re.compile(r"[-_]?\d[\w.+~-]*$|:\w+$")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_][\w.@+-]*")
# folders whose names relate nothing: half of a system lies in them
_COMMON_NAMES = (
    "etc usr lib lib64 bin sbin var opt srv home root run tmp local share conf conf.d default init.d system systemd"
    " cron.d cron.daily sites-enabled sites-available log data www main cur new"
)
_COMMON = frozenset(_COMMON_NAMES.split())


def words_of(thing: Thing, *more: str) -> tuple[str, ...]:
    """Return the words of a thing, each once, the most telling first; `more` come first."""
    owned = thing.owns if isinstance(thing, Package) else ()
    found = (word.lower() for word in (*more, *_words(thing)) if len(word) >= MIN_WORD_CHARACTERS)
    return tuple(_first(islice(dict.fromkeys(found), MAX_WORDS + len(owned))))


def _first(words: Iterator[str]) -> Iterator[str]:
    left = MAX_CHARACTERS
    for word in words:
        left -= len(word)
        if left < 0:
            return
        yield word


def _words(thing: Thing) -> Iterator[str]:
    yield from _names(thing)
    for attribute in ("path", "where"):
        if path := getattr(thing, attribute, ""):
            yield from (path, *path_words(path))
    for attribute in ("user", "device"):
        yield getattr(thing, attribute, "")
    for attribute in ("command", "text"):
        yield from text_words(getattr(thing, attribute, None) or "" if not isinstance(thing, WatchedFile) else "")


def _names(thing: Thing) -> Iterator[str]:
    """Yield what a thing is called, and what it is made of."""
    match thing:
        case Package():
            bare = _VERSION.sub("", thing.name.partition(":")[2] or thing.name)
            yield from (thing.name, bare, bare.partition("-")[0])
            yield from thing.owns
            for path in thing.owns:
                yield from path_words(path)
        case Service() | Timer():
            yield from unit_words(thing.name)
        case Port():
            yield from (thing.program, str(thing.port))
        case Container():
            image = thing.image.rpartition("/")[2].partition(":")[0]
            yield from (thing.name, image, thing.project, *thing.project_files)
        case Group():
            yield from (thing.name, *thing.members)
        case _:
            yield from text_words(thing.subject)


def unit_words(unit: str) -> Iterator[str]:
    """Yield a unit's name, without its ending, and without its instance."""
    stem = _UNIT_ENDING.sub("", unit)
    yield from (unit, stem, stem.partition("@")[0])


def path_words(path: str) -> Iterator[str]:
    """Yield the names in a path that say something, the last first, with and without their ending."""
    for part in reversed(PurePosixPath(path).parts):
        stem = _UNIT_ENDING.sub("", part)
        for word in (part, stem, stem.partition(".")[0]):
            if word and word not in _COMMON and word != "/":
                yield word


def text_words(text: str) -> Iterator[str]:
    """Yield the words of a text, and of the paths in it the names."""
    for token in text.split():
        if token.startswith("/"):
            yield from (token, *path_words(token))
        elif found := _PLAIN_WORD.fullmatch(token):
            yield found[0]
