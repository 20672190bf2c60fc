"""The words that relate things to each other: names of programs, units, packages, users, paths and ports. Pure."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import PurePosixPath

from dthostmon.model import Container, Group, KernelSetting, Package, Port, Service, Thing, Timer, WatchedFile

MAX_WORDS = 60  # beside the paths of a package, each of which explains a change
MAX_CHARACTERS = 16 * 1024  # of all words of a thing: they are stored with its change
MAX_DIFF_LINES = 40
MIN_WORD_CHARACTERS = 2
MIN_BARE_CHARACTERS = 3

UNIT_ENDING = re.compile(r"\.(?:service|socket|timer|mount|path|target|slice)$")
_VERSION = re.compile(r"[-_]?\d[\w.+~-]*$|:\w+$")
_NUMBERS = re.compile(r"\d[\d.]*")
_PATH = re.compile(r"(?<![\w.>/~-])/[A-Za-z0-9_@.][\w@.+~-]*(?:/[\w@.+~-]+)*")
_WORD = re.compile(r"[A-Za-z0-9_][\w.@+-]*")
# what is no word of a language, but was given to something as its name: AllowUsers, worker_processes, php8.2, 5432
_GIVEN_NAME = re.compile(r"[A-Za-z]+[a-z][A-Z]\w*|\w*[A-Za-z0-9][_.@-][\w.@-]*\w|[A-Za-z]+\d\w*|\d{3,5}")
# folders whose names relate nothing: half of a system lies in them
_COMMON_NAMES = (
    "etc usr lib lib64 bin sbin var opt srv home root run tmp local share conf conf.d default init.d system systemd"
    " cron.d cron.daily sites-enabled sites-available log data www main cur new"
)
_COMMON = frozenset(_COMMON_NAMES.split())


def words_of(thing: Thing, *more: str) -> tuple[str, ...]:
    """Return the words of a thing, each once, the most telling first; `more` come last."""
    owned = thing.owns if isinstance(thing, Package) else ()
    found = (word.lower() for word in (*_words(thing), *more) if len(word) >= MIN_WORD_CHARACTERS)
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
    for attribute in ("user", "device", "home"):
        yield getattr(thing, attribute, "")
    for attribute in ("command", "text"):
        yield from text_words(getattr(thing, attribute, None) or "" if not isinstance(thing, WatchedFile) else "")


def _names(thing: Thing) -> Iterator[str]:
    """Yield what a thing is called, and what it is made of."""
    match thing:
        case Package():
            bare = _VERSION.sub("", thing.name.partition(":")[2] or thing.name)
            yield from (thing.name, bare, bare.partition("-")[0], *bare_names(thing.name))
            yield from thing.owns
            for path in thing.owns:
                yield from path_words(path)
        case Service() | Timer():
            yield from unit_words(thing.name)
        case Port():
            yield from (thing.program, str(thing.port))
        case Container():
            image = thing.image.rpartition("/")[2].partition(":")[0]
            yield from (thing.name, image, thing.project, *thing.project_files, thing.engine)
        case Group():
            yield from (thing.name, *thing.members)
        case KernelSetting():
            yield from (thing.name, *thing.name.split("."))
        case _:
            yield from text_words(thing.subject)


def diff_words(diff: str) -> Iterator[str]:
    """Yield what the changed lines of a unified diff name: paths, and words that are names."""
    changed = [line[1:] for line in diff.splitlines()[2:] if line.startswith(("+", "-"))]
    text = "\n".join(changed[:MAX_DIFF_LINES])
    yield from paths_in(text)
    yield from (word for word in _WORD.findall(text) if _GIVEN_NAME.fullmatch(word))


def unit_words(unit: str) -> Iterator[str]:
    """Yield a unit's name, without its ending, and without its instance."""
    stem = UNIT_ENDING.sub("", unit)
    yield from (unit, stem, stem.partition("@")[0], *bare_names(stem))


def bare_names(name: str) -> Iterator[str]:
    """Yield what a program may be called elsewhere: without a version (php8.2-fpm), and without the d of a daemon."""
    bare = _NUMBERS.sub("", name)
    without_d = bare.removesuffix("d")
    for word in (bare, without_d):
        if word != name and len(word) >= MIN_BARE_CHARACTERS:
            yield word


def path_words(path: str) -> Iterator[str]:
    """Yield the names in a path that say something, the last first, with and without their ending."""
    for part in reversed(PurePosixPath(path).parts):
        stem = UNIT_ENDING.sub("", part)
        for word in (part, stem, stem.partition(".")[0], stem.partition("_")[0]):
            if word and word not in _COMMON and word != "/":
                yield word


def is_common(name: str) -> bool:
    """Tell whether a folder of that name relates nothing."""
    return name in _COMMON


def paths_in(text: str) -> Iterator[str]:
    """Yield the absolute paths in a text, whatever stands around them."""
    return (path.rstrip(".:-") for path in _PATH.findall(text))


def text_words(text: str) -> Iterator[str]:
    """Yield the words of a text, and of the paths in it the names."""
    for path in paths_in(text):
        yield from (path, *path_words(path))
    yield from _plain_words(_PATH.sub(" ", text))


def _plain_words(text: str) -> Iterable[str]:
    return (word.rstrip(".-@+") for word in _WORD.findall(text))
