"""One check of one host, and one pass over the hosts that are due.

Knows nothing of the scheduler, the web or the terminal: what it needs of the store and the transport comes in as
arguments.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from dthostmon import analysis, facts, judge, logs, rules, scoring
from dthostmon.errors import CursorConflictError, ErrorKind, StoreError, VisitError
from dthostmon.model import (
    Coverage,
    Cycle,
    Facts,
    Finding,
    FindingSource,
    History,
    Host,
    HostState,
    LogReading,
    LogsReading,
    Metrics,
    Run,
    RunStatus,
    Severity,
    Visit,
)
from dthostmon.rules import RuleSet
from dthostmon.transport import Lane, Session

logger = logging.getLogger(__name__)

NO_HISTORY = History()
SMALL_BYTES = 4 * 1024  # a few lines
MAX_JUDGED_HOSTS = 4
TRAIL_BYTES = 100  # a trail of the history takes as long to judge as so many bytes of a log
LEAST_CPU_SECONDS = 60.0
TICKS_PER_SECOND = 100  # what Linux counts processor time in for user space (USER_HZ)
OLD_NEWS_DAYS = 2

Result = TypeVar("Result")


class RunStore(Protocol):
    """What a check needs of the store."""

    async def load_state(self, host: str) -> HostState:
        """Return what is known of a host."""

    async def load_history(self, host: str, template_ids: Sequence[str], role: str, max_runs: int) -> History:
        """Return what is known of a host's usual life and of the named templates."""

    async def latest_run(self, host: str) -> Run | None:
        """Return the last run of a host, complete; None for a host never seen."""

    async def save_run(self, visit: Visit) -> Run:
        """Store a run with all that belongs to it in one transaction; return it with its ids."""

    async def save_cycle(self, cycle: Cycle) -> None:
        """Store the summary of a cycle."""


def _always_answers(_host: Host) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Parts:
    """What a check is made of; the composition root fills it in.

    `visit` gives an open session to a host. `monotonic` returns seconds, `draw` a number from 0 to 1.
    """

    store: RunStore
    visit: Callable[[Host], AbstractAsyncContextManager[Session]]
    rules: RuleSet
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    nonce: Callable[[], str]
    memory: logs.Memory = field(default_factory=logs.Memory)
    # one thread: Python computes one thing at a time anyway, and one host's lines at a time need less memory
    analyst: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "analyst"))
    # what was seen in a host's lines is held until it is stored: not that of all hosts at the same time
    judging: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_JUDGED_HOSTS))
    assessor: judge.Assessor | None = None  # without one, the rules alone judge, and nobody asks why
    prices: Mapping[str, judge.Prices] = field(default_factory=dict)  # by provider
    is_unreachable: Callable[[Host], bool] = _always_answers
    draw: Callable[[], float] = random.random


async def check_host(host: Host, parts: Parts) -> Run:
    """Visit a host, judge what is new, store it.

    Raises VisitError (the host), TimeoutError (the visit took longer than the host's timeout) and StoreError; nothing
    of the visit is stored then, and the next one reads the same lines.
    """
    started_at, begin = parts.clock(), parts.monotonic()
    _tell_phase(host, "load")
    state = await parts.store.load_state(host.name)
    with logs.room_in(parts.memory) as room:
        async with asyncio.timeout(host.timeout) as room.deadline:
            reading, known, own = await _visit(host, state, parts, room)
        async with parts.judging:
            _tell_phase(host, "analyse")
            examined, history = await _understand(host, state, reading, known, own, parts, started_at)
            visit = _make_visit(host, state, reading, known, examined, history, started_at, parts.monotonic() - begin)
            if parts.assessor is None or not parts.assessor.asks_about(examined, history, host.name, started_at):
                return await _save(host, visit, parts)
            if not parts.assessor.has_models:
                return await _save(host, replace(visit, run=judge.unasked(visit.run)), parts)
            last = await parts.store.latest_run(host.name)
            enquiry = parts.assessor.enquiry(examined, history, host, last.findings if last else ())
        _tell_phase(host, "judge")  # which may take minutes: others are judged meanwhile
        assessment = await parts.assessor.assess(enquiry, parts.clock())
        return await _save(host, _assessed(visit, enquiry, assessment, parts), parts)


