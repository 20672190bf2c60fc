"""Checks of many hosts: some at the same time, and no error of one reaches another."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime

from dthostmon.cycle.check import check_host
from dthostmon.cycle.parts import Parts
from dthostmon.errors import CursorConflictError, ErrorKind, StoreError, VisitError
from dthostmon.model import Finding, FindingSource, Host, Run, RunStatus, Severity, Visit
from dthostmon.transport import Lane

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class HostChecks:
    """Checks hosts, some at the same time, never one host twice at once, the silent ones in a slow lane."""

    parts: Parts
    limit: int
    busy: set[str] = field(default_factory=set)
    _slots: asyncio.Semaphore = field(init=False)
    _lane: Lane = field(init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.limit)
        self._lane = Lane(self.limit, self.parts.draw)

    async def check(self, host: Host) -> Run:
        """Check one host and return its run, whatever happens: this is the boundary that no error of a host crosses."""
        if host.name in self.busy:
            return await self.record(
                self._skipped(host, "the check before has not ended; a longer interval or a narrower `logs` would help")
            )
        self.busy.add(host.name)
        try:
            async with self._turn(host), self._slots:
                return await self._check_or_report(host)
        finally:
            self.busy.discard(host.name)

    def _turn(self, host: Host) -> AbstractAsyncContextManager[None]:
        """Let a host wait without a slot: what is dead must not hold up the living."""
        return self._lane.turn(host.interval) if self.parts.is_unreachable(host) else nullcontext()

    async def _check_or_report(self, host: Host) -> Run:
        started_at, begin = self.parts.clock(), self.parts.monotonic()
        try:
            return await check_host(host, self.parts)
        except VisitError as error:
            failure = error
        except TimeoutError:
            failure = VisitError(
                ErrorKind.TIMEOUT,
                f"the visit took longer than {host.timeout:g} s.",
                "Raise monitoring.host_timeout, or read fewer logs.",
            )
        except CursorConflictError:
            return await self.record(
                self._skipped(host, "another process checked this host meanwhile and counted these lines")
            )
        except StoreError as error:
            failure = VisitError(
                ErrorKind.INTERNAL, f"the run could not be stored: {error}", "The lines are read again by the next run."
            )
        except Exception:
            logger.exception("a check failed", extra={"host": host.name})
            failure = VisitError(ErrorKind.INTERNAL, "the check failed inside dthostmon;", "its log has the details.")
        return await self.record(failed_run(host, failure, started_at, self.parts.monotonic() - begin))

    def _skipped(self, host: Host, why: str) -> Run:
        return Run(
            host.name,
            host.site,
            RunStatus.SKIPPED,
            self.parts.clock(),
            0.0,
            Severity.INFO,
            error=why,
            summary=f"Skipped: {why}.",
        )

    async def record(self, run: Run) -> Run:
        """Store a run that has no reading; where even that fails, the run is still told."""
        try:
            return await self.parts.store.save_run(Visit(run))
        except StoreError as error:
            logger.error("a run could not be stored", extra={"host": run.host, "error": str(error)})
            return run


def failed_run(host: Host, failure: VisitError, started_at: datetime, duration: float) -> Run:
    severity = Severity.CRITICAL if failure.kind is ErrorKind.HOST_KEY_CHANGED else Severity.WARN
    finding = Finding(
        kind=f"host-{failure.kind.value}" if not failure.kind.value.startswith("host-") else failure.kind.value,
        severity=severity,
        title=failure.message,
        source=FindingSource.RULE,
        rule="dthostmon.host-unreachable",
        recommended_action=failure.fix,
    )
    return Run(
        host=host.name,
        site=host.site,
        status=RunStatus.FAILED,
        started_at=started_at,
        duration=duration,
        severity=severity,
        error=str(failure),
        error_kind=failure.kind,
        summary=f"Could not be checked: {failure.message}",
        recommendations=(failure.fix,) if failure.fix else (),
        findings=(finding,),
    )
