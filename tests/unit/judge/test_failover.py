"""Which provider is asked, how often and for how long, and what is told of it."""

import asyncio
import logging
from collections import Counter

import pytest

from dthostmon.errors import ProviderErrorKind
from dthostmon.judge.asked import Asked, RulesOnlyReason, judged_by
from dthostmon.judge.correction import NO_ANSWER
from dthostmon.judge.failover import Failover
from dthostmon.judge.question import Answer
from dthostmon.model import Usage
from tests.fixtures.scripted_provider import (
    GOOD,
    OPINION,
    QUESTION,
    USAGE,
    FreePurse,
    ScriptedProvider,
    failure,
    parse,
    said,
    unusable,
)
from tests.fixtures.simulated_time import simulated

HOUR = 3600
ONE_HOUR_KINDS = ["auth", "quota", "model-missing"]
TRANSIENT_KINDS = ["rate", "overloaded", "transport"]


def failover(*providers: ScriptedProvider, draw: float = 0.5) -> Failover:
    return Failover(providers, lambda: draw)


async def ask(them: Failover, purse: FreePurse | None = None) -> Asked:
    return await them.ask(QUESTION, parse, purse or FreePurse())


async def ask_for_hosts(them: Failover, hosts: int) -> list[Asked]:
    return list(await asyncio.gather(*(ask(them) for _ in range(hosts))))


def times(provider: ScriptedProvider) -> list[float]:
    return [at for at, _ in provider.requests]


def kinds(asked: Asked) -> list[tuple[str, str | None]]:
    return [(each.provider, each.kind) for each in asked.attempts]


# who is asked


def test_the_first_provider_is_asked_and_no_other():
    first, second = ScriptedProvider("first", 2.0), ScriptedProvider("second")
    asked = simulated(ask(failover(first, second)))
    assert asked.opinion == OPINION
    assert judged_by(asked) == "rules+first/m-1"
    assert [(each.seconds, each.usage) for each in asked.attempts] == [(2.0, USAGE)]
    assert second.requests == []


def test_without_a_provider_the_reason_is_no_provider():
    asked = simulated(ask(failover()))
    assert (asked.opinion, asked.attempts, judged_by(asked)) == (None, (), "rules-only:no-provider")


@pytest.mark.parametrize("name", ["", "<b>x</b>", "a b", "x" * 101])
def test_a_model_name_that_is_none_is_not_shown(name: str):
    asked = simulated(ask(failover(ScriptedProvider("first", Answer(GOOD, name, USAGE)))))
    assert judged_by(asked) == "rules+first/m"


# each kind of failure


@pytest.mark.parametrize("kind", TRANSIENT_KINDS)
def test_a_failure_that_may_pass_is_tried_again_once_after_a_random_pause(kind: str):
    first = ScriptedProvider("first", failure(kind))
    asked = simulated(ask(failover(first, draw=0.25)))
    assert asked.opinion == OPINION
    assert times(first) == [0.0, 2.0]
    assert kinds(asked) == [("first", kind), ("first", None)]


@pytest.mark.parametrize("kind", TRANSIENT_KINDS)
def test_after_two_tries_the_next_provider_is_asked(kind: str):
    first, second = ScriptedProvider("first", then=failure(kind)), ScriptedProvider("second")
    asked = simulated(ask(failover(first, second, draw=1.0)))
    assert judged_by(asked) == "rules+second/m-1"
    assert times(first) == [0.0, 8.0]
    assert kinds(asked) == [("first", kind), ("first", kind), ("second", None)]


@pytest.mark.parametrize("kind", ONE_HOUR_KINDS)
def test_what_a_person_has_to_mend_is_told_once_and_not_asked_for_an_hour(kind: str, caplog: pytest.LogCaptureFixture):
    first, second = ScriptedProvider("first", then=failure(kind)), ScriptedProvider("second")

    async def story() -> None:
        them = failover(first, second)
        assert {judged_by(each) for each in await ask_for_hosts(them, 50)} == {"rules+second/m-1"}
        await asyncio.sleep(HOUR - 1)
        await ask(them)
        assert len(first.requests) == 1
        assert len(told(caplog)) == 1
        await asyncio.sleep(1)
        await ask(them)
        assert len(first.requests) == 2
        assert len(told(caplog)) == 2, "once for each opening"

    simulated(story())
    record = told(caplog)[0]
    assert (record.__dict__["provider"], record.__dict__["kind"]) == ("first", kind)
    assert record.__dict__["fix"] == "Do mend it."
    assert all("sk-secret" not in str(each.__dict__) for each in caplog.records)


