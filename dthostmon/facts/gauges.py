"""What the kernel tells as it is at the moment: pressure, temperatures, open files."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dthostmon.errors import FileUnreadableError
from dthostmon.facts.plain import number
from dthostmon.facts.sources import FactFiles, Told

# Shell builtins alone, so that no process starts; words have no patterns unless they ask for them. A sensor that is
# switched off cannot be read, and says so on stderr.
TEMPERATURE_WORDS = (
    "set +f; for sensor in /sys/class/hwmon/hwmon*/temp*_input /sys/class/thermal/thermal_zone*/temp;"
    " do { read -r degrees < $sensor && printf '%s ' $degrees; } 2>/dev/null; done"
)
SENSOR_FOLDERS: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    "/sys/class/hwmon": (re.compile(r"hwmon\d{1,4}"), re.compile(r"temp\d{1,4}_input")),
    "/sys/class/thermal": (re.compile(r"thermal_zone\d{1,4}"), re.compile(r"temp")),
}
SENSORS_LIMIT = 32  # of a host without a shell, where each is a file to ask for
# what is outside is a sensor that is not wired, or broken
COLDEST_MILLIDEGREES, HOTTEST_MILLIDEGREES = -60_000, 150_000

# of the processor `full` has no meaning for the whole machine, says the kernel's documentation
PRESSURE = re.compile(rb"^(some|full) (?:avg\d+=[\d.]+ ){2}avg300=(\d{1,3}\.\d\d) ", re.MULTILINE)
LARGEST_COUNT = 2**63 - 1  # what no limit looks like, and the most that a database holds


class Pressure(NamedTuple):
    """In which share of the last five minutes some task, and every task, waited: in percent; None = unknown."""

    some: float | None
    full: float | None


def parse_pressure(raw: bytes) -> Pressure:
    """Read a file of /proc/pressure."""
    told = {kind: float(value) for kind, value in PRESSURE.findall(raw)}
    some, full = told.get(b"some"), told.get(b"full")
    return Pressure(_percentage(some), _percentage(full))


def _percentage(value: float | None) -> float | None:
    return value if value is not None and value <= 100 else None


def parse_temperature(raw: bytes) -> float | None:
    """Return the highest of some temperatures in thousandths of a degree, in degrees."""
    read = [int(word) for word in raw.split()[:1000] if re.fullmatch(rb"-?\d{1,9}", word)]
    credible = [degrees for degrees in read if COLDEST_MILLIDEGREES <= degrees <= HOTTEST_MILLIDEGREES]
    return round(max(credible) / 1000, 1) if credible else None


def parse_open_files(raw: bytes) -> tuple[int | None, int | None]:
    """Return how many files are open, and how many may be."""
    words = raw.split()
    if len(words) != 3:
        return None, None
    opened, limit = number(words[0], LARGEST_COUNT), number(words[2], LARGEST_COUNT)
    return opened, limit


async def temperatures(files: FactFiles) -> Told:
    """Tell what TEMPERATURE_WORDS print."""
    found = [path for folder in SENSOR_FOLDERS for path in await _sensors(files, folder)]
    told = await asyncio.gather(*(_degrees(files, path) for path in found[:SENSORS_LIMIT]))
    return Told(b" ".join(told))


async def _sensors(files: FactFiles, folder: str) -> Sequence[str]:
    device, sensor = SENSOR_FOLDERS[folder]
    devices = [name for name in await _names(files, folder) if device.fullmatch(name)][:SENSORS_LIMIT]
    names = await asyncio.gather(*(_names(files, f"{folder}/{name}") for name in devices))
    return [
        f"{folder}/{device}/{name}"
        for device, found in zip(devices, names, strict=True)
        for name in found
        if sensor.fullmatch(name)
    ]


async def _names(files: FactFiles, folder: str) -> Sequence[str]:
    try:
        return sorted(entry.name for entry in await files.list(folder))
    except FileUnreadableError:
        return ()


async def _degrees(files: FactFiles, path: str) -> bytes:
    try:
        return (await files.beginning(path, 64)).strip()
    except FileUnreadableError:
        return b""
