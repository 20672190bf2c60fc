"""The logins that `last` tells. Pure."""

import re
from collections.abc import Iterator
from datetime import datetime

from dthostmon.facts.plain import plain
from dthostmon.model import Login

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d\d:?\d\d|Z)"
# USER TERMINAL TIME, then how it ended and how long it took, or that it did not; the origin comes last.
_LOGIN = re.compile(
    rf"(\S+) +(\S+(?: \S+)*?) +({_TIME}) *"
    r"(?:(?P<on>still logged in)|gone - no logout|- \S+(?: +\([^)]*\))?)(?: +(\S+))?"
)
_NO_USERS = {"reboot", "shutdown", "runlevel"}


def parse_logins(output: bytes) -> Iterator[Login]:
    """Yield the newest login of each user at each terminal; `last` tells the newest first."""
    told: set[tuple[str, str]] = set()
    for line in output.split(b"\n"):
        found = _LOGIN.fullmatch(plain(line, 400))
        if not found or found[1] in _NO_USERS or (found[1], found[2]) in told:
            continue
        told.add((found[1], found[2]))
        yield Login(found[1], found[2], found[5] or "", _time(found[3]), is_on=bool(found["on"]))


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
