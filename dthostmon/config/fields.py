"""Kinds of values: each accepts what a user writes, with its unit, and renders it back the same way.

A validator says only what would be right; the reporter of problems adds what was found, unless that may be a secret.
"""

import re
from collections.abc import Iterator, Sized
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    SecretStr,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MASK = "********"
MAX_DURATION_SECONDS = 3650 * 86400
MAX_SIZE_BYTES = 2**30

_T = TypeVar("_T")

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhd])")
BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE = re.compile(r"([0-9]{1,12})(B|KiB|MiB|GiB)")


def expected(what: str) -> PydanticCustomError:
    """Make the error of a value that is not right; `what` completes "expected …"."""
    return PydanticCustomError("expected", "expected {what}", {"what": what})


def not_yet(feature: str, below: tuple[tuple[str | int, ...], ...] = ((),)) -> PydanticCustomError:
    """Make the error of what no code uses yet; `below` are the paths, from the value down, that ask for it."""
    return PydanticCustomError("not_yet", "not available yet: {feature}", {"feature": feature, "below": below})


class OnWish:
    """Marks a section whose example is no default: it is commented out in the example file."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """Marks a key that is modelled before its code exists: refused unless empty or `off`, never silently ignored."""

    feature: str
    off: tuple[object, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "$comment": f"not available yet: {self.feature}"}

    def _check(self, value: _T) -> _T:
        below = tuple(self._switched_on(value))
        if below:
            raise not_yet(self.feature, below)
        return value

    def _switched_on(self, value: object) -> Iterator[tuple[str | int, ...]]:
        if isinstance(value, BaseModel):
            for name in sorted(value.model_fields_set):
                key = type(value).model_fields[name].alias or name
                yield from ((key, *path) for path in self._switched_on(getattr(value, name)))
        elif not (value is None or value in self.off or (isinstance(value, Sized) and len(value) == 0)):
            yield ()


def parse_duration(value: object) -> float:
    """Parse `30s`, `5m`, `1h`, `7d` into seconds (at most ten years)."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise expected(f"a number with its unit: write {value}s")
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise expected("a number with its unit, like 30s, 5m, 1h or 7d")
    seconds = float(match[1]) * SECONDS[match[2]]
    if seconds > MAX_DURATION_SECONDS:
        raise expected("at most 3650d")
    return seconds


def render_duration(seconds: float) -> str:
    """Render seconds in the largest unit that divides them."""
    for unit, length in reversed(SECONDS.items()):
        if seconds >= length and seconds % length == 0:
            return f"{int(seconds) // length}{unit}"
    return f"{seconds:g}s"


def parse_size(value: object) -> int:
    """Parse `512B`, `64KiB`, `4MiB`, `1GiB` into bytes (at most 1 GiB)."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise expected(f"a number with its unit: write {value}B")
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise expected("a number with its unit, like 512B, 64KiB or 4MiB")
    size = int(match[1]) * BYTES[match[2]]
    if size > MAX_SIZE_BYTES:
        raise expected("at most 1GiB")
    return size


def render_size(size: int) -> str:
    """Render bytes in the largest unit that divides them."""
    for unit, length in reversed(BYTES.items()):
        if size >= length and size % length == 0:
            return f"{size // length}{unit}"
    return f"{size}B"


def at_least(minimum: float, written: str) -> AfterValidator:
    """Refuse smaller numbers; `written` is the minimum as a user writes it."""

    def check(value: float) -> float:
        if value < minimum:
            raise expected(f"{written} or more")
        return value

    return AfterValidator(check)


def in_range(low: float, high: float) -> AfterValidator:
    """Refuse numbers outside of low to high (and not-a-number)."""

    def check(value: _T) -> _T:
        if not (isinstance(value, int | float) and low <= value <= high):
            raise expected(f"a number from {low:g} to {high:g}")
        return value

    return AfterValidator(check)


def matching(pattern: str, what: str) -> AfterValidator:
    """Refuse text that the pattern does not match whole."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise expected(what)
        return value

    return AfterValidator(check)


def _no_bool(value: object) -> object:
    """Refuse true and false where pydantic would read them as 1 and 0."""
    if isinstance(value, bool):
        raise expected("a number")
    return value


def mask(secret: SecretStr) -> str:
    """Hide a secret; an empty one is shown empty, so that a missing secret can be seen."""
    return MASK if secret.get_secret_value() else ""


_PASSWORDS = (
    re.compile(r"(?P<before>^postgresql://[^:@/?#]*:)(?P<password>[^/?#]*)(?=@)"),
    re.compile(r"(?P<before>[?&]password=)(?P<password>[^&]*)"),
)
DATABASE_FORMS = "sqlite:///relative.db, sqlite:////absolute.db or postgresql://user:password@host/database"


