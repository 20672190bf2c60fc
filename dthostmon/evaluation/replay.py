"""Cases through the real pipeline: a log that grows, a visit, a database that remembers."""

import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from dthostmon import templates
from dthostmon.cycle import Parts, check_host
from dthostmon.evaluation.case import Case
from dthostmon.evaluation.machine import Machine, encoded, path_of
from dthostmon.evaluation.stamps import DEFAULT_MOMENT, VISITED_AFTER, visited_at
from dthostmon.model import Finding
from dthostmon.rules import RuleSet
from dthostmon.store import Store, open_store


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding, and how many of its lines of evidence are labelled as such."""

    finding: Finding
    evidence: int
    labelled: int

    @property
    def is_beside(self) -> bool:
        """Whether it rests on lines that show no trouble."""
        return self.evidence > 0 and self.labelled == 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case. `days` are how many days its visits touch."""

    case: Case
    findings: tuple[Judged, ...]
    days: int


@dataclass(slots=True)
class _Stage:
    """A machine on which cases follow each other, and which of its lines are labelled."""

    machine: Machine
    clock: datetime = DEFAULT_MOMENT - timedelta(days=36500)
    labels: dict[str, bool] = field(default_factory=dict)

    def moment(self, wanted: datetime) -> datetime:
        """Return when the next visit takes place: as wanted, and never before the last one."""
        self.clock = max(wanted, self.clock + VISITED_AFTER)
        return self.clock

    def label(self, case: Case) -> None:
        """Remember what a case says of its lines, in all forms in which evidence may show them."""
        for line, is_evidence in case.labelled():
            raw = encoded(line)
            for form in {templates.as_read(raw), templates.clean(raw), templates.line_id(path_of(case.log), raw)}:
                self.labels[form] = is_evidence or self.labels.get(form, False)

    def judge(self, finding: Finding) -> Judged:
        """Compare a finding's evidence with the labels."""
        shown = [(evidence.id, *evidence.line.split("\n")) for evidence in finding.evidence]
        labelled = sum(any(self.labels.get(form, False) for form in forms) for forms in shown)
        return Judged(finding, len(shown), labelled)


async def replay(
    cases: Sequence[Case],
    rules: RuleSet,
    folder: Path,
    *,
    one_host: bool = False,
    told: Callable[[Outcome], None] | None = None,
) -> tuple[Outcome, ...]:
    """Replay cases in order, each on a host of its own, cases that name a host on that one.

    With `one_host` all cases of a suite follow each other on one host. `folder` is empty and takes the logs and the
    database; `told` is called after each case. Raises VisitError and StoreError.
    """
    store = await open_store(f"sqlite:///{folder / 'evaluation.db'}")
    outcomes: list[Outcome] = []
    try:
        with ThreadPoolExecutor(1, "analyst") as analyst:
            make_parts = partial(_make_parts, store, rules, analyst)
            for case, stage in _staged(cases, folder, one_host=one_host):
                outcomes.append(await _replay_case(case, stage, make_parts))
                if told:
                    told(outcomes[-1])
    finally:
        await store.close()
    return tuple(outcomes)


def _make_parts(store: Store, rules: RuleSet, analyst: Executor, machine: Machine, moment: datetime) -> Parts:
    """Wire a visit: nothing but the store knows anything of the one before."""
    return Parts(
        store=store,
        visit=machine.visit,
        rules=rules,
        clock=lambda: moment,
        monotonic=time.monotonic,
        nonce=partial(secrets.token_hex, 4),
        analyst=analyst,
    )


def _staged(cases: Sequence[Case], folder: Path, *, one_host: bool) -> list[tuple[Case, _Stage]]:
    """Give each case its machine; those that cases share have all of their logs from the start."""
    names = [_machine_name(case, number, one_host=one_host) for number, case in enumerate(cases)]
    logs: dict[str, dict[str, None]] = {}
    for name, case in zip(names, cases, strict=True):
        logs.setdefault(name, {})[case.log] = None
    stages = {
        name: _Stage(Machine(f"host{number}", folder / f"host{number}", tuple(named)))
        for number, (name, named) in enumerate(logs.items())
    }
    return [(case, stages[name]) for name, case in zip(names, cases, strict=True)]


def _machine_name(case: Case, number: int, *, one_host: bool) -> str:
    if one_host:
        return f"suite {case.suite}"
    return f"named {case.suite} {case.host}" if case.host else f"own {number}"


async def _replay_case(case: Case, stage: _Stage, make_parts: Callable[[Machine, datetime], Parts]) -> Outcome:
    stage.machine.start()
    stage.label(case)
    findings: list[Judged] = []
    moments: list[datetime] = []
    for visit in case.visits:
        moment = stage.moment(visit.at or visited_at(visit.lines))
        moments.append(moment)
        if visit.lines:
            stage.machine.write(case.log, visit.lines, moment)
        run = await check_host(stage.machine.host(), make_parts(stage.machine, moment))
        findings += map(stage.judge, run.findings)
    return Outcome(case, tuple(findings), len({moment.date() for moment in moments}))