def test_four_refusals_under_way_at_once_are_told_once(caplog: pytest.LogCaptureFixture):
    first = SlowRefusal("first", concurrency=4)
    simulated(ask_for_hosts(failover(first, ScriptedProvider("second")), 50))
    assert len(first.requests) == 4
    assert len(told(caplog)) == 1


class SlowRefusal(ScriptedProvider):
    async def _play(self, turn: object) -> Answer:  # noqa: ARG002  # as the others play
        await asyncio.sleep(1.0)
        raise failure("auth")


def told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.levelno == logging.ERROR]


def test_a_question_that_is_too_long_goes_to_the_next_provider_and_does_not_count_as_a_failure():
    first, second = ScriptedProvider("first", then=failure("too-long")), ScriptedProvider("second")

    async def story() -> list[Asked]:
        them = failover(first, second)
        return [await ask(them) for _ in range(10)]

    assert {judged_by(each) for each in simulated(story())} == {"rules+second/m-1"}
    assert len(first.requests) == 10


@pytest.mark.parametrize("kind", list(ProviderErrorKind))
def test_the_only_provider_failing_gives_its_kind_as_the_reason(kind: ProviderErrorKind):
    asked = simulated(ask(failover(ScriptedProvider("first", then=failure(kind)))))
    assert asked.opinion is None
    assert judged_by(asked) == f"rules-only:{kind}"


def test_a_failure_that_nobody_foresaw_is_one_of_transport(caplog: pytest.LogCaptureFixture):
    first, second = ScriptedProvider("first", then=KeyError("choices")), ScriptedProvider("second")
    asked = simulated(ask(failover(first, second)))
    assert kinds(asked) == [("first", "transport"), ("first", "transport"), ("second", None)]
    assert "nobody foresaw" in caplog.text


# waiting as long as a provider says


def test_a_retry_after_of_3_seconds_is_obeyed():
    first = ScriptedProvider("first", failure("rate", 3))
    asked = simulated(ask(failover(first)))
    assert asked.opinion == OPINION
    assert times(first) == [0.0, 3.0]


@pytest.mark.parametrize("seconds", [60, 10.5, float("inf"), float("nan")])
def test_a_retry_after_of_60_seconds_is_not_waited_for(seconds: float):
    first, second = ScriptedProvider("first", failure("rate", seconds)), ScriptedProvider("second")
    asked = simulated(ask(failover(first, second)))
    assert judged_by(asked) == "rules+second/m-1"
    assert (times(first), times(second)) == ([0.0], [0.0])


def test_a_retry_after_in_the_past_is_now():
    first = ScriptedProvider("first", failure("rate", -5))
    simulated(ask(failover(first)))
    assert times(first) == [0.0, 0.0]


# deadlines


def test_a_try_that_timed_out_is_not_repeated_on_the_same_provider():
    first, second = ScriptedProvider("first", then=1000.0), ScriptedProvider("second")
    asked = simulated(ask(failover(first, second)))
    assert (times(first), times(second)) == ([0.0], [30.0])
    assert kinds(asked) == [("first", "transport"), ("second", None)]


def test_a_time_out_that_the_provider_noticed_itself_is_not_repeated_either():
    error = failure("transport")
    error.__cause__ = TimeoutError()
    first, second = ScriptedProvider("first", error), ScriptedProvider("second")
    simulated(ask(failover(first, second)))
    assert len(first.requests) == 1


def test_a_host_has_150_seconds_in_all():
    slow = [ScriptedProvider(name, then=1000.0, timeout=70.0) for name in ("a", "b", "c", "d")]

    async def story() -> tuple[Asked, float]:
        asked = await ask(failover(*slow))
        return asked, asyncio.get_running_loop().time()

    asked, end = simulated(story())
    assert judged_by(asked) == "rules-only:deadline"
    assert end == 150.0
    assert [(each.provider, each.seconds) for each in asked.attempts] == [("a", 70.0), ("b", 70.0), ("c", 10.0)]
    assert [each.open for each in slow] == [0, 0, 0, 0]


def test_a_try_that_the_deadline_cut_says_nothing_of_the_provider():
    first, second = ScriptedProvider("first", then=1000.0, timeout=140.0), ScriptedProvider("second", timeout=140.0)

    async def story() -> None:
        them = failover(first, second)
        second.then = 1000.0
        for _ in range(3):
            await ask(them)
        second.then = 0.0
        assert judged_by(await ask(them)) == "rules+second/m-1"

    simulated(story())
    assert len(first.requests) == 3, "its own time-outs do count"