def check_database_url(url: SecretStr) -> SecretStr:
    """Accept the two databases there are, each in one form."""
    text = url.get_secret_value()
    if text.startswith("sqlite:///") and text.removeprefix("sqlite:///") not in {"", "/", ":memory:"}:
        return url
    if not text.startswith("postgresql://"):
        raise expected(DATABASE_FORMS)
    _check_postgresql(text)
    return url


def _check_postgresql(text: str) -> None:
    try:
        parts = urlsplit(text)
        complete = re.fullmatch(r"/[^/@]+", parts.path) is not None and parts.port != 0 and text.count("@") <= 1
    except ValueError:
        complete = False
    if not complete:
        raise expected(f"{DATABASE_FORMS}; percent-encode special characters in user and password")


def mask_database_url(url: SecretStr) -> str:
    """Return the URL with its password hidden."""
    text = url.get_secret_value()
    for pattern in _PASSWORDS:
        text = pattern.sub(rf"\g<before>{MASK}", text)
    return text


def database_password(url: SecretStr) -> str:
    """Return what `mask_database_url` hides, empty where there is none."""
    matches = (pattern.search(url.get_secret_value()) for pattern in _PASSWORDS)
    return "".join(match["password"] for match in matches if match)


class ListenAddress(NamedTuple):
    """Where the API listens; port 0 lets the system choose."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})")


def parse_listen(value: object) -> ListenAddress:
    """Parse `127.0.0.1:8080` or `[::1]:8080`."""
    if isinstance(value, ListenAddress):
        return value
    match = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[3]) > 65535:
        raise expected("an address and a port, like 127.0.0.1:8080 or [::1]:8080")
    return ListenAddress(match[1] or match[2], int(match[3]))


_JOURNAL = re.compile(r"journal:(?:[A-Za-z0-9_][A-Za-z0-9:_.@\\-]{0,254})?")
_CONTAINERS = re.compile(r"docker:[][A-Za-z0-9_.*?!-]{1,255}")


def _check_form(form: re.Pattern[str], value: str, what: str) -> str:
    if not form.fullmatch(value):
        raise expected(what)
    return value


def check_log(pattern: str) -> str:
    """Accept an absolute path or glob, `journal:`, `journal:UNIT`, and `docker:` with the name of containers."""
    if pattern.startswith("journal:"):
        return _check_form(_JOURNAL, pattern, "journal: for all of the journal, or one unit like journal:ssh.service")
    if pattern.startswith("docker:"):
        return _check_form(_CONTAINERS, pattern, "a container's name or a glob of names, like docker:web or docker:*")
    if not pattern.startswith("/") or pattern.endswith("/"):
        raise expected("an absolute path or glob of files, like /var/log/nginx/*.log, or journal: or docker:*")
    return pattern


def _text_schema(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(render_duration, return_type=str, when_used="json"),
    _text_schema(r"^[0-9]+(\.[0-9]+)?[smhd]$", "30s"),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(render_size, return_type=str, when_used="json"),
    _text_schema(r"^[0-9]+(B|KiB|MiB|GiB)$", "64KiB"),
]
Secret = Annotated[
    SecretStr,
    PlainSerializer(mask, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string"}),
]
DatabaseUrl = Annotated[
    SecretStr,
    AfterValidator(check_database_url),
    PlainSerializer(mask_database_url, return_type=str, when_used="json"),
    _text_schema(r"^(sqlite:///|postgresql://).+$", "sqlite:///dthostmon.db"),
]
Listen = Annotated[
    ListenAddress,
    BeforeValidator(parse_listen),
    PlainSerializer(str, return_type=str, when_used="json"),
    _text_schema(r"^.+:[0-9]+$", "127.0.0.1:8080"),
]
Port = Annotated[
    int,
    BeforeValidator(_no_bool),
    in_range(1, 65535),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 65535}),
]
Count = Annotated[
    int,
    BeforeValidator(_no_bool),
    in_range(1, 100_000),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100_000}),
]
Cycles = Annotated[
    int,
    BeforeValidator(_no_bool),
    in_range(1, 20),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 20}),
]
Percent = Annotated[
    float, BeforeValidator(_no_bool), in_range(0, 100), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100})
]
Mount = Annotated[str, matching(r"/[^\0]{0,4095}", "the path of a mount, such as /var, or a glob of several")]
Name = Annotated[str, matching(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}", "a name of letters, digits, '.', '_' and '-'")]
Tag = Annotated[str, matching(r"[^\s,]{1,64}", "a word of at most 64 characters, without commas")]
Hostname = Annotated[
    str, matching(r"[^\s/@-][^\s/@]{0,252}", "a host name or an IP address (the user has its own key)")
]
User = Annotated[str, matching(r"[^\s:@-][^\s:@]{0,255}", "a login name")]
FilePath = Annotated[str, matching(r"[^\0]{1,4096}", "the path of a file")]
LogPattern = Annotated[str, AfterValidator(check_log)]
