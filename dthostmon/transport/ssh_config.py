"""An ssh_config, as far as it says how a host is reached: read as ssh reads it, and nothing in it is ever executed.

What decides by running a command or by looking at this machine's network (`ProxyCommand`, `Match exec`) is an error of
the host it decides for, never a guess.
"""

import glob
import os
import pwd
import re
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import MAX_JUMPS, SshAccess
from dthostmon.transport.file_state import FileState

MAX_FILE_BYTES = 2**20
MAX_FILES = 256
MAX_INCLUDE_DEPTH = 16
OTHERS_WRITE = 0o022

# Of these the first value that applies to a host counts; the two after them are lists that grow.
FIRST_COUNTS = {"hostname", "port", "user", "userknownhostsfile", "hostkeyalias"}
LISTS = {"identityfile", "certificatefile"}
PROXIES = {"proxyjump", "proxycommand"}  # one of them counts, whichever is first
NONE = {"none", "/dev/null"}

_LINE = re.compile(r"\s*(?P<keyword>[A-Za-z0-9]+)(?:\s*=\s*|\s+)(?P<rest>.*?)\s*")
_WORD = re.compile(r'\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|\'(?P<single>[^\']*)\'|(?P<bare>[^\s"]+))')
_HOP = re.compile(
    r"(?:(?P<user>[^@:/]+)@)?(?:\[(?P<address>[^\]]+)\]|(?P<host>[^:\[\]-][^:\[\]]*))(?::(?P<port>\d{1,5}))?"
)
_TOKEN = re.compile(r"%(.)")


@dataclass(frozen=True, slots=True)
class _Line:
    place: str
    keyword: str
    words: tuple[str, ...]


@dataclass(slots=True)
class _Entry:
    """What applies to one alias; every value has the line that it came from."""

    alias: str
    user: str  # who logs in where no line says it
    values: dict[str, _Line] = field(default_factory=dict)
    lists: dict[str, list[_Line]] = field(default_factory=dict)

    def first(self, keyword: str) -> str | None:
        """Return the one value of a keyword, None where there is none or it is none."""
        line = self.values.get(keyword)
        return None if line is None or line.words[0].lower() in NONE else line.words[0]

    def take(self, line: _Line) -> None:
        """Add a line that applies."""
        if line.keyword in LISTS:
            self.lists.setdefault(line.keyword, []).append(line)
        elif line.keyword in FIRST_COUNTS:
            self.values.setdefault(line.keyword, line)
        elif line.keyword in PROXIES:
            self.values.setdefault("proxy", line)


_Matcher: TypeAlias = Callable[[_Entry, str], bool]


def resolve(access: SshAccess) -> SshAccess:
    """Complete an access, and what it is reached through, with what their ssh_configs say.

    The result names no ssh_config any more; where none is to be read, it is the access itself. Blocks for as long as
    the files take; raises VisitError (auth) where one cannot be used.
    """
    if access.config is None and all(hop.config is None for hop in access.jump):
        return access
    return _resolve(access, 0)


def _resolve(access: SshAccess, depth: int) -> SshAccess:
    if depth > MAX_JUMPS:
        message = f"The ssh_config {access.config} leads to {access.hostname} through too many hosts, or in a circle."
        raise _unusable(message, f"Correct `ProxyJump` there; at most {MAX_JUMPS} in a row are followed.")
    entry = _look_up(access) if access.config else None
    complete = _over(access, entry) if entry else access
    jump: list[SshAccess] = []
    for hop in _jumps(access, entry):
        # The way to the first one is its own; the others are reached from the one before them.
        known = _resolve(hop if not jump else replace(hop, explicit=hop.explicit | {"jump"}), depth + 1)
        jump += [*known.jump, replace(known, jump=())]
    if len(jump) > MAX_JUMPS:
        message = f"{access.hostname} is behind {len(jump)} hosts by the ssh_config {access.config}."
        raise _unusable(message, f"Correct `ProxyJump` there; at most {MAX_JUMPS} in a row are followed.")
    return replace(complete, jump=tuple(jump), config=None, explicit=frozenset())


def _jumps(access: SshAccess, entry: _Entry | None) -> Sequence[SshAccess]:
    """Return what a host is reached through: as it says itself, or else by its ssh_config, or else by ours."""
    proxy = entry.values.get("proxy") if entry else None
    if proxy is None or "jump" in access.explicit:
        return access.jump
    if proxy.words[0].lower() == "none":
        return ()
    if proxy.keyword == "proxycommand":
        message = f"{proxy.place}: `ProxyCommand` applies to {access.hostname}, and no command is run to connect."
        raise _unusable(message, "Write `ProxyJump` instead, or set `jump` for the host.")
    assert entry is not None  # noqa: S101  # the proxy is of it
    return [_hop(access, proxy, text) for text in _expanded(proxy, proxy.words[0], _tokens(entry)).split(",")]