def test_waiting_for_a_place_counts_against_the_deadline_and_not_against_the_try():
    first = ScriptedProvider("first", then=20.0, concurrency=1)
    asked = simulated(ask_for_hosts(failover(first), 20))
    assert first.most_open == 1
    assert Counter(map(judged_by, asked)) == {"rules+first/m-1": 7, "rules-only:deadline": 13}
    assert all(each.seconds == 20.0 for one in asked if one.opinion for each in one.attempts)


def test_20_hosts_at_once_wait_for_the_one_place_of_a_provider():
    first = ScriptedProvider("first", then=2.0, concurrency=1)
    asked = simulated(ask_for_hosts(failover(first), 20))
    assert {judged_by(each) for each in asked} == {"rules+first/m-1"}
    assert (first.most_open, len(first.requests)) == (1, 20)


def test_hosts_that_waited_long_at_a_slow_provider_leave_it_while_a_faster_one_has_time_for_them():
    slow = ScriptedProvider("slow", then=1000.0, concurrency=1, timeout=120.0)
    fast = ScriptedProvider("fast", then=1.0)
    asked = simulated(ask_for_hosts(failover(slow, fast), 50))
    assert {judged_by(each) for each in asked} == {"rules+fast/m-1"}
    assert len(slow.requests) == 1


def test_hosts_that_waited_long_stay_at_the_last_provider():
    first = ScriptedProvider("first", then=100.0, concurrency=1, timeout=120.0)
    asked = simulated(ask_for_hosts(failover(first), 2))
    assert [judged_by(each) for each in asked] == ["rules+first/m-1", "rules-only:deadline"]
    assert times(first) == [0.0, 100.0]


def test_time_is_not_left_to_a_provider_that_was_asked_before():
    fast = ScriptedProvider("fast", then=failure("too-long"))
    slow = ScriptedProvider("slow", 100.0, 20.0, concurrency=1, timeout=120.0)
    asked = simulated(ask_for_hosts(failover(fast, slow), 2))
    assert [judged_by(each) for each in asked] == ["rules+slow/m-1"] * 2


def test_time_is_not_left_to_a_provider_that_is_left_alone():
    slow = ScriptedProvider("slow", failure("too-long"), 100.0, 20.0, concurrency=1, timeout=120.0)
    fast = ScriptedProvider("fast", then=failure("auth"))

    async def story() -> list[Asked]:
        them = failover(slow, fast)
        await ask(them)
        return await ask_for_hosts(them, 2)

    assert [judged_by(each) for each in simulated(story())] == ["rules+slow/m-1"] * 2


def test_a_pause_before_a_retry_keeps_no_place():
    first = ScriptedProvider("first", failure("rate", 10), concurrency=1)
    simulated(ask_for_hosts(failover(first), 2))
    assert times(first) == [0.0, 0.0, 10.0]


# answers that cannot be used


def test_an_invalid_answer_is_asked_for_once_more_with_what_is_wrong_with_it():
    first = ScriptedProvider("first", said("health_score: 700"))
    asked = simulated(ask(failover(first)))
    assert judged_by(asked) == "rules+first/m-1"
    assert kinds(asked) == [("first", "invalid-output"), ("first", None)]
    assert asked.usage == USAGE + USAGE
    (_, before), (_, again) = first.requests
    assert before == QUESTION
    assert again.messages[:1] == QUESTION.messages
    answer, complaint = again.messages[1:]
    assert (answer.role, answer.content) == ("assistant", "health_score: 700")
    assert complaint.role == "user"
    assert "700 is above 100." in complaint.content
    assert again.prompt_tokens > QUESTION.prompt_tokens


def test_a_second_invalid_answer_sends_the_first_question_to_the_next_provider():
    first, second = ScriptedProvider("first", then=said("bad")), ScriptedProvider("second")
    asked = simulated(ask(failover(first, second)))
    assert judged_by(asked) == "rules+second/m-1"
    assert (len(first.requests), [each for _, each in second.requests]) == (2, [QUESTION])
    assert asked.usage == USAGE + USAGE + USAGE


def test_invalid_answers_never_open_the_breaker():
    first = ScriptedProvider("first", then=lambda: said("bad"))

    async def story() -> None:
        them = failover(first)
        for _ in range(20):
            assert judged_by(await ask(them)) == "rules-only:invalid-output"

    simulated(story())
    assert len(first.requests) == 40