async def _save(host: Host, visit: Visit, parts: Parts) -> Run:
    _tell_phase(host, "save")
    saved = await parts.store.save_run(visit)
    _tell_phase(host, "done")
    return saved


def _assessed(visit: Visit, enquiry: judge.Enquiry, assessment: judge.Assessment, parts: Parts) -> Visit:
    """Return a visit with what a model says of it, or why none did."""
    run = judge.judged(visit.run, assessment, parts.prices)
    return replace(visit, run=run, unjudged=judge.evidence_document(enquiry.evidence) if assessment.is_open else None)


async def _understand(
    host: Host,
    state: HostState,
    reading: LogsReading,
    known: Facts,
    own: analysis.OwnLogins | None,
    parts: Parts,
    now: datetime,
) -> tuple[analysis.Examination, History]:
    """Judge what is new by what is known of the host; only of what was seen the store is asked."""
    new_lines = [(log.path, part) for log in reading.logs for part in log.parts]
    metrics, moment = _judged(known, state), analysis.Moment(now, facts.zone_of(known.identity))
    if not new_lines:
        return analysis.examine((), parts.rules, host.thresholds, metrics, own, moment), NO_HISTORY
    size = sum(len(data) for _, data in new_lines)
    observing = (new_lines, parts.rules, own, moment, state.open_records)
    observed = await _compute(parts, size, partial(analysis.observe, *observing, logs_overlap=True))
    seen = [entry.template.id for entry in observed.templates]
    history = await parts.store.load_history(host.name, seen, host.role, host.learning.runs)
    judging = (observed, parts.rules, history, host.thresholds, metrics, host.learning, moment, host.name)
    size += TRAIL_BYTES * len(history.trails)
    return await _compute(parts, size, partial(analysis.conclude, *judging)), history


async def _compute(parts: Parts, size: int, work: Callable[[], Result]) -> Result:
    """Compute beside the event loop; a few lines at once, since the way to a thread and back takes longer."""
    if size <= SMALL_BYTES:
        return work()
    return await asyncio.get_running_loop().run_in_executor(parts.analyst, work)


def _make_visit(
    host: Host,
    state: HostState,
    reading: LogsReading,
    known: Facts,
    examined: analysis.Examination,
    history: History,
    started_at: datetime,
    duration: float,
) -> Visit:
    """Grade what a visit found, and make of it what is to be stored: what is stored already is left out."""
    with_lines = {log.path for log in reading.logs if log.data}
    without_lines = [log.path for log in reading.logs if not log.data and not log.unreadable and not log.bytes_pending]
    silent = analysis.silences(without_lines, state.rhythms, host.interval, started_at)
    findings = (*reading.problems, *silent, *examined.findings)
    if not state.patterns:
        findings = tuple(_as_history(finding, started_at) for finding in findings)
    grade = scoring.grade(findings)
    run = Run(
        host=host.name,
        site=host.site,
        status=RunStatus.OK,
        started_at=started_at,
        duration=duration,
        severity=grade.severity,
        score=grade.score,
        reasons=grade.reasons,
        summary=scoring.summary(findings),
        recommendations=scoring.recommendations(findings),
        findings=findings,
        logs=tuple(make_coverage(log, examined.tallies.get(log.path)) for log in reading.logs),
        facts=known,
    )
    for row in filter(lambda row: row.bytes_unexplained, run.logs):
        logger.error("the ledger does not add up", extra={"host": host.name, "log": row.path})
    moved = tuple(_moved(log, state) for log in reading.logs)
    return Visit(
        run=run,
        logs=moved,
        patterns=reading.patterns - state.patterns,
        templates=examined.templates,
        client_addresses=examined.own_addresses,
        role=host.role,
        learned=examined.learned,
        rhythms=analysis.new_rhythms(with_lines, state.rhythms, history.last_run_at, host.interval, started_at),
        open_records={path: examined.open_records[path] for path in with_lines if path in examined.open_records},
    )


def _moved(log: LogReading, state: HostState) -> LogReading:
    """Leave the cursor of an idle log where it is: to move it costs a statement, and no line can be counted twice."""
    stored = state.cursors.get(log.path) or state.streams.get(log.path)
    return log if log.data or log.cursor != stored else replace(log, cursor=None)


def _as_history(finding: Finding, now: datetime) -> Finding:
    """Say of what a first visit finds that it was long ago: a log is looked back into, to begin with."""
    days = (now - finding.last_seen).days if finding.last_seen else 0
    if days < OLD_NEWS_DAYS:
        return finding
    return replace(finding, title=f"{finding.title} (last seen {days} days ago)")


