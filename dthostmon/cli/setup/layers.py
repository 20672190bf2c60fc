"""What testing a host shows, layer by layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dthostmon.errors import ErrorKind
from dthostmon.model import Host, TransportKind

if TYPE_CHECKING:
    from dthostmon.transport.inspection import OfferedKey

DNS = "dns"
TCP = "tcp"
HOST_KEY = "host key"
AUTH = "auth"
SFTP = "sftp"
SHELL = "shell"
LOG = "log"
PROBE = "probe"
CONNECTING = (DNS, TCP, HOST_KEY, AUTH)


class Status(StrEnum):
    """How a layer is. `missing`: a log that is not there, which is no failure as long as the host has another, or a
    part of what a probe tells.
    """

    OK = "ok"
    MISSING = "missing"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_WANTED = "not wanted"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of one host; `subject` is the log's pattern or the probe. `fix` says what mends a failure."""

    name: str
    subject: str
    status: Status
    detail: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Tested:
    """A tested host with all its layers in order. `kind` is what ended the test, None where nothing did.

    `offered` are the keys of a host that is not known. `refuses_key`: the host itself did not take our key.
    """

    host: Host
    layers: tuple[Layer, ...]
    kind: ErrorKind | None = None
    offered: "tuple[OfferedKey, ...]" = ()
    refuses_key: bool = False

    @property
    def is_good(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.failures

    @property
    def failures(self) -> tuple[Layer, ...]:
        """The layers that failed."""
        return tuple(layer for layer in self.layers if layer.status is Status.FAILED)


def expected(host: Host) -> list[tuple[str, str]]:
    """Return name and subject of every layer of a host, in the order in which they are tested."""
    logs = [(LOG, pattern) for pattern in host.logs]
    return [*((name, "") for name in (*CONNECTING, SFTP, SHELL)), *logs, *((PROBE, probe) for probe in host.probes)]


def not_wanted(host: Host) -> list[Layer]:
    """Return the layers that this machine does not need."""
    if host.transport is not TransportKind.LOCAL:
        return []
    return [Layer(name, "", Status.NOT_WANTED, "this machine") for name in (*CONNECTING, SFTP)]


def completed(host: Host, layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return the layers of a host in order; those that were not come to are skipped."""
    told = {(layer.name, layer.subject): layer for layer in layers}
    return tuple(told.get(place, Layer(*place, Status.SKIPPED)) for place in expected(host))


def failed_at(host: Host, layers: Sequence[Layer], detail: str, fix: str) -> list[Layer]:
    """Return the layers with the first one that is not told yet as the failed one."""
    told = {(layer.name, layer.subject) for layer in layers}
    left = [place for place in expected(host) if place not in told]
    return [*layers, *(Layer(*place, Status.FAILED, detail, fix) for place in left[:1])]