def _hop(access: SshAccess, line: _Line, text: str) -> SshAccess:
    found = _HOP.fullmatch(text)
    if found is None or not 1 <= int(found["port"] or 1) <= 65535:
        raise _unusable(f"{line.place}: `ProxyJump` names {text}.", "Write `[user@]host[:port]`.")
    explicit = frozenset(name for name in ("user", "port") if found[name])
    return replace(
        access,
        hostname=found["address"] or found["host"],
        user=found["user"] or access.user,
        port=int(found["port"] or 22),
        jump=(),
        retries=(),
        explicit=explicit,
    )


def _over(access: SshAccess, entry: _Entry) -> SshAccess:
    """Lay an entry over an access, save what that says itself."""
    open_keys = {"user", "port", "key", "certificate", "known_hosts"} - access.explicit
    found: dict[str, object] = {"hostname": _hostname(entry), "host_key_alias": entry.first("hostkeyalias")}
    if "user" in open_keys:
        found["user"] = entry.first("user") or access.user
    if "port" in open_keys:
        found["port"] = _port(entry) or access.port
    known_hosts = _existing(entry, [entry.values["userknownhostsfile"]] if entry.first("userknownhostsfile") else [])
    key = _existing(entry, entry.lists.get("identityfile", []))
    certificate = _existing(entry, entry.lists.get("certificatefile", []))
    if "known_hosts" in open_keys and known_hosts:
        found["known_hosts"] = known_hosts
    if "key" in open_keys and key:
        found |= {"key": key, "certificate": None}  # ours was made for our key
    if "certificate" in open_keys and certificate and "key" not in access.explicit:
        found["certificate"] = certificate
    return replace(access, **found)  # type: ignore[arg-type]  # the keys above are fields of SshAccess


def _hostname(entry: _Entry) -> str:
    line = entry.values.get("hostname")
    name = _expanded(line, line.words[0], {"h": entry.alias}) if line else entry.alias
    if not name or name.startswith("-"):
        raise _unusable(
            f"{line.place if line else entry.alias}: no host can be called {name!r}.", "Correct `HostName`."
        )
    return name


def _port(entry: _Entry) -> int | None:
    line = entry.values.get("port")
    if line is None:
        return None
    if not (line.words[0].isdecimal() and 1 <= int(line.words[0]) <= 65535):
        raise _unusable(f"{line.place}: found the port {line.words[0]}.", "Write a number from 1 to 65535.")
    return int(line.words[0])


def _existing(entry: _Entry, lines: Sequence[_Line]) -> str | None:
    """Return the first path that exists, or the first one where none does."""
    tokens = _tokens(entry) if lines else {}
    paths = [_expanded(line, word, tokens) for line in lines for word in line.words if word.lower() not in NONE]
    existing = (path for path in paths if os.path.exists(_at_home(path)))  # noqa: PTH110  # Path.exists raises
    return next(existing, paths[0] if paths else None)


def _tokens(entry: _Entry) -> Mapping[str, str]:
    here = socket.gethostname()
    return {
        "h": _hostname(entry),
        "n": entry.alias,
        "p": str(_port(entry) or 22),
        "r": entry.first("user") or entry.user,
        "u": _local_user(),
        "d": _at_home("~"),
        "i": str(os.getuid()),
        "l": here,
        "L": here.partition(".")[0],
        "k": entry.first("hostkeyalias") or entry.alias,
    }


def _expanded(line: _Line, text: str, tokens: Mapping[str, str]) -> str:
    if "${" in text:
        message = f"{line.place}: `{line.keyword}` takes a variable of the environment."
        raise _unusable(message, "Write its value, or set the key for the host in the configuration.")
    unknown = set(_TOKEN.findall(text)) - set(tokens) - {"%"}
    if unknown:
        message = f"{line.place}: `{line.keyword}` takes %{min(unknown)}, which is not understood here."
        raise _unusable(message, "Write its value, or set the key for the host in the configuration.")
    return _TOKEN.sub(lambda found: {**tokens, "%": "%"}[found[1]], text)


def _look_up(access: SshAccess) -> _Entry:
    assert access.config is not None  # noqa: S101  # the caller asked
    entry = _Entry(access.hostname, access.user)
    for final in (False, True):  # `Match final` is looked at when all else has been
        _Reading(entry, Path(_at_home(access.config)).parent, final).read(access.config, active=True, depth=0)
    return entry