def test_an_answer_that_its_provider_could_not_read_is_asked_for_once_more():
    first = ScriptedProvider("first", failure("invalid-output"))
    asked = simulated(ask(failover(first)))
    assert asked.opinion == OPINION
    roles = [each.role for each in first.requests[1][1].messages]
    assert roles == ["user", "assistant", "user"], "chat templates want them in turns"


def test_a_model_is_not_shown_what_another_one_said():
    first = ScriptedProvider("first", then=said("bad"))
    second = ScriptedProvider("second", failure("invalid-output"))
    simulated(ask(failover(first, second)))
    assert second.requests[1][1].messages[1].content == NO_ANSWER


def test_an_answer_that_breaks_its_check_is_invalid(caplog: pytest.LogCaptureFixture):
    def broken(text: str) -> None:
        raise RecursionError

    first = ScriptedProvider("first")
    asked = simulated(failover(first).ask(QUESTION, broken, FreePurse()))  # type: ignore[arg-type]
    assert judged_by(asked) == "rules-only:invalid-output"
    assert len(first.requests) == 2
    assert "nobody foresaw" in caplog.text


def test_a_transient_failure_after_an_invalid_answer_keeps_the_corrected_question():
    first = ScriptedProvider("first", said("bad"), failure("rate"))
    asked = simulated(ask(failover(first)))
    assert asked.opinion == OPINION
    assert [len(each.messages) for _, each in first.requests] == [1, 3, 3]


def test_requests_of_one_host_to_one_provider_are_at_most_three():
    first = ScriptedProvider("first", failure("rate"), said("bad"), failure("rate"), failure("rate"))
    asked = simulated(ask(failover(first)))
    assert judged_by(asked) == "rules-only:rate"
    assert len(first.requests) == 3


# what is spent


def test_each_request_is_covered_by_the_purse_before_it_is_sent():
    purse = FreePurse()
    first = ScriptedProvider("first", said("bad"))
    simulated(ask(failover(first), purse))
    assert purse.covered[0] == 200
    assert purse.covered[1] > 200
    assert purse.paid == USAGE + USAGE


def test_a_purse_that_covers_nothing_more_ends_the_asking():
    first, second = ScriptedProvider("first", then=said("bad")), ScriptedProvider("second")
    asked = simulated(ask(failover(first, second), FreePurse(limit=250)))
    assert judged_by(asked) == "rules-only:budget"
    assert (len(first.requests), len(second.requests)) == (1, 0)


def test_a_provider_that_does_not_count_is_charged_with_our_estimate():
    first = ScriptedProvider("first", Answer(GOOD, "m-1", Usage()))
    asked = simulated(ask(failover(first)))
    assert asked.usage.prompt == QUESTION.prompt_tokens
    assert asked.usage.completion > 0


@pytest.mark.parametrize("kind", list(ProviderErrorKind))
def test_an_answer_that_cannot_be_used_is_paid_for(kind: ProviderErrorKind):
    purse = FreePurse()
    took = Usage(prompt=90, completion=800, cached=10, reasoning=700)
    first, second = ScriptedProvider("first", then=unusable(kind, took)), ScriptedProvider("second")
    asked = simulated(ask(failover(first, second), purse))
    assert [each.usage for each in asked.attempts] == [*[took] * len(first.requests), USAGE]
    assert purse.paid == asked.usage


def test_an_answer_that_cannot_be_used_and_that_nobody_counted_took_its_prompt():
    first, second = ScriptedProvider("first", unusable("too-long", Usage())), ScriptedProvider("second")
    cut, _ = simulated(ask(failover(first, second))).attempts
    assert cut.usage == Usage(prompt=QUESTION.prompt_tokens)
    first = ScriptedProvider("first", unusable("too-long", Usage(completion=800)))
    cut, _ = simulated(ask(failover(first, second))).attempts
    assert cut.usage == Usage(QUESTION.prompt_tokens, 800)


@pytest.mark.parametrize("kind", list(ProviderErrorKind))
def test_an_answer_that_never_came_took_nothing(kind: ProviderErrorKind):
    asked = simulated(ask(failover(ScriptedProvider("first", then=failure(kind)))))
    assert asked.attempts
    assert asked.usage == Usage()


# breakers


def test_a_dead_first_provider_gets_six_requests_at_most_for_50_hosts():
    first, second = ScriptedProvider("first", then=failure("transport")), ScriptedProvider("second")
    asked = simulated(ask_for_hosts(failover(first, second), 50))
    assert {judged_by(each) for each in asked} == {"rules+second/m-1"}
    assert len(asked) == 50
    assert len(first.requests) == 3