async def _visit(
    host: Host, state: HostState, parts: Parts, room: logs.Room
) -> tuple[LogsReading, Facts, analysis.OwnLogins | None]:
    _tell_phase(host, "connect")
    async with parts.visit(host) as session:
        _tell_phase(host, "read")
        reading = await logs.read_new(session, host.logs, state, host.look_back, logs.Caps(lag=host.max_lag), room)
        _tell_phase(host, "facts")
        known = await facts.gather(session, host.probes, state.cpu_times)
        return reading, known, _own_logins(host, state, known, session.client_address)


def _own_logins(host: Host, state: HostState, known: Facts, candidate: str | None) -> analysis.OwnLogins | None:
    if host.ssh is None:
        return None
    told = {rules.normal_address(known.client_address)} if known.client_address else set()
    seen = rules.normal_address(candidate) if candidate else None
    return analysis.OwnLogins(host.ssh.user, state.client_addresses | told, seen)


def _judged(known: Facts, state: HostState) -> Metrics | None:
    """Return the metrics that are judged: what the CPU did in some seconds says nothing."""
    metrics = known.metrics
    if metrics is None or _cpu_seconds(known, state) >= LEAST_CPU_SECONDS:
        return metrics
    return replace(metrics, cpu_percent=None)


def _cpu_seconds(known: Facts, state: HostState) -> float:
    """Return how long the CPU was watched: since the visit before, by the kernel's own count; 0 = nobody knows."""
    now, before = known.metrics.cpu_times if known.metrics else None, state.cpu_times
    cpus = known.identity.cpus if known.identity else None
    if not now or not before:
        return 0.0
    return (sum(now) - sum(before)) / TICKS_PER_SECOND / (cpus or 1)


def make_coverage(log: LogReading, tally: analysis.Tally | None) -> Coverage:
    """Write a log's row of the ledger: what appeared comes from the reading, what was analysed from the lines that
    were judged.
    """
    return Coverage(
        path=log.path,
        bytes_appeared=log.bytes_appeared,
        # the rest of a line too long to be held was judged with its start
        bytes_analysed=(tally.bytes if tally else 0) + sum(log.continued.values()),
        bytes_skipped=log.bytes_skipped,
        bytes_pending=log.bytes_pending,
        skip_reason=log.skip_reason,
        lines=tally.lines if tally else 0,
        rotated=log.rotated,
        gaps=log.gaps,
    )


def _tell_phase(host: Host, phase: str) -> None:
    logger.debug("a check entered its next phase", extra={"host": host.name, "phase": phase})


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
        return await self.record(_failed(host, failure, started_at, self.parts.monotonic() - begin))

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


def _failed(host: Host, failure: VisitError, started_at: datetime, duration: float) -> Run:
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


async def run_cycle(
    hosts: Sequence[Host], checks: HostChecks, deadline: float | None = None, told: Callable[[Run], None] | None = None
) -> Cycle:
    """Check the hosts and store the cycle. A host whose turn does not end within `deadline` seconds is reported as
    failed.

    `told` is called with each run as it ends.
    """
    parts = checks.parts
    started_at, begin = parts.clock(), parts.monotonic()

    async def check_in_turn(host: Host) -> Run:
        turn_begin = parts.clock()
        try:
            async with asyncio.timeout(deadline):
                run = await checks.check(host)
        except TimeoutError:
            late = VisitError(
                ErrorKind.TIMEOUT,
                f"the cycle's deadline of {deadline:g} s passed.",
                "Raise the interval or monitoring.max_concurrent_hosts.",
            )
            run = await checks.record(_failed(host, late, turn_begin, parts.monotonic() - begin))
        if told:
            told(run)
        return run

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(check_in_turn(host), name=f"check:{host.name}") for host in hosts]
    runs = tuple(task.result() for task in tasks)
    cycle_id = f"c-{int(started_at.timestamp() * 1000):x}-{parts.nonce()}"  # two intervals may start at one moment
    cycle = Cycle(cycle_id, started_at, parts.monotonic() - begin, runs)
    try:
        await parts.store.save_cycle(cycle)
    except StoreError as error:
        logger.error("a cycle could not be stored", extra={"error": str(error)})
    return cycle
