"""Judges stored runs that no model was found for when they were made."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dthostmon.app.judging import Models, prices_of
from dthostmon.app.parts import configured_rules, now, opened_store
from dthostmon.config import Configuration
from dthostmon.judge import Enquiry, RulesOnlyReason, evidence_value, judged, judged_by
from dthostmon.model import Run, Severity
from dthostmon.store import Store, Unjudged

# what no further run would fare better with: the day's tokens are gone, or nobody is there to be asked
FOR_ALL = frozenset({RulesOnlyReason.BUDGET, RulesOnlyReason.NO_PROVIDER, RulesOnlyReason.BREAKER_OPEN})


@dataclass(frozen=True, slots=True)
class Replay:
    """How many runs a model judged now, and how many still wait; `reason` is why, where that holds for all."""

    judged: int = 0
    left: int = 0
    reason: str = ""


async def replay(configuration: Configuration, since: datetime, told: Callable[[Run], None]) -> Replay:
    """Ask about runs from `since` on that wait for a model, the oldest first; `told` is called with each judged one."""
    ai = configuration.settings.ai
    done = left = 0
    after = "0"
    async with opened_store(configuration) as store:
        models = Models(store)
        assessor = models.assessor(ai, configured_rules(configuration), configuration.hosts)
        prices = prices_of(ai)
        try:
            while waiting := await store.unjudged(since, after):
                for one in waiting:
                    after = one.run_id
                    run = await store.run(one.run_id)
                    if run is None:
                        continue
                    assessment = await assessor.assess(_enquiry(one, run), now())
                    if assessment.asked.reason in FOR_ALL:
                        return Replay(done, left + await _rest(store, since, one), judged_by(assessment.asked))
                    if assessment.asked.opinion is None:
                        left += 1
                        continue
                    later = judged(run, assessment, prices)
                    if await store.settle(later, now()):
                        done += 1
                        told(later)
        finally:
            await models.close()
    return Replay(done, left)


def _enquiry(unjudged: Unjudged, run: Run) -> Enquiry:
    return Enquiry(evidence_value(unjudged.evidence), run.severity is Severity.CRITICAL)


async def _rest(store: Store, since: datetime, first: Unjudged) -> int:
    """Count the runs that wait, from one on."""
    count, after = 1, first.run_id
    while more := await store.unjudged(since, after):
        count, after = count + len(more), more[-1].run_id
    return count
