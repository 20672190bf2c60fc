"""What the machine is doing: processor, memory, load, pressure, traffic, temperature and every real mount's space."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from dthostmon.facts.disk_usage import DISKS_COMMAND, disk_lines, parse_disks, used_percent
from dthostmon.facts.gauges import (
    TEMPERATURE_WORDS,
    parse_open_files,
    parse_pressure,
    parse_temperature,
    temperatures,
)
from dthostmon.facts.probe import Probe
from dthostmon.facts.processor import (
    STAT_COMMAND,
    Times,
    cpu_shares,
    parse_blocked,
    parse_cpu_times,
    stat_lines,
    stat_lines_later,
)
from dthostmon.facts.traffic import parse_counters, rates
from dthostmon.model import Counters, Metrics

MEMORY_LINE = re.compile(rb"^(MemTotal|MemAvailable|SwapTotal|SwapFree): +(\d{1,15}) kB$", re.MULTILINE)
CPU_SAMPLE_SECONDS = 0.5


def parse_metrics(
    outputs: Mapping[str, bytes], before: Times | None = None, counters: Counters | None = None
) -> Metrics:
    """Read what the kernel's files and the usage lines of the mounts told.

    The CPU is compared with `before`, or with the first of two readings where nothing is known from before; traffic
    with the `counters` of before.
    """
    cpu, (load1, load5, load15) = outputs.get("cpu", b""), _load(outputs.get("load", b""))
    cpu_times, counted = parse_cpu_times(cpu), parse_counters(outputs)
    shares = cpu_shares(before or parse_cpu_times(outputs.get("cpu_before", b"")), cpu_times)
    memory, traffic = _memory(outputs.get("memory", b"")), rates(counters, counted)
    stalled = {name: parse_pressure(outputs.get(f"pressure_{name}", b"")) for name in ("cpu", "memory", "io")}
    open_files, open_files_limit = parse_open_files(outputs.get("open_files", b""))
    return Metrics(
        cpu_percent=shares.busy,
        memory_percent=used_percent(memory.total, memory.available),
        swap_percent=used_percent(memory.swap_total, memory.swap_free),
        load1=load1,
        load5=load5,
        load15=load15,
        disks=parse_disks(outputs.get("disks", b"")),
        cpu_times=cpu_times,
        cpu_user=shares.user,
        cpu_system=shares.system,
        cpu_iowait=shares.iowait,
        cpu_steal=shares.steal,
        cpu_idle=shares.idle,
        memory_total=memory.total,
        memory_available=memory.available,
        swap_total=memory.swap_total,
        swap_free=memory.swap_free,
        pressure_cpu=stalled["cpu"].some,
        pressure_memory=stalled["memory"].some,
        pressure_memory_full=stalled["memory"].full,
        pressure_io=stalled["io"].some,
        pressure_io_full=stalled["io"].full,
        disk_read_rate=traffic.disk_read,
        disk_write_rate=traffic.disk_written,
        network_receive_rate=traffic.network_received,
        network_send_rate=traffic.network_sent,
        temperature=parse_temperature(outputs.get("temperature", b"")),
        blocked=parse_blocked(cpu),
        open_files=open_files,
        open_files_limit=open_files_limit,
        counters=counted,
    )


class _Memory(NamedTuple):
    """Bytes; None = unknown."""

    total: int | None
    available: int | None
    swap_total: int | None
    swap_free: int | None


def _memory(raw: bytes) -> _Memory:
    sizes = {name: int(value) * 1024 for name, value in MEMORY_LINE.findall(raw)}
    return _Memory(*(sizes.get(name) for name in (b"MemTotal", b"MemAvailable", b"SwapTotal", b"SwapFree")))


def _load(raw: bytes) -> tuple[float | None, float | None, float | None]:
    values = re.match(rb"(\d{1,7}\.\d\d) (\d{1,7}\.\d\d) (\d{1,7}\.\d\d) ", raw)
    return (float(values[1]), float(values[2]), float(values[3])) if values else (None, None, None)


def metrics_since(before: Times | None, counters: Counters | None = None) -> Probe[Metrics]:
    """Make the probe; without counters from before, the CPU needs two readings half a second apart."""
    probe = Probe(
        name="metrics",
        parse=partial(parse_metrics, before=before, counters=counters),
        contents={
            "memory": ("/proc/meminfo",),
            "load": ("/proc/loadavg",),
            "uptime": ("/proc/uptime",),
            "drives": ("/proc/diskstats",),
            "network": ("/proc/net/dev",),
            "open_files": ("/proc/sys/fs/file-nr",),
            "pressure_cpu": ("/proc/pressure/cpu",),
            "pressure_memory": ("/proc/pressure/memory",),
            "pressure_io": ("/proc/pressure/io",),
        },
        words={"cpu": STAT_COMMAND, "temperature": TEMPERATURE_WORDS},
        commands={"disks": DISKS_COMMAND},
        files={"cpu": stat_lines, "disks": disk_lines, "temperature": temperatures},
        # many kernels are built without the first, and many machines have no sensor
        optional=frozenset({"pressure_cpu", "pressure_memory", "pressure_io", "temperature"}),
    )
    if before is not None:
        return probe
    earlier = {"cpu_before": f"{STAT_COMMAND}; sleep 0.5 || sleep 1"}
    files = {"cpu_before": stat_lines, "cpu": stat_lines_later(CPU_SAMPLE_SECONDS)}
    return replace(probe, commands={**earlier, **probe.commands}, files={**probe.files, **files})
