"""Jump hosts as a configuration writes them: `[user@]host[:port]`, several separated by commas, the outermost first."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from dthostmon.config.fields import expected
from dthostmon.model import MAX_JUMPS

SWITCHED_OFF = "none"

_HOP = re.compile(
    r"(?:(?P<user>[^\s:@,-][^\s:@,]{0,255})@)?"
    r"(?:\[(?P<address>[0-9A-Fa-f:.]+(?:%[^\s\]]+)?)\]|(?P<host>[^\s/@:,\[\]-][^\s/@:,\[\]]{0,252}))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


@dataclass(frozen=True, slots=True)
class Hop:
    """One element: a host to connect through; None = it does not say."""

    host: str
    user: str | None = None
    port: int | None = None


class RouteError(Exception):
    """There is no way to a host through the jumps that its configuration names. `host` is the one that names them."""

    def __init__(self, host: str, message: str) -> None:
        super().__init__(message)
        self.host = host


def parse_jump(text: str | None) -> tuple[Hop, ...]:
    """Parse a jump that `check_jump` accepted; None and `none` are ()."""
    if text in (None, SWITCHED_OFF):
        return ()
    return tuple(_parse_hop(part) for part in text.split(","))


def check_jump(text: str) -> str:
    """Accept what parse_jump understands."""
    if len(parse_jump(text)) > MAX_JUMPS:
        raise expected(f"at most {MAX_JUMPS} hosts to connect through")
    return text


def _parse_hop(text: str) -> Hop:
    match = _HOP.fullmatch(text.strip())
    if match is None or not 1 <= int(match["port"] or 1) <= 65535:
        raise expected(
            "[user@]host[:port], several separated by commas, the outermost first, or none"
            " (an IPv6 address stands in brackets)"
        )
    return Hop(match["address"] or match["host"], match["user"], int(match["port"]) if match["port"] else None)


Jump = Annotated[str, AfterValidator(check_jump)]
