"""What the machine is: system, kernel, uptime, time zone."""

import re
from collections.abc import Mapping

from dthostmon.facts.probe import Probe
from dthostmon.model import Identity

PRETTY_NAME = re.compile(r'^PRETTY_NAME=(["\']?)(.*)\1$', re.MULTILINE)
LONGEST_TEXT = 200  # no honest system name is longer


def parse_identity(outputs: Mapping[str, bytes]) -> Identity:
    """Read what os-release, uname, /proc/uptime, the zone files and /proc/stat told."""
    uname = _text(outputs.get("uname", b"")).split()
    pretty = PRETTY_NAME.search(outputs.get("release", b"").decode(errors="replace"))
    return Identity(
        os=_text(pretty[2].encode()) if pretty and pretty[2] else None,
        kernel=uname[0] if len(uname) == 2 else None,
        architecture=uname[1] if len(uname) == 2 else None,
        uptime=_number(_text(outputs.get("uptime", b"")).split(" ")[0]),
        timezone=_zone(_text(outputs.get("zone", b""))),
        cpus=int(count) if (count := _text(outputs.get("cpus", b""))).isdecimal() and int(count[:6]) > 0 else None,
    )


def _zone(text: str) -> str | None:
    """Return the zone's name where a file names one, else its offset: `Europe/Berlin`, `+0200`."""
    named = re.search(r"(?:zoneinfo/)?([A-Z][A-Za-z_]+(?:/[A-Za-z_+-]+[0-9]*){0,2})", text)
    offset = re.search(r"[+-]\d{4}", text)
    return named[1] if named else offset[0] if offset else None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", text) else None


def _text(raw: bytes) -> str:
    """Return the first line, printable and short: a host's name for itself is shown to people."""
    line = raw.decode(errors="replace").strip().partition("\n")[0]
    return "".join(character if character.isprintable() else "?" for character in line)[:LONGEST_TEXT]


IDENTITY: Probe[Identity] = Probe(
    name="identity",
    commands={
        "release": "cat /etc/os-release || cat /usr/lib/os-release",
        "uname": "uname -rm",
        "uptime": "cat /proc/uptime",
        "zone": "echo $(cat /etc/timezone || readlink /etc/localtime) $(date +%z)",
        "cpus": "grep -c '^cpu[0-9]' /proc/stat",
    },
    parse=parse_identity,
)
