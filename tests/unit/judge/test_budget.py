"""How many tokens a day lets hosts spend, whoever asks first, and what they cost."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dthostmon.errors import ProviderErrorKind, StoreUnavailableError
from dthostmon.judge.asked import Attempt
from dthostmon.judge.budget import Account, Budget, Prices, Reservation, cost, total_cost
from dthostmon.model import Usage

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TODAY = NOW.date()


class Ledger:
    """A store of spent tokens; each call takes a moment, as a database does."""

    def __init__(self) -> None:
        self.spent: Counter[date] = Counter()
        self.is_down = False

    async def load(self, day: date) -> int:
        await asyncio.sleep(0)
        self._must_be_up()
        return self.spent[day]

    async def add(self, day: date, tokens: int) -> None:
        await asyncio.sleep(0)
        self._must_be_up()
        self.spent[day] += tokens

    def _must_be_up(self) -> None:
        if self.is_down:
            raise StoreUnavailableError("the database does not answer")


async def spend(budget: Budget, tokens: int, used: int = 0, *, is_critical: bool = False, now: datetime = NOW) -> bool:
    """Reserve tokens and use some; return whether they were left."""
    async with budget.reserved(tokens, is_critical=is_critical, now=now) as reservation:
        if reservation is None:
            return False
        await asyncio.sleep(0)
        reservation.pay(Usage(prompt=used))
        return True


async def test_what_was_used_and_not_what_was_reserved_is_spent():
    ledger = Ledger()
    budget = Budget(1000, ledger)
    assert await spend(budget, 800, used=300)
    assert ledger.spent == {TODAY: 300}
    assert await spend(budget, 500)
    assert not await spend(budget, 501)


async def test_a_budget_of_nothing_lets_nothing_through():
    assert not await spend(Budget(0, Ledger()), 1)
    assert not await spend(Budget(0, Ledger()), 0, is_critical=True)


async def test_a_fifth_is_kept_for_critical_hosts():
    budget = Budget(1000, Ledger())
    assert await spend(budget, 800, used=800)
    assert not await spend(budget, 1)
    assert await spend(budget, 200, used=200, is_critical=True)
    assert not await spend(budget, 1, is_critical=True)


async def test_hosts_at_once_do_not_reserve_more_than_there_is():
    budget = Budget(1000, Ledger())
    assert sum(await asyncio.gather(*(spend(budget, 100, used=100) for _ in range(50)))) == 8


async def test_a_failed_block_gives_its_tokens_back_and_keeps_what_was_used():
    ledger = Ledger()
    budget = Budget(1000, ledger)

    async def fail() -> None:
        async with budget.reserved(800, is_critical=False, now=NOW) as reservation:
            assert reservation is not None
            reservation.pay(Usage(prompt=100))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert ledger.spent == {TODAY: 100}
    assert await spend(budget, 700)


async def test_a_cancelled_block_gives_its_tokens_back():
    budget = Budget(1000, Ledger())

    async def hang() -> None:
        async with budget.reserved(800, is_critical=False, now=NOW):
            await asyncio.sleep(1000)

    hanging = asyncio.create_task(hang())
    await asyncio.sleep(0.01)
    assert not await spend(budget, 800)
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert await spend(budget, 800)


async def test_what_was_spent_survives_a_restart():
    ledger = Ledger()
    await spend(Budget(1000, ledger), 800, used=700)
    again = Budget(1000, ledger)
    assert not await spend(again, 101)
    assert await spend(again, 100)


async def test_what_another_process_spent_counts():
    ledger = Ledger()
    budget = Budget(1000, ledger)
    await spend(budget, 800, used=300)
    await ledger.add(TODAY, 400)
    assert not await spend(budget, 101)


async def test_a_day_is_one_of_utc_and_has_its_own_tokens():
    ledger = Ledger()
    budget = Budget(1000, ledger)
    east = timezone(timedelta(hours=9))
    assert await spend(budget, 800, used=800, now=datetime(2026, 3, 2, 8, 59, tzinfo=east))
    assert not await spend(budget, 1, now=datetime(2026, 3, 1, 23, 59, tzinfo=UTC))
    assert await spend(budget, 800, now=datetime(2026, 3, 2, 9, 0, tzinfo=east))
    assert ledger.spent[date(2026, 3, 1)] == 800


async def test_what_is_used_after_midnight_belongs_to_the_day_it_was_reserved_on():
    ledger = Ledger()
    budget = Budget(1000, ledger)
    async with budget.reserved(800, is_critical=False, now=NOW) as reservation:
        assert reservation is not None
        assert await spend(budget, 800, used=5, now=NOW + timedelta(days=1))
        reservation.pay(Usage(prompt=7))
    assert ledger.spent == {TODAY: 7, TODAY + timedelta(days=1): 5}


async def test_hosts_around_midnight_do_not_forget_what_the_others_reserved():
    budget = Budget(1000, Ledger())
    async with budget.reserved(800, is_critical=False, now=NOW):
        assert await spend(budget, 800, now=NOW + timedelta(days=1))
        assert not await spend(budget, 1, now=NOW)


async def test_what_one_answer_left_is_held_for_the_next_request():
    budget = Budget(1000, Ledger())
    async with budget.reserved(800, is_critical=False, now=NOW) as reservation:
        assert reservation is not None
        reservation.pay(Usage())
        assert not await spend(budget, 1)
        reservation.pay(Usage(prompt=300))
        assert not await spend(budget, 1)
        assert reservation.covers(500)
        assert not reservation.covers(501)


async def test_nothing_is_asked_while_nobody_knows_what_was_spent(caplog: pytest.LogCaptureFixture):
    ledger = Ledger()
    ledger.is_down = True
    assert not await spend(Budget(1000, ledger), 1)
    assert "unknown" in caplog.text


async def test_tokens_that_could_not_be_stored_are_spent_all_the_same(caplog: pytest.LogCaptureFixture):
    ledger = Ledger()
    budget = Budget(1000, ledger)
    async with budget.reserved(800, is_critical=False, now=NOW) as reservation:
        assert reservation is not None
        reservation.pay(Usage(prompt=800))
        ledger.is_down = True
    ledger.is_down = False
    assert "could not be stored" in caplog.text
    assert not await spend(budget, 1)


class AccountStories(RuleBasedStateMachine):
    """Any order of reservations and their ends on one day's account."""

    @initialize(limit=st.integers(0, 1000))
    def open_account(self, limit: int) -> None:
        self.account = Account(limit)
        self.open: list[Reservation] = []
        self.excess = 0  # what answers took beyond what was held for them
        self.used = 0

    @rule(tokens=st.integers(0, 400), is_critical=st.booleans())
    def a_host_asks(self, tokens: int, is_critical: bool) -> None:
        before = self.account.spent + self.account.reserved
        reservation = Reservation(self.account, is_critical)
        share = self.account.limit if is_critical else self.account.limit * 80 // 100
        did = reservation.covers(tokens)
        assert did is (before + max(tokens, 1) <= share)
        if did:
            self.open.append(reservation)

    @precondition(lambda self: self.open)
    @rule(tokens=st.integers(0, 400), which=st.integers(0))
    def it_asks_again(self, tokens: int, which: int) -> None:
        self.open[which % len(self.open)].covers(tokens)

    @precondition(lambda self: self.open)
    @rule(prompt=st.integers(0, 300), completion=st.integers(0, 300), which=st.integers(0))
    def it_is_answered(self, prompt: int, completion: int, which: int) -> None:
        reservation = self.open[which % len(self.open)]
        self.excess += max(0, prompt + completion - reservation.held)
        self.used += prompt + completion
        reservation.pay(Usage(prompt, completion, cached=prompt, reasoning=completion))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0))
    def it_ends(self, which: int) -> None:
        self.open.pop(which % len(self.open)).close()

    @invariant()
    def the_books_are_right(self) -> None:
        if not hasattr(self, "account"):
            return
        assert self.account.spent == self.used
        assert self.account.reserved == sum(each.held for each in self.open)
        assert all(each.held >= 0 for each in self.open)
        assert self.account.spent + self.account.reserved <= self.account.limit + self.excess


