"""What the probes told of a machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dthostmon.model.thing import Inventory


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """One real mount. Percentages are of what an unprivileged user can fill, as df shows; None = not told."""

    mount: str
    device: str
    filesystem: str
    size: int
    used: int
    percent: float | None
    inodes_percent: float | None
    read_only: bool | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """What the kernel has counted since the boot, `uptime` seconds ago: bytes of all drives and of all networks.

    The next visit compares with them; None = unknown.
    """

    uptime: float
    disk_read: int | None = None
    disk_written: int | None = None
    network_received: int | None = None
    network_sent: int | None = None


@dataclass(frozen=True, slots=True)
class Metrics:
    """What the machine was doing; None = unknown, never 0.

    `cpu_percent` is the mean since the visit before (the first visit takes half a second's sample), so that a short
    burst is no finding; what it was spent on are shares of the same time: user and system include nice and interrupts.
    `cpu_times` are the kernel's counters now, in ticks since boot: user, nice, system, idle, iowait, irq, softirq,
    steal; the next visit compares with them, and with `counters`.

    Sizes are bytes, rates bytes a second since the visit before. Pressures are the percentage of the last five minutes
    in which some task (`full`: every task) waited for it. `temperature` is the highest, in degrees Celsius, `blocked`
    how many processes wait for a disk and cannot be ended.
    """

    cpu_percent: float | None
    memory_percent: float | None
    swap_percent: float | None
    load1: float | None
    load5: float | None
    load15: float | None
    disks: tuple[DiskUsage, ...]
    cpu_times: tuple[int, ...] | None = None
    cpu_user: float | None = None
    cpu_system: float | None = None
    cpu_iowait: float | None = None
    cpu_steal: float | None = None
    cpu_idle: float | None = None
    memory_total: int | None = None
    memory_available: int | None = None
    swap_total: int | None = None
    swap_free: int | None = None
    pressure_cpu: float | None = None
    pressure_memory: float | None = None
    pressure_memory_full: float | None = None
    pressure_io: float | None = None
    pressure_io_full: float | None = None
    disk_read_rate: float | None = None
    disk_write_rate: float | None = None
    network_receive_rate: float | None = None
    network_send_rate: float | None = None
    temperature: float | None = None
    blocked: int | None = None
    open_files: int | None = None
    open_files_limit: int | None = None
    counters: Counters | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What the machine is; None = unknown."""

    os: str | None
    kernel: str | None
    architecture: str | None
    uptime: float | None
    timezone: str | None
    cpus: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the probes told. A probe that could not tell is None and named in `unknown` with its reason.

    `inventories` are what probes found, by their name, `marks` name the states that they were told of. A probe whose
    mark is that of the visit before has no inventory here: all is as it was.

    `client_address` is where the host sees us come from; None where it cannot tell.
    """

    identity: Identity | None = None
    metrics: Metrics | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)
    client_address: str | None = None
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
