"""Visits to store: small by default, everything in them on request."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dthostmon.errors import ErrorKind
from dthostmon.model import (
    Coverage,
    Cursor,
    DiskUsage,
    Evidence,
    Facts,
    FilePosition,
    Finding,
    FindingSource,
    HostState,
    Identity,
    LogReading,
    Metrics,
    Reason,
    Run,
    RunStatus,
    Severity,
    Template,
    TemplateCount,
    Visit,
)
from dthostmon.store import Store
from dthostmon.store.tables import COUNTED, MEASURED

START = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
LOG = "/var/log/syslog"


def at(minutes: int) -> datetime:
    """Return a time that lies so many minutes after the first one."""
    return START + timedelta(minutes=minutes)


def position(path: str, offset: int) -> FilePosition:
    """Return a position; its inode is one that no signed number holds."""
    return FilePosition(path, offset, offset, offset, 1700000000.123456, 2**64 - 1, "ab" * 32)


def finding(title: str = "Failed login", lines: tuple[str, ...] = ("a line",)) -> Finding:
    """Return a finding with its evidence."""
    evidence = tuple(Evidence(LOG, line, f"l-{line}", at(3)) for line in lines)
    fields = {"user": "root", "address": "192.0.2.1"}
    times = {"first_seen": at(1), "last_seen": at(3)}
    return Finding(
        "auth", Severity.WARN, title, FindingSource.RULE, "sshd.failed", 3, evidence, "Look at it.", fields, **times
    )


def reading(state: HostState, data: bytes, path: str = LOG) -> LogReading:
    """Return what a visit reads of a log that grew by `data`."""
    known = state.cursors.get(path)
    offset = known.current.offset if known else 0
    cursor = Cursor(
        path, position(path, offset + len(data)), known.previous if known else None, known.version if known else 0
    )
    return LogReading(path, data, cursor, len(data))


def coverage(size: int, *, path: str = LOG, skipped: int = 0, pending: int = 0, reason: str | None = None) -> Coverage:
    """Return a ledger that adds up."""
    return Coverage(path, size, size - skipped, skipped, pending, reason, 1, rotated=False)


def run(
    host: str = "web1", minutes: int = 0, findings: tuple[Finding, ...] = (), logs: tuple[Coverage, ...] = ()
) -> Run:
    """Return a good run."""
    return Run(host, "chicago", RunStatus.OK, at(minutes), 1.5, Severity.INFO, 100, findings=findings, logs=logs)


def failed_run(host: str = "web1", minutes: int = 0) -> Run:
    """Return a run that did not reach its host."""
    return Run(
        host, None, RunStatus.FAILED, at(minutes), 0.5, Severity.WARN, error="no answer", error_kind=ErrorKind.TIMEOUT
    )


def skipped_run(host: str = "web1", minutes: int = 0) -> Run:
    """Return a run that another check of its host had overtaken."""
    return Run(host, None, RunStatus.SKIPPED, at(minutes), 0.0, Severity.INFO, error="another one runs")


def full_run() -> Run:
    """Return a run with a value in every field."""
    disks = (
        DiskUsage("/", "/dev/vda1", "ext4", 10**12, 10**11, 10.0, None),
        DiskUsage("/srv", "/dev/vdb", "xfs", 5, 4, None, 1.5, read_only=True),
    )
    metrics = Metrics(3.5, 41.25, None, 0.1, 0.2, 0.3, disks)
    more = dict.fromkeys(MEASURED, 1.5) | dict.fromkeys(COUNTED, 2**63 - 1)
    identity = Identity("Debian GNU/Linux 12", "6.1.0", "x86_64", 12.5, "Europe/Berlin", 4)
    return Run(
        host="web1",
        site="chicago",
        status=RunStatus.OK,
        started_at=at(7),
        duration=1.25,
        severity=Severity.CRITICAL,
        score=49,
        reasons=(Reason("41 failed logins for root", -13), Reason("capped", -38)),
        error="half of it",
        error_kind=ErrorKind.PERMISSION,
        judged_by="rules-only:no-provider",
        summary="größer als gedacht 🙂",
        recommendations=("do this", "then that"),
        findings=(finding("first"), finding("second", ("b", "c")), finding("third", ())),
        logs=(coverage(10), coverage(20, path="/var/log/auth.log", skipped=5, pending=3, reason="too long")),
        facts=Facts(identity, replace(metrics, **more), {"swap": "not told"}),
    )


def template(key: str = "t-1", count: int = 1, sample: str = "line 1") -> TemplateCount:
    """Return the count of a template."""
    return TemplateCount(Template(key, "line <*>", "sshd"), count, sample)


async def append(store: Store, data: bytes, *, host: str = "web1", minutes: int = 0, path: str = LOG) -> Run:
    """Visit a host whose log grew by `data`."""
    state = await store.load_state(host)
    logs = (coverage(len(data), path=path),)
    return await store.save_run(
        Visit(run(host, minutes, logs=logs), (reading(state, data, path),), frozenset({"/var/log/*"}))
    )


async def stored(store: Store, host: str = "web1", path_glob: str | None = None) -> bytes:
    """Return all bytes that are stored of a host."""
    return b"".join([chunk.data async for chunk in store.chunks(host, path_glob)])