TestAccountStories = AccountStories.TestCase
TestAccountStories.settings = settings(max_examples=40, deadline=None)


PRICES = Prices(input=2.0, output=10.0, cached_input=0.5)
USAGE = Usage(prompt=1_000_000, completion=100_000, cached=400_000, reasoning=60_000)


def test_cached_tokens_cost_their_own_price_and_reasoning_that_of_output():
    assert cost(USAGE, PRICES) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.1 * 10)


def test_without_a_price_of_their_own_cached_tokens_cost_what_others_do():
    assert cost(USAGE, Prices(input=2.0, output=10.0)) == pytest.approx(3.0)


def test_a_cost_without_prices_is_unknown_and_not_nothing():
    assert cost(USAGE, None) is None
    assert cost(Usage(), None) is None


def test_more_cached_tokens_than_sent_ones_do_not_make_it_cheaper_than_all_cached():
    assert cost(Usage(prompt=1_000_000, cached=9_000_000), PRICES) == 0.5


def test_attempts_cost_what_each_provider_takes():
    attempts = [
        Attempt("a", ProviderErrorKind.INVALID_OUTPUT, 1.0, Usage(prompt=1_000_000)),
        Attempt("dead", ProviderErrorKind.TRANSPORT, 1.0),
        Attempt("b", None, 1.0, Usage(prompt=1_000_000)),
    ]
    assert total_cost(attempts, {"a": Prices(1.0, 1.0), "b": Prices(5.0, 5.0)}) == 6.0
    assert total_cost(attempts, {"a": Prices(1.0, 1.0)}) is None
    assert total_cost([], {}) == 0.0
