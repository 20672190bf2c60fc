"""The judge as a whole: cache, budget and providers, one question for hosts that ask the same."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest

from dthostmon.errors import StoreUnavailableError
from dthostmon.judge.asked import Asked, judged_by
from dthostmon.judge.budget import Budget
from dthostmon.judge.cache import KnownOpinion, MemoryOpinionCache
from dthostmon.judge.failover import Failover
from dthostmon.judge.judge import Judge
from dthostmon.judge.question import Answer, Question
from dthostmon.model import Usage
from tests.fixtures.scripted_provider import OPINION, QUESTION, USAGE, ScriptedProvider, failure, parse, said
from tests.fixtures.simulated_time import simulated

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
REQUEST_TOKENS = QUESTION.prompt_tokens + QUESTION.max_output_tokens


class Ledger:
    def __init__(self) -> None:
        self.spent: Counter[date] = Counter()

    async def load(self, day: date) -> int:
        return self.spent[day]

    async def add(self, day: date, tokens: int) -> None:
        self.spent[day] += tokens


class LostCache:
    async def get(self, *_: object) -> KnownOpinion | None:
        raise StoreUnavailableError("the database does not answer")

    async def put(self, *_: object) -> None:
        raise StoreUnavailableError("the database does not answer")


@dataclass
class Court:
    """A judge with its parts in reach."""

    providers: tuple[ScriptedProvider, ...] = field(default_factory=lambda: (ScriptedProvider(),))
    daily_tokens: int = 1_000_000
    cache: MemoryOpinionCache | LostCache = field(default_factory=MemoryOpinionCache)
    ledger: Ledger = field(default_factory=Ledger)

    def __post_init__(self) -> None:
        failover = Failover(self.providers, lambda: 0.5)
        self.judge = Judge(failover, Budget(self.daily_tokens, self.ledger), self.cache)

    async def assess(
        self, key: str = "k", build: Callable[[], Question] = lambda: QUESTION, *, critical: bool = False,
        now: datetime = NOW,
    ) -> Asked:  # fmt: skip
        return await self.judge.assess(key, build, parse, is_critical=critical, now=now)

    @property
    def requests(self) -> int:
        return sum(len(each.requests) for each in self.providers)


def refuse_to_build() -> Question:
    pytest.fail("nothing is to be asked")


def test_an_answer_is_paid_for_and_kept_for_a_day():
    court = Court()

    async def story() -> None:
        first = await court.assess()
        assert (first.opinion, first.usage, first.is_shared) == (OPINION, USAGE, False)
        again = await court.assess(build=refuse_to_build, now=NOW + DAY - timedelta(seconds=1))
        assert (again.opinion, again.usage, again.is_shared) == (OPINION, Usage(), True)
        assert judged_by(again) == judged_by(first) == "rules+first/m-1"
        await court.assess(now=NOW + DAY)

    simulated(story())
    assert court.requests == 2
    assert sum(court.ledger.spent.values()) == 2 * USAGE.total


def test_other_records_are_another_question():
    court = Court()

    async def story() -> None:
        await court.assess("a")
        await court.assess("b")

    simulated(story())
    assert court.requests == 2


def test_without_a_provider_nothing_is_built():
    asked = simulated(Court(providers=()).assess(build=refuse_to_build))
    assert judged_by(asked) == "rules-only:no-provider"


def test_with_a_budget_of_0_nothing_is_sent():
    court = Court(daily_tokens=0)
    asked = simulated(court.assess(critical=True))
    assert judged_by(asked) == "rules-only:budget"
    assert court.requests == 0


def test_what_is_known_is_used_when_the_budget_is_spent():
    court = Court(daily_tokens=REQUEST_TOKENS * 10 // 8)

    async def story() -> None:
        await court.assess("a")
        assert judged_by(await court.assess("b")) == "rules-only:budget"
        assert judged_by(await court.assess("a")) == "rules+first/m-1"

    simulated(story())


def test_an_invalid_answer_is_not_kept():
    court = Court((ScriptedProvider("first", said("bad"), said("bad")),))

    async def story() -> None:
        assert judged_by(await court.assess()) == "rules-only:invalid-output"
        assert judged_by(await court.assess()) == "rules+first/m-1"

    simulated(story())
    assert sum(court.ledger.spent.values()) == 3 * USAGE.total


def test_the_budget_holds_for_the_second_question_about_an_invalid_answer():
    court = Court((ScriptedProvider("first", then=said("bad")),), daily_tokens=REQUEST_TOKENS * 10 // 8)
    assert judged_by(simulated(court.assess())) == "rules-only:budget"
    assert court.requests == 1


def test_several_hosts_with_the_same_records_at_the_same_time_are_asked_once():
    court = Court((ScriptedProvider("first", then=5.0),))

    async def story() -> list[Asked]:
        return list(await asyncio.gather(*(court.assess() for _ in range(20))))

    asked = simulated(story())
    assert court.requests == 1
    assert {judged_by(each) for each in asked} == {"rules+first/m-1"}
    assert sorted(each.usage.total for each in asked) == [0] * 19 + [USAGE.total], "paid once, told once"
    assert sum(each.is_shared for each in asked) == 19


def test_a_cancelled_first_asker_does_not_cancel_the_others():
    court = Court((ScriptedProvider("first", then=5.0),))

    async def story() -> Asked:
        first, other = asyncio.create_task(court.assess()), asyncio.create_task(court.assess())
        await asyncio.sleep(1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await other

    asked = simulated(story())
    assert (asked.opinion, asked.usage) == (OPINION, USAGE), "it takes over what it took"
    assert court.requests == 1


def test_the_end_of_one_question_does_not_touch_another():
    court = Court((ScriptedProvider("first", 5.0, 1.0),))

    async def story() -> None:
        long = asyncio.create_task(court.assess("long"))
        await asyncio.sleep(0.1)
        await court.assess("short")
        assert (await court.assess("long")).opinion == OPINION
        await long

    simulated(story())
    assert court.requests == 2


def test_a_cancelled_asker_returns_when_the_connection_is_closed():
    provider = SlowToClose("first", 1000.0)
    court = Court((provider,))

    async def story() -> None:
        asker = asyncio.create_task(court.assess())
        await asyncio.sleep(1)
        asker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asker
        assert provider.is_closed

    simulated(story())


class SlowToClose(ScriptedProvider):
    is_closed = False

    async def ask(self, question: Question) -> Answer:
        try:
            return await super().ask(question)
        finally:
            await asyncio.sleep(0.5)
            self.is_closed = True


def test_when_all_askers_are_cancelled_the_request_ends_and_its_tokens_are_given_back():
    provider = ScriptedProvider("first", 1000.0, timeout=120.0)
    court = Court((provider,), daily_tokens=REQUEST_TOKENS * 10 // 8)

    async def story() -> None:
        askers = [asyncio.create_task(court.assess()) for _ in range(3)]
        await asyncio.sleep(1)
        assert judged_by(await court.assess("other")) == "rules-only:budget"
        for asker in askers:
            asker.cancel()
        await asyncio.wait(askers)
        assert provider.open == 0
        assert all(each.cancelled() for each in askers)
        assert judged_by(await court.assess("other")) == "rules+first/m-1"

    simulated(story())


def test_a_host_with_a_critical_finding_is_not_refused_with_one_that_has_none():
    court = Court(daily_tokens=REQUEST_TOKENS)

    async def story() -> list[Asked]:
        return list(await asyncio.gather(court.assess(), court.assess(critical=True)))

    assert [judged_by(each) for each in simulated(story())] == ["rules-only:budget", "rules+first/m-1"]


def test_a_dead_provider_gives_its_tokens_back():
    court = Court((ScriptedProvider("first", then=failure("transport")),), daily_tokens=REQUEST_TOKENS * 10 // 8)

    async def story() -> None:
        for key in "abc":
            assert judged_by(await court.assess(key)) in {"rules-only:transport", "rules-only:breaker-open"}

    simulated(story())
    assert not court.ledger.spent


def test_fifty_hosts_with_a_dead_first_provider_are_judged_by_the_second():
    dead, second = ScriptedProvider("dead", then=failure("transport")), ScriptedProvider("second", then=1.0)
    court = Court((dead, second))

    async def story() -> list[Asked]:
        return list(await asyncio.gather(*(court.assess(str(host)) for host in range(50))))

    assert [judged_by(each) for each in simulated(story())] == ["rules+second/m-1"] * 50
    assert len(dead.requests) <= 6


def test_a_cache_that_is_lost_costs_a_request_and_no_judgement(caplog: pytest.LogCaptureFixture):
    court = Court(cache=LostCache())
    assert judged_by(simulated(court.assess())) == "rules+first/m-1"
    assert "cannot be read" in caplog.text
    assert "could not be kept" in caplog.text


def test_a_failure_that_nobody_foresaw_reaches_each_asker():
    court = Court()

    def broken() -> Question:
        raise ZeroDivisionError

    async def story() -> list[object]:
        asking = (court.assess(build=broken) for _ in range(3))
        return list(await asyncio.gather(*asking, return_exceptions=True))

    assert [type(each) for each in simulated(story())] == [ZeroDivisionError] * 3


async def test_the_opinion_that_was_not_used_for_longest_makes_room():
    cache = MemoryOpinionCache(limit=2)
    known = KnownOpinion(OPINION, "first", "m")
    for key in "ab":
        await cache.put(key, known, NOW)
    assert await cache.get("a", NOW) == known
    await cache.put("c", known, NOW)
    assert [await cache.get(key, NOW) for key in "abc"] == [known, None, known]


async def test_an_opinion_from_the_future_is_too_old_as_well():
    cache = MemoryOpinionCache()
    await cache.put("a", KnownOpinion(OPINION, "first", "m"), NOW + DAY)
    assert await cache.get("a", NOW) is None