class _Reading:
    """One pass over a file and what it includes."""

    def __init__(self, entry: _Entry, folder: Path, final: bool) -> None:
        self._entry = entry
        self._folder = folder
        self._final = final
        self._files = 0

    def read(self, path: str, *, active: bool, depth: int) -> None:
        """Take every line that applies. `active` False = the file was included where nothing applies."""
        applies = active
        self._files += 1
        if depth > MAX_INCLUDE_DEPTH or self._files > MAX_FILES:
            raise _unusable(f"The ssh_config {path} is included too deep or too often.", "Correct `Include`.")
        for line in _load(path):
            if line.keyword == "host":
                applies = active and _matches(line.words, self._entry.alias)
            elif line.keyword == "match":
                applies = active and self._match(line)
            elif line.keyword == "include":
                for included in self._included(line) if applies else ():
                    self.read(included, active=True, depth=depth + 1)
            elif applies:
                self._entry.take(line)

    def _included(self, line: _Line) -> Iterator[str]:
        for word in line.words:
            found = glob.glob(str(self._folder / _at_home(word)))  # noqa: PTH207  # an absolute pattern
            yield from (path for path in sorted(found) if Path(path).is_file())

    def _match(self, line: _Line) -> bool:
        """Tell whether a Match applies: all its criteria do. What cannot be told matters only where the others do."""
        words = [*line.words]
        unknown: str | None = None
        while words:
            word = words.pop(0).lower()
            name = word.removeprefix("!")
            if name in _PASSES:
                applies: bool = _PASSES[name](self._final)
            elif not words:
                raise _unusable(f"{line.place}: `Match {name}` lacks a pattern.", "Complete it.")
            elif name in _CRITERIA:
                applies = _CRITERIA[name](self._entry, words.pop(0))
            else:
                unknown, applies = name, not word.startswith("!")
                words.pop(0)
            if applies == word.startswith("!"):
                return False
        if unknown:
            message = f"{line.place}: `Match {unknown}` decides about {self._entry.alias}, and it is not followed here."
            raise _unusable(
                message, "Set user, port, key and jump of the host in the configuration, with `config: none`."
            )
        return True


_PASSES: Mapping[str, Callable[[bool], bool]] = {
    "all": lambda final: True,  # noqa: ARG005  # one signature for the three
    "canonical": lambda final: False,  # noqa: ARG005  # names are not made canonical here
    "final": lambda final: final,
}
_CRITERIA: Mapping[str, _Matcher] = {
    "host": lambda entry, pattern: _matches(pattern.split(","), _hostname(entry)),
    "originalhost": lambda entry, pattern: _matches(pattern.split(","), entry.alias),
    "user": lambda entry, pattern: _matches(pattern.split(","), entry.first("user") or entry.user),
    "localuser": lambda entry, pattern: _matches(pattern.split(","), _local_user()),  # noqa: ARG005  # one signature
}


def _matches(patterns: Sequence[str], text: str) -> bool:
    """Tell whether a pattern matches and no negated one does."""
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    refused = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return any(_wildcard(one).fullmatch(text) for one in wanted) and not any(
        _wildcard(one).fullmatch(text) for one in refused
    )


@lru_cache(maxsize=4096)
def _wildcard(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile(
        "".join(parts.get(character) or re.escape(character) for character in re.sub(r"\*+", "*", pattern))
    )


def _load(path: str) -> tuple[_Line, ...]:
    try:
        file = FileState.of(path)
        if file.size > MAX_FILE_BYTES or not file.path.is_file():
            raise _unusable(f"{path} is not an ssh_config.", "Name one as `ssh.config`, or leave it out.")
        if file.mode & OTHERS_WRITE:
            raise _unusable(f"The ssh_config {path} can be written by others.", f"Run `chmod go-w {path}`.")
        return _parse(file)
    except FileNotFoundError as exc:
        raise _unusable(
            f"The ssh_config {path} does not exist.", "Name another as `ssh.config`, or leave it out."
        ) from exc
    except (OSError, RuntimeError) as exc:
        raise _unusable(f"The ssh_config {path} cannot be read: {exc}.", "Let the user of dthostmon read it.") from exc


@lru_cache(maxsize=64)
def _parse(file: FileState) -> tuple[_Line, ...]:
    text = file.path.read_text(encoding="utf-8", errors="replace")
    lines = (_line(f"{file.path}:{number}", line) for number, line in enumerate(text.splitlines(), 1))
    return tuple(line for line in lines if line)


def _line(place: str, text: str) -> _Line | None:
    found = None if text.lstrip().startswith("#") else _LINE.fullmatch(text)
    words = tuple(_words(found["rest"])) if found else ()
    return _Line(place, found["keyword"].lower(), words) if found and words else None


def _words(text: str) -> Iterator[str]:
    for found in _WORD.finditer(text):
        if found["bare"] is not None:
            if found["bare"].startswith("#"):
                return
            yield found["bare"]
        else:
            yield re.sub(r"\\(.)", r"\1", found["double"]) if found["double"] is not None else found["single"]


def _at_home(path: str) -> str:
    return os.path.expanduser(path)  # noqa: PTH111  # Path.expanduser raises where there is no such user


def _local_user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _unusable(message: str, fix: str) -> VisitError:
    return VisitError(ErrorKind.AUTH, message, fix)
