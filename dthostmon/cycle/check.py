"""One check of one host."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from dthostmon import analysis, facts, judge, logs, rules
from dthostmon.cycle.changed import telling_changes, what_changed, with_what_changed_before
from dthostmon.cycle.foreseen import foreseen
from dthostmon.cycle.parts import Parts
from dthostmon.cycle.visit import make_visit
from dthostmon.model import Facts, History, Host, HostState, LogsReading, Metrics, Run, Visit

logger = logging.getLogger(__name__)

NO_HISTORY = History()
SMALL_BYTES = 4 * 1024  # a few lines
TRAIL_BYTES = 100  # a trail of the history takes as long to judge as so many bytes of a log
LEAST_CPU_SECONDS = 60.0
TICKS_PER_SECOND = 100  # what Linux counts processor time in for user space (USER_HZ)

Result = TypeVar("Result")


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
            reading, answers, seen_from = await _visit(host, state, parts, room)
        async with parts.judging, parts.comparing if answers.tell_things else nullcontext():
            _tell_phase(host, "analyse")
            known = answers.read()
            own = _own_logins(host, state, known, seen_from)
            examined, history = await _understand(host, state, reading, known, own, parts, started_at)
            changed = await what_changed(host, state, known, parts.store, started_at)
            coming = await foreseen(host, state, known, parts, started_at)
            visit = make_visit(
                host, state, reading, known, examined, history, changed, coming, started_at, parts.monotonic() - begin
            )
            visit = await _with_what_changed_before(host, visit, parts, started_at)
            if parts.assessor is None or not parts.assessor.asks_about(examined, history, host.name, started_at):
                return await _save(host, visit, parts)
            if not parts.assessor.has_models:
                return await _save(host, replace(visit, run=judge.unasked(visit.run)), parts)
            last = await parts.store.latest_run(host.name)
            earlier = last.findings if last else ()
            enquiry = parts.assessor.enquiry(examined, history, host, earlier, telling_changes(visit.run))
        _tell_phase(host, "judge")  # which may take minutes: others are judged meanwhile
        assessment = await parts.assessor.assess(enquiry, parts.clock())
        return await _save(host, _assessed(visit, enquiry, assessment, parts), parts)


async def _with_what_changed_before(host: Host, visit: Visit, parts: Parts, now: datetime) -> Visit:
    run = visit.run
    found = await with_what_changed_before(host, run.findings, run.changes, parts.store, now)
    return replace(visit, run=replace(run, findings=found))


async def _save(host: Host, visit: Visit, parts: Parts) -> Run:
    _tell_phase(host, "save")
    saved = await parts.store.save_run(visit)
    _tell_phase(host, "done")
    # runs are kept until their cycle ends, when what all hosts have would be there at the same time
    return replace(saved, facts=replace(saved.facts, inventories={}))


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
        return analysis.examine((), parts.rules, host.thresholds, metrics, own, moment, state.recent), NO_HISTORY
    size = sum(len(data) for _, data in new_lines)
    observing = (new_lines, parts.rules, own, moment, state.open_records)
    observed = await _compute(parts, size, partial(analysis.observe, *observing, logs_overlap=True))
    seen = [entry.template.id for entry in observed.templates]
    history = await parts.store.load_history(host.name, seen, host.role, host.learning.runs)
    judging = (observed, parts.rules, history, host.thresholds, metrics, host.learning, moment, host.name, state.recent)
    size += TRAIL_BYTES * len(history.trails)
    return await _compute(parts, size, partial(analysis.conclude, *judging)), history


async def _compute(parts: Parts, size: int, work: Callable[[], Result]) -> Result:
    """Compute beside the event loop; a few lines at once, since the way to a thread and back takes longer."""
    if size <= SMALL_BYTES:
        return work()
    return await asyncio.get_running_loop().run_in_executor(parts.analyst, work)


async def _visit(
    host: Host, state: HostState, parts: Parts, room: logs.Room
) -> tuple[LogsReading, facts.Answers, str | None]:
    _tell_phase(host, "connect")
    async with parts.visit(host) as session:
        _tell_phase(host, "read")
        reading = await logs.read_new(session, host.logs, state, host.look_back, logs.Caps(lag=host.max_lag), room)
        _tell_phase(host, "facts")
        return reading, await facts.ask(session, _wanted(host, state)), session.client_address


def _wanted(host: Host, state: HostState) -> facts.Wanted:
    return facts.Wanted(host.probes, host.files, state.cpu_times, state.marks, state.counters)


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


def _tell_phase(host: Host, phase: str) -> None:
    logger.debug("a check entered its next phase", extra={"host": host.name, "phase": phase})
