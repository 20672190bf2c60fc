"""Replaying: the real pipeline, with a log that grows from visit to visit and a database that remembers."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dthostmon.evaluation import Case, CaseVisit, measure, replay
from dthostmon.model import Severity
from dthostmon.rules import builtin_folder, load_packs

RULES = load_packs([builtin_folder()])
CRON = "Jul 28 06:00:01 web1 CRON[77]: (root) CMD (true)"
SEGFAULT = (
    "Jul 28 06:00:02 web1 kernel: [12.5] app[311]: segfault at 8 ip 000055d0c1a2 sp 00007ffd2f10 error 4 in app[55d0]"
)


def make_case(
    *visits: CaseVisit, severity: Severity | None = None, evidence: tuple[int, ...] = (), **more: Any
) -> Case:
    values: dict[str, Any] = {"suite": "demo", "id": "case", "kind": "kind", "log": "/var/log/syslog"} | more
    return Case(severity=severity, visits=visits, evidence=frozenset(evidence), **values)


def at(hour: int, *lines: str) -> CaseVisit:
    return CaseVisit(lines, datetime(2026, 7, 28, hour, tzinfo=UTC))


async def test_an_incident_is_found_with_its_evidence(tmp_path: Path) -> None:
    incident = make_case(CaseVisit((CRON, SEGFAULT, CRON)), severity=Severity.WARN, evidence=(1,))
    (outcome,) = await replay([incident], RULES, tmp_path)
    (judged,) = outcome.findings
    assert (judged.finding.rule, judged.evidence, judged.labelled) == ("kernel.segfault", 1, 1)
    assert judged.finding.evidence[0].path == "/var/log/syslog"
    assert measure([outcome]).recall["WARN"].value == 1


async def test_a_quiet_case_has_no_findings(tmp_path: Path) -> None:
    (outcome,) = await replay([make_case(CaseVisit((CRON,) * 20))], RULES, tmp_path)
    assert outcome.findings == ()


async def test_every_visit_judges_only_what_is_new(tmp_path: Path) -> None:
    visits = [at(6, SEGFAULT), at(7), at(8, SEGFAULT, SEGFAULT)]
    (outcome,) = await replay([make_case(*visits, severity=Severity.WARN, evidence=(0, 1, 2))], RULES, tmp_path)
    assert [judged.finding.count for judged in outcome.findings] == [1, 2]


async def test_each_visit_is_stored_at_its_moment(tmp_path: Path) -> None:
    from dthostmon.store import open_store

    await replay([make_case(at(6, CRON), at(9, CRON)), make_case(at(7, CRON))], RULES, tmp_path)
    store = await open_store(f"sqlite:///{tmp_path / 'evaluation.db'}")
    try:
        runs = (await store.runs("host0")).items
        assert [run.started_at.hour for run in runs] == [9, 6]
        assert await store.hosts() == ("host0", "host1")
    finally:
        await store.close()


async def test_cases_of_one_host_follow_each_other(tmp_path: Path) -> None:
    first = make_case(at(6, CRON), host="web1")
    second = make_case(at(5, SEGFAULT), host="web1", severity=Severity.WARN, evidence=(0,), log="journal:")
    outcomes = await replay([first, second], RULES, tmp_path)
    assert [len(outcome.findings) for outcome in outcomes] == [0, 1]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["host0"]
    (tmp_path / "again").mkdir()
    others = [replace(first, host=None), replace(second, host=None)]
    await replay(others, RULES, tmp_path / "again", one_host=True)
    assert [path.name for path in (tmp_path / "again").iterdir() if path.is_dir()] == ["host0"]


@pytest.mark.parametrize("line", ["", "\x00", "a\rb", "\ud800", "\x1b[31mred", "x" * 200_000])
async def test_any_line_is_replayed(line: str, tmp_path: Path) -> None:
    case = make_case(CaseVisit((line,)), severity=Severity.WARN, evidence=(0,))
    (outcome,) = await replay([case], RULES, tmp_path)
    assert not [judged for judged in outcome.findings if judged.finding.kind.startswith("log-")]