def test_a_hanging_first_provider_gets_six_requests_at_most_for_50_hosts():
    first, second = ScriptedProvider("first", then=1000.0), ScriptedProvider("second", then=1.0)

    async def story() -> tuple[list[Asked], float]:
        asked = await ask_for_hosts(failover(first, second), 50)
        return asked, asyncio.get_running_loop().time()

    asked, end = simulated(story())
    assert {judged_by(each) for each in asked} == {"rules+second/m-1"}
    assert len(first.requests) == 4
    assert end < 60


def test_hosts_that_come_one_after_the_other_wait_once_for_a_hanging_first_provider():
    first, second = ScriptedProvider("first", 0.0, then=1000.0), ScriptedProvider("second", then=1.0)

    async def come(them: Failover, after: float) -> Asked:
        await asyncio.sleep(after)
        return await ask(them)

    async def story() -> tuple[list[Asked], float]:
        them = failover(first, second)
        await ask(them)  # it hangs only then
        asked = await asyncio.gather(*(come(them, host / 50) for host in range(20)))
        return list(asked), asyncio.get_running_loop().time()

    asked, end = simulated(story())
    assert {judged_by(each) for each in asked} == {"rules+second/m-1"}
    assert len(first.requests) == 1 + 6
    assert end < 40
    assert first.open == 0


def test_a_request_under_way_may_end_while_others_are_told_to_come_later():
    first = ScriptedProvider("first", 10.0, then=failure("rate"))

    async def story() -> list[Asked]:
        them = failover(first)
        return await ask_for_hosts(them, 4)

    asked = simulated(story())
    assert [judged_by(each) for each in asked] == ["rules+first/m-1", *["rules-only:rate"] * 3]


def test_a_provider_that_recovers_is_used_again_by_itself(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    first, second = ScriptedProvider("first", then=failure("transport")), ScriptedProvider("second")

    async def story() -> None:
        them = failover(first, second)
        await ask_for_hosts(them, 50)
        first.then = 1.0
        assert asyncio.get_running_loop().time() == 4, "the pause before the retries"
        await asyncio.sleep(25)
        assert judged_by(await ask(them)) == "rules+second/m-1"
        await asyncio.sleep(1)
        asked = await ask_for_hosts(them, 50)
        assert Counter(map(judged_by, asked)) == {"rules+first/m-1": 1, "rules+second/m-1": 49}
        asked = await ask_for_hosts(them, 50)
        assert Counter(map(judged_by, asked)) == {"rules+first/m-1": 50}

    simulated(story())
    assert "a provider of models answers again" in caplog.text


def test_while_the_only_provider_is_left_alone_the_reason_is_breaker_open():
    first = ScriptedProvider("first", then=failure("transport"))

    async def story() -> Asked:
        them = failover(first)
        await ask_for_hosts(them, 3)
        return await ask(them)

    asked = simulated(story())
    assert (asked.attempts, judged_by(asked)) == ((), "rules-only:breaker-open")


def test_a_retry_is_not_sent_to_a_provider_that_failed_others_meanwhile():
    first, second = ScriptedProvider("first", then=failure("overloaded")), ScriptedProvider("second")
    asked = simulated(ask_for_hosts(failover(first, second), 3))
    assert len(first.requests) == 3
    assert [kinds(each) for each in asked] == [[("first", "overloaded"), ("second", None)]] * 3


# cancellation


def test_a_cancelled_probe_makes_room_for_the_next_one():
    first = ScriptedProvider("first", then=failure("transport"), concurrency=1)

    async def story() -> None:
        them = failover(first)
        await ask_for_hosts(them, 3)
        first.then = 20.0
        await asyncio.sleep(40)
        probe = asyncio.create_task(ask(them))
        await asyncio.sleep(1)
        asked_at = asyncio.get_running_loop().time()
        assert judged_by(await ask(them)) == "rules-only:breaker-open"
        assert asyncio.get_running_loop().time() == asked_at, "nobody stands in line behind a probe"
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert judged_by(await ask(them)) == "rules+first/m-1"

    simulated(story())


def test_cancellation_passes_through_and_gives_the_place_back():
    first = ScriptedProvider("first", 1000.0, concurrency=1)

    async def story() -> None:
        them = failover(first)
        asking, waiting = asyncio.create_task(ask(them)), asyncio.create_task(ask(them))
        await asyncio.sleep(1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert judged_by(await waiting) == "rules+first/m-1"
        assert first.open == 0

    simulated(story())


def test_no_reason_has_the_name_of_a_kind_of_failure():
    assert not {str(reason) for reason in RulesOnlyReason} & {str(kind) for kind in ProviderErrorKind}
