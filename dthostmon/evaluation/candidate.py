"""The model that is measured: asked as a check asks it, but every question anew, and with all that it said kept."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from dthostmon.analysis import Examination
from dthostmon.evaluation.stamps import DEFAULT_MOMENT
from dthostmon.judge import Asked, Assessment, Assessor, Enquiry, Judge, RulesOnlyReason
from dthostmon.judge.asked import Attempt
from dthostmon.judge.breaker import BreakerState
from dthostmon.judge.budget import Budget
from dthostmon.judge.cache import KnownOpinion
from dthostmon.judge.failover import NEEDS_A_PERSON, Failover
from dthostmon.judge.prompt import PromptForm
from dthostmon.judge.question import Provider
from dthostmon.model import Finding, FindingSource, History, Host, Opinion, Run, Severity

PATIENCE_SECONDS = 120.0  # for a provider that fails and may come back: two pauses of its breaker, and some
PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Hearing:
    """One visit that a model was asked about.

    `assessments` are one for each time that the question was put; the first of them judged the run, and one without an
    opinion is alone. `rules` is the severity that the rules gave, `told` and `score` are the run's.
    """

    assessments: tuple[Assessment, ...]
    rules: Severity
    told: Severity
    score: int

    @property
    def opinion(self) -> Opinion | None:
        """What judged the run."""
        return self.assessments[0].asked.opinion

    @property
    def is_sent(self) -> bool:
        """Whether a request was sent at all."""
        return bool(self.assessments[0].asked.attempts)


class NoOpinions:
    """A cache that knows nothing: an evaluation asks each time."""

    async def get(self, key: str, now: datetime) -> KnownOpinion | None:
        """See `judge.cache.OpinionCache`."""
        del key, now
        return None

    async def put(self, key: str, known: KnownOpinion, now: datetime) -> None:
        """See `judge.cache.OpinionCache`."""


class NothingSpent:
    """A store of spent tokens that begins with none: those of an evaluation are not the daemon's."""

    async def load(self, day: date) -> int:
        """See `judge.budget.BudgetStore`."""
        del day
        return 0

    async def add(self, day: date, tokens: int) -> None:
        """See `judge.budget.BudgetStore`."""


@dataclass(slots=True, eq=False)
class Candidate:
    """The model that is measured. `max_tokens` bounds what all of its answers take together; each question is put
    `seeds` times.
    """

    provider: Provider
    form: PromptForm
    max_tokens: int
    seeds: int = 1
    _failover: Failover = field(init=False)
    _budget: Budget = field(init=False)
    _gives_up_at: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._failover = Failover([self.provider])
        self._budget = Budget(self.max_tokens, NothingSpent())

    def witness(self, sequences: frozenset[str]) -> "Witness":
        """Return what asks about one visit. Visits share no question: each is asked about its own."""
        judge = Judge(self._failover, self._budget, NoOpinions())
        return Witness(judge, self.form, sequences, candidate=self)

    async def may_come_back(self, asked: Asked) -> bool:
        """Wait a little where the provider is left alone after failures; False: it is not waited for any longer."""
        now = asyncio.get_running_loop().time()
        if asked.opinion is not None:
            self._gives_up_at = None
        if any(attempt.kind in NEEDS_A_PERSON for attempt in asked.attempts):
            self._gives_up_at = now
        is_left_alone = self._failover.states[self.provider.name] is not BreakerState.CLOSED
        if asked.opinion is not None or asked.reason is RulesOnlyReason.BUDGET or not is_left_alone:
            return False
        if self._gives_up_at is None:
            self._gives_up_at = now + PATIENCE_SECONDS
        if now >= self._gives_up_at:
            return False
        await asyncio.sleep(PAUSE_SECONDS)
        return True


@dataclass(frozen=True, slots=True)
class Witness(Assessor):
    """Asks about one visit, and remembers the answers."""

    candidate: Candidate = field(kw_only=True)
    heard: list[Assessment] = field(default_factory=list)

    def enquiry(
        self,
        examined: Examination,
        history: History,
        host: Host,
        earlier: Sequence[Finding] = (),
        changes: Sequence[str] = (),
    ) -> Enquiry:
        """Return what to ask. The role of a replayed host is a number, which tells a model nothing; and none of the
        tokens are kept for CRITICAL findings: all of the bound may be spent.
        """
        enquiry = Assessor.enquiry(self, examined, history, host, earlier, changes)
        return replace(enquiry, evidence=replace(enquiry.evidence, role=""), is_critical=True)

    async def assess(self, enquiry: Enquiry, now: datetime) -> Assessment:
        """Ask as often as wanted; the first answer judges."""
        del now  # one account for all visits, whatever the day of their lines
        first = await self._ask(enquiry)
        self.heard.append(first)
        if first.asked.opinion is not None:  # what failed once says nothing of agreement
            self.heard.extend([await self._ask(enquiry) for _ in range(self.candidate.seeds - 1)])
        return first

    def hearing(self, run: Run) -> Hearing | None:
        """Return what was heard during the visit of a run; None where nothing was asked."""
        if not self.heard:
            return None
        own = (finding.severity for finding in run.findings if finding.source is not FindingSource.AI)
        return Hearing(tuple(self.heard), max(own, default=Severity.INFO), run.severity, run.score or 0)

    async def _ask(self, enquiry: Enquiry) -> Assessment:
        attempts: tuple[Attempt, ...] = ()
        while True:
            assessment = await Assessor.assess(self, enquiry, DEFAULT_MOMENT)
            attempts += assessment.asked.attempts
            if not await self.candidate.may_come_back(assessment.asked):
                return replace(assessment, asked=replace(assessment.asked, attempts=attempts))


def claims(assessment: Assessment) -> tuple[Finding, ...]:
    """Return what a model alone said: its findings at the severity that it gave them, before any bound, with the lines
    of the records that they rest on. One that rests on no line is none: nobody could be shown what it is about.
    """
    opinion = assessment.asked.opinion
    found = []
    for claim in opinion.findings if opinion else ():
        cited = [assessment.records[name] for name in claim.evidence if name in assessment.records]
        if lines := tuple(dict.fromkeys(line for record in cited for line in record.lines)):
            title = claim.description or claim.kind
            found.append(Finding(claim.kind, claim.severity, title, FindingSource.AI, count=len(cited), evidence=lines))
    return tuple(found)
