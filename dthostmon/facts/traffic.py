"""What went to and from drives and networks: the kernel's counters, and how fast they grew between two visits."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from dthostmon.facts.plain import number
from dthostmon.model import Counters

SECTOR_BYTES = 512  # what /proc/diskstats counts in, whatever the drive's own sectors are
LARGEST_COUNTER = 2**64 - 1
LARGEST_RATE = 1e15  # bytes a second: what is above is no traffic
SHORTEST_SECONDS = 1.0

# Drives themselves: what lies over them (md, device mapper, loop, zram) would count each byte once more. Partitions
# count where their drive is not shown, as on some virtual machines.
DRIVE = re.compile(r"(?P<drive>(?:sd|vd|xvd|hd|dasd)[a-z]{1,4}|(?:nvme\d{1,4}n|mmcblk|pmem)\d{1,4})(?:p?\d{1,4})?")
# Networks whose bytes pass through another interface too, or never leave the machine.
INNER_NETWORK = re.compile(
    r"lo|.*[.@].*|(?:veth|br|docker|podman|virbr|vnet|vlan|lxc|lxdbr|cni|cali|flannel|kube|nodelocaldns|ovs|dummy|ifb"
    r"|tap|tun|wg|ppp|gre|sit|ip6|ipip|erspan|bond|team|macv|vxlan|tailscale|zt).*"
)
UPTIME = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(?:\s|$)")


def parse_counters(outputs: Mapping[str, bytes]) -> Counters | None:
    """Read /proc/uptime, /proc/diskstats and /proc/net/dev; None where it is unknown how long they have counted."""
    uptime = UPTIME.match(outputs.get("uptime", b"").decode("ascii", "replace"))
    if uptime is None:
        return None
    read, written = _of_drives(outputs.get("drives", b"").decode("ascii", "replace"))
    received, sent = _of_networks(outputs.get("network", b"").decode("ascii", "replace"))
    return Counters(float(uptime[1]), read, written, received, sent)


def _of_drives(text: str) -> tuple[int | None, int | None]:
    found: dict[str, tuple[str, int, int]] = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) > 9 and (named := DRIVE.fullmatch(fields[2])):
            read, written = number(fields[5], LARGEST_COUNTER), number(fields[9], LARGEST_COUNTER)
            if read is not None and written is not None:
                found[fields[2]] = (named["drive"], read, written)
    counted = [sums for name, (drive, *sums) in found.items() if drive == name or drive not in found]
    return _sum([read * SECTOR_BYTES for read, _ in counted]), _sum([written * SECTOR_BYTES for _, written in counted])


def _of_networks(text: str) -> tuple[int | None, int | None]:
    received: list[int] = []
    sent: list[int] = []
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        fields = rest.split()
        if len(fields) < 9 or INNER_NETWORK.fullmatch(name.strip()):
            continue
        both = number(fields[0], LARGEST_COUNTER), number(fields[8], LARGEST_COUNTER)
        if both[0] is not None and both[1] is not None:
            received.append(both[0])
            sent.append(both[1])
    return _sum(received), _sum(sent)


def _sum(counts: list[int]) -> int | None:
    """Add up counters; None where there is none, or where they are absurd."""
    total = sum(counts)
    return total if counts and total <= LARGEST_COUNTER else None


class Rates(NamedTuple):
    """Bytes a second; None = unknown."""

    disk_read: float | None = None
    disk_written: float | None = None
    network_received: float | None = None
    network_sent: float | None = None


def rates(before: Counters | None, now: Counters | None) -> Rates:
    """Return how many bytes a second there were between two visits.

    After a reboot it is the mean since then. None where that is unknown: a counter is missing, or went back because a
    drive or an interface was taken away.
    """
    if before is None or now is None:
        return Rates()
    start = before if before.uptime <= now.uptime else Counters(0.0, 0, 0, 0, 0)
    seconds = now.uptime - start.uptime
    return Rates(
        disk_read=_rate(start.disk_read, now.disk_read, seconds),
        disk_written=_rate(start.disk_written, now.disk_written, seconds),
        network_received=_rate(start.network_received, now.network_received, seconds),
        network_sent=_rate(start.network_sent, now.network_sent, seconds),
    )


def _rate(before: int | None, now: int | None, seconds: float) -> float | None:
    if before is None or now is None or now < before or seconds < SHORTEST_SECONDS:
        return None
    rate = (now - before) / seconds
    return round(rate, 1) if rate <= LARGEST_RATE else None
