"""What a visit stores: graded, and without what is stored already."""

import logging
from dataclasses import replace
from datetime import datetime

from dthostmon import analysis, scoring
from dthostmon.cycle.changed import WhatChanged
from dthostmon.cycle.foreseen import Foreseen
from dthostmon.model import (
    Coverage,
    Facts,
    Finding,
    History,
    Host,
    HostState,
    LogReading,
    LogsReading,
    Run,
    RunStatus,
    Visit,
)

logger = logging.getLogger(__name__)

OLD_NEWS_DAYS = 2


def make_visit(
    host: Host,
    state: HostState,
    reading: LogsReading,
    known: Facts,
    examined: analysis.Examination,
    history: History,
    changed: WhatChanged,
    coming: Foreseen,
    started_at: datetime,
    duration: float,
) -> Visit:
    """Grade what a visit found, and make of it what is to be stored: what is stored already is left out."""
    with_lines = {log.path for log in reading.logs if log.data}
    without_lines = [log.path for log in reading.logs if not log.data and not log.unreadable and not log.bytes_pending]
    silent = analysis.silences(without_lines, state.rhythms, host.interval, started_at)
    findings = (*reading.problems, *silent, *examined.findings, *changed.findings, *coming.findings)
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
        changes=changed.changes,
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
        inventories=changed.inventories,
        recent=examined.recent,
        outlook=coming.outlook,
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
