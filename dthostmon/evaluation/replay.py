"""Cases through the real pipeline: a log that grows, a visit, a database that remembers."""

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from dthostmon import templates
from dthostmon.cycle import Parts, check_host
from dthostmon.evaluation.candidate import Candidate, Hearing, Witness, claims
from dthostmon.evaluation.case import Case
from dthostmon.evaluation.machine import Machine, encoded, path_of
from dthostmon.evaluation.stamps import DEFAULT_MOMENT, VISITED_AFTER, visited_at
from dthostmon.model import Finding
from dthostmon.rules import RuleSet
from dthostmon.store import Store, open_store


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding, and how many of its lines of evidence are labelled as such. `places` are those of the case's labelled
    lines that it shows.
    """

    finding: Finding
    evidence: int
    labelled: int
    places: frozenset[int] = frozenset()

    @property
    def is_beside(self) -> bool:
        """Whether it rests on lines that show no trouble."""
        return self.evidence > 0 and self.labelled == 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case. `days` are how many days its visits touch; `claims` are what a model alone said, and
    `hearings` the visits that it was asked about.
    """

    case: Case
    findings: tuple[Judged, ...]
    days: int
    claims: tuple[Judged, ...] = ()
    hearings: tuple[Hearing, ...] = ()


@dataclass(slots=True)
class _Stage:
    """A machine on which cases follow each other, and which of its lines are labelled. `places` are where those of the
    last case stand in it.
    """

    machine: Machine
    clock: datetime = DEFAULT_MOMENT - timedelta(days=36500)
    labels: dict[str, bool] = field(default_factory=dict)
    places: dict[str, set[int]] = field(default_factory=dict)

    def moment(self, wanted: datetime) -> datetime:
        """Return when the next visit takes place: as wanted, and never before the last one."""
        self.clock = max(wanted, self.clock + VISITED_AFTER)
        return self.clock

    def label(self, case: Case) -> None:
        """Remember what a case says of its lines, in all forms in which evidence may show them."""
        self.places = defaultdict(set)
        for place, (line, is_evidence) in enumerate(case.labelled()):
            raw = encoded(line)
            for form in {templates.as_read(raw), templates.clean(raw), templates.line_id(path_of(case.log), raw)}:
                self.labels[form] = is_evidence or self.labels.get(form, False)
                if is_evidence:
                    self.places[form].add(place)

    def judge(self, finding: Finding) -> Judged:
        """Compare a finding's evidence with the labels."""
        shown = [(evidence.id, *evidence.line.split("\n")) for evidence in finding.evidence]
        labelled = sum(any(self.labels.get(form, False) for form in forms) for forms in shown)
        places = (self.places.get(form, set()) for forms in shown for form in forms)
        return Judged(finding, len(shown), labelled, frozenset().union(*places))


async def replay(
    cases: Sequence[Case],
    rules: RuleSet,
    folder: Path,
    *,
    one_host: bool = False,
    candidate: Candidate | None = None,
    told: Callable[[Outcome], None] | None = None,
) -> tuple[Outcome, ...]:
    """Replay cases in order, each on a host of its own, cases that name a host on that one.

    With `one_host` all cases of a suite follow each other on one host. A `candidate` judges beside the rules; so many
    machines are then replayed at a time as it may be given requests. `folder` is empty and takes the logs and the
    database; `told` is called after each case. Raises VisitError and StoreError.
    """
    store = await open_store(f"sqlite:///{folder / 'evaluation.db'}")
    try:
        with ThreadPoolExecutor(1, "analyst") as analyst:
            desk = _Desk(store, rules, analyst, candidate)

            async def replay_one(case: Case, stage: _Stage) -> Outcome:
                outcome = await _replay_case(case, stage, desk)
                if told:
                    told(outcome)
                return outcome

            lanes = candidate.provider.concurrency if candidate else 1
            return await _replay_all(_staged(cases, folder, one_host=one_host), replay_one, lanes)
    finally:
        await store.close()


async def _replay_all(
    staged: Sequence[tuple[Case, _Stage]], replay_one: Callable[[Case, _Stage], Awaitable[Outcome]], lanes: int
) -> tuple[Outcome, ...]:
    """Replay some machines at a time, the cases of each in order; return the outcomes in the order of the cases."""
    outcomes: dict[int, Outcome] = {}
    machines: dict[str, list[int]] = defaultdict(list)
    for place, (_, stage) in enumerate(staged):
        machines[stage.machine.name].append(place)

    async def lane(waiting: Iterator[list[int]]) -> None:
        for places in waiting:
            for place in places:
                outcomes[place] = await replay_one(*staged[place])

    waiting = iter(machines.values())
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(lanes):
                group.create_task(lane(waiting), name=f"replay {number}")
    except ExceptionGroup as several:
        raise several.exceptions[0] from several  # each of them ends the evaluation
    return tuple(outcomes[place] for place in range(len(staged)))


@dataclass(frozen=True, slots=True)
class _Desk:
    """What all visits of an evaluation share: nothing but the store knows anything of the visit before."""

    store: Store
    rules: RuleSet
    analyst: Executor
    candidate: Candidate | None

    def witness(self) -> Witness | None:
        """Return what asks the candidate about one visit."""
        if self.candidate is None:
            return None
        return self.candidate.witness(frozenset(one.id for one in self.rules.sequences))

    def parts(self, machine: Machine, moment: datetime, witness: Witness | None) -> Parts:
        """Wire a visit."""
        return Parts(
            store=self.store,
            visit=machine.visit,
            rules=self.rules,
            clock=lambda: moment,
            monotonic=time.monotonic,
            nonce=partial(secrets.token_hex, 4),
            analyst=self.analyst,
            assessor=witness,
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


async def _replay_case(case: Case, stage: _Stage, desk: _Desk) -> Outcome:
    stage.machine.start()
    stage.label(case)
    findings: list[Judged] = []
    claimed: list[Judged] = []
    hearings: list[Hearing] = []
    moments: list[datetime] = []
    for visit in case.visits:
        moment, witness = stage.moment(visit.at or visited_at(visit.lines)), desk.witness()
        moments.append(moment)
        if visit.lines:
            stage.machine.write(case.log, visit.lines, moment)
        run = await check_host(stage.machine.host(), desk.parts(stage.machine, moment, witness))
        findings += map(stage.judge, run.findings)
        if hearing := witness and witness.hearing(run):
            hearings.append(hearing)
            claimed += map(stage.judge, claims(hearing.assessments[0]))
    days = len({moment.date() for moment in moments})
    return Outcome(case, tuple(findings), days, tuple(claimed), tuple(hearings))
