"""A model that is measured: how long it is waited for, and how often it is asked."""

import asyncio
from collections.abc import Sequence

from dthostmon.evaluation import Candidate
from dthostmon.evaluation.candidate import PATIENCE_SECONDS
from dthostmon.evaluation.stamps import DEFAULT_MOMENT
from dthostmon.judge import Assessment, Enquiry
from dthostmon.judge.trial import EVIDENCE
from tests.fixtures.scripted_provider import ScriptedProvider, failure, said
from tests.fixtures.simulated_time import simulated
from tests.integration.judge_checks import FORM, answer

GOOD = said(answer(60))


async def asked(candidate: Candidate, visits: int) -> Sequence[str]:
    """Ask for one visit after the other; return what became of each: `answered`, or the reason."""
    witnesses = [candidate.witness(frozenset()) for _ in range(visits)]
    told = [await witness.assess(Enquiry(EVIDENCE, is_critical=False), DEFAULT_MOMENT) for witness in witnesses]
    assert [witness.heard[0] for witness in witnesses] == told
    return [str(one.asked.reason or "answered") for one in told]


async def timed(candidate: Candidate, visits: int) -> tuple[Sequence[str], float]:
    """Return that with the seconds that it took."""
    return await asked(candidate, visits), asyncio.get_running_loop().time()


def candidate(provider: ScriptedProvider, max_tokens: int = 10**7, seeds: int = 1) -> Candidate:
    return Candidate(provider, FORM, max_tokens, seeds)


def test_a_provider_that_fails_for_a_while_is_waited_for() -> None:
    provider = ScriptedProvider("first", *(failure("overloaded") for _ in range(4)), then=GOOD)
    told, seconds = simulated(timed(candidate(provider), 4))
    # two tries for the first visit; one for the second opens the breaker, as does the first probe after its pause
    assert told == ["overloaded", "answered", "answered", "answered"]
    assert 30 < seconds < PATIENCE_SECONDS
    assert len(provider.requests) == 4 + 3


def test_a_provider_that_stays_away_is_not_waited_for_with_each_visit() -> None:
    provider = ScriptedProvider("first", then=failure("overloaded"))
    told, seconds = simulated(timed(candidate(provider), 100))
    assert set(told) == {"overloaded", "breaker-open"}
    assert PATIENCE_SECONDS / 2 < seconds < 2 * PATIENCE_SECONDS


def test_a_provider_that_refuses_the_key_is_not_waited_for() -> None:
    provider = ScriptedProvider("first", then=failure("auth"))
    told, seconds = simulated(timed(candidate(provider), 3))
    assert (told, seconds) == (["auth", "breaker-open", "breaker-open"], 0)


async def test_no_answer_is_remembered_and_each_visit_is_asked_about() -> None:
    provider = ScriptedProvider("first", then=GOOD)
    assert await asked(candidate(provider), 3) == ["answered"] * 3
    assert len(provider.requests) == 3


async def test_visits_at_the_same_time_share_no_question() -> None:
    provider = ScriptedProvider("first", then=0.01)
    one = candidate(provider)
    enquiry = Enquiry(EVIDENCE, is_critical=False)
    heard: Sequence[Assessment] = await asyncio.gather(
        *(one.witness(frozenset()).assess(enquiry, DEFAULT_MOMENT) for _ in range(3))
    )
    assert all(each.asked.attempts and not each.asked.is_shared for each in heard)


async def test_a_question_without_an_answer_is_not_put_again() -> None:
    provider = ScriptedProvider("first", then=said("no JSON"))
    witness = candidate(provider, seeds=3).witness(frozenset())
    await witness.assess(Enquiry(EVIDENCE, is_critical=False), DEFAULT_MOMENT)
    assert len(witness.heard) == 1
    assert len(provider.requests) == 2  # the second shows what was wrong with the first
