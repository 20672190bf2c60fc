"""How many tokens may be spent in a day, and what tokens cost.

A day is a day of UTC: it has 24 hours all year, and no host's or server's zone moves it.
"""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from dthostmon.errors import StoreError
from dthostmon.judge.asked import Attempt
from dthostmon.model import Usage

logger = logging.getLogger(__name__)

CRITICAL_RESERVE_PERCENT = 20  # of a day's tokens, which only hosts with a CRITICAL finding may touch
TOKENS_OF_A_PRICE = 1_000_000


class BudgetStore(Protocol):
    """Keeps what was spent through a restart. Raises StoreError."""

    async def load(self, day: date) -> int:
        """Return the tokens spent on a day; 0 where none were."""

    async def add(self, day: date, tokens: int) -> None:
        """Count more tokens as spent on a day."""


@dataclass(slots=True)
class Account:
    """The tokens of one day: `limit` in all, `spent`, and `reserved` for requests under way."""

    limit: int
    spent: int = 0
    reserved: int = 0

    def reserve(self, tokens: int, *, is_critical: bool) -> bool:
        """Reserve tokens if they are left."""
        share = 100 if is_critical else 100 - CRITICAL_RESERVE_PERCENT
        if self.spent + self.reserved + tokens > self.limit * share // 100:
            return False
        self.reserved += tokens
        return True

    def give_back(self, tokens: int) -> None:
        """Take back reserved tokens that were not spent."""
        self.reserved -= tokens

    def spend(self, tokens: int) -> None:
        """Count tokens that were taken, reserved or not."""
        self.spent += tokens


@dataclass(slots=True)
class Reservation:
    """The tokens kept for one host: `held` for requests to come, `used` by those that were answered."""

    account: Account
    is_critical: bool
    held: int = 0
    used: int = 0

    def covers(self, tokens: int) -> bool:
        """Say whether a request may be sent that takes at most so many tokens, and hold them for it."""
        missing = max(tokens, 1) - self.held  # a request takes something, whatever its estimate
        if missing > 0:
            if not self.account.reserve(missing, is_critical=self.is_critical):
                return False
            self.held += missing
        return True

    def pay(self, usage: Usage) -> None:
        """Count what a request took. Cached tokens are a part of its prompt and reasoning of its completion."""
        self.account.spend(usage.total)
        self._release(min(usage.total, self.held))
        self.used += usage.total

    def close(self) -> None:
        """Give back what is held."""
        self._release(self.held)

    def _release(self, tokens: int) -> None:
        self.account.give_back(tokens)
        self.held -= tokens


class Budget:
    """Lets requests of all hosts together take `daily_tokens`, and no more than a last answer's excess beyond."""

    def __init__(self, daily_tokens: int, store: BudgetStore) -> None:
        self._daily_tokens = daily_tokens
        self._store = store
        self._accounts: dict[date, Account] = {}

    @asynccontextmanager
    async def reserved(self, tokens: int, *, is_critical: bool, now: datetime) -> AsyncIterator[Reservation | None]:
        """Hold tokens while the block runs, then settle; None where they are not left.

        What a block took belongs to the day on which it began.
        """
        day = now.astimezone(UTC).date()
        account = await self._account(day)
        reservation = Reservation(account, is_critical) if account is not None else None
        if reservation is None or not reservation.covers(tokens):
            yield None
            return
        try:
            yield reservation
        finally:
            reservation.close()
            if reservation.used:
                await self._save(day, reservation.used)

    async def _account(self, day: date) -> Account | None:
        """Return the account of a day; None where nobody knows what was spent, which is not nothing."""
        try:
            spent = await self._store.load(day)
        except StoreError as error:
            logger.error("the tokens spent today are unknown, so no model is asked", extra={"error": str(error)})
            return None
        account = self._accounts.setdefault(day, Account(self._daily_tokens))
        # the store knows what other processes spent, the account what is not stored yet
        account.spent = max(account.spent, spent)
        self._accounts = {each: known for each, known in self._accounts.items() if each == day or known.reserved}
        return account

    async def _save(self, day: date, tokens: int) -> None:
        try:
            await self._store.add(day, tokens)
        except StoreError as error:
            extra = {"tokens": tokens, "error": str(error)}
            logger.error("spent tokens could not be stored: a restart forgets them", extra=extra)


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens of a model cost. Reasoning tokens are billed as output; cached None = as other input."""

    input: float
    output: float
    cached_input: float | None = None


def cost(usage: Usage, prices: Prices | None) -> float | None:
    """Return what an answer cost; None = unknown."""
    if prices is None:
        return None
    cached = min(usage.cached, usage.prompt)
    cached_price = prices.input if prices.cached_input is None else prices.cached_input
    total = (usage.prompt - cached) * prices.input + cached * cached_price + usage.completion * prices.output
    return total / TOKENS_OF_A_PRICE


def total_cost(attempts: Iterable[Attempt], prices: Mapping[str, Prices]) -> float | None:
    """Return what attempts cost together, with prices by provider; None = unknown, as it is if one of them is."""
    total = 0.0
    for attempt in attempts:
        if attempt.usage.total:
            part = cost(attempt.usage, prices.get(attempt.provider))
            if part is None:
                return None
            total += part
    return total
