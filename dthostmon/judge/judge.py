"""What the models say of a host: remembered, within the budget, from the first provider that answers."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from dthostmon.errors import StoreError
from dthostmon.judge.asked import Asked, RulesOnlyReason
from dthostmon.judge.budget import Budget
from dthostmon.judge.cache import KnownOpinion, OpinionCache
from dthostmon.judge.failover import Failover, Parse
from dthostmon.judge.flight import Flights
from dthostmon.judge.question import Question

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks about hosts. One instance serves all of them."""

    failover: Failover
    budget: Budget
    cache: OpinionCache
    flights: Flights = field(default_factory=Flights)

    async def assess(
        self, key: str, build: Callable[[], Question], parse: Parse, *, is_critical: bool, now: datetime
    ) -> Asked:
        """Return an opinion, or the reason why there is none.

        `key` stands for the canonical records that `build` asks about; `parse` raises ProviderError for an answer
        that breaks the contract. A host with a CRITICAL finding may touch the budget's reserve.
        """
        if not self.failover.has_providers:
            return Asked(reason=RulesOnlyReason.NO_PROVIDER)
        # only hosts with the same claim on the budget share a question
        return await self.flights.join(
            (key, is_critical), lambda: self._assess(key, build, parse, is_critical=is_critical, now=now)
        )

    async def _assess(
        self, key: str, build: Callable[[], Question], parse: Parse, *, is_critical: bool, now: datetime
    ) -> Asked:
        known = await self._recall(key, now)
        if known is not None:
            return Asked(known.opinion, known.provider, known.model, is_shared=True)
        question = build()
        tokens = question.prompt_tokens + question.max_output_tokens
        async with self.budget.reserved(tokens, is_critical=is_critical, now=now) as purse:
            if purse is None:
                return Asked(reason=RulesOnlyReason.BUDGET)
            asked = await self.failover.ask(question, parse, purse)
        await self._remember(key, asked, now)
        return asked

    async def _recall(self, key: str, now: datetime) -> KnownOpinion | None:
        try:
            return await self.cache.get(key, now)
        except StoreError as error:
            logger.error("the opinions of before cannot be read, so the model is asked", extra={"error": str(error)})
            return None

    async def _remember(self, key: str, asked: Asked, now: datetime) -> None:
        if asked.opinion is None:
            return
        try:
            await self.cache.put(key, KnownOpinion(asked.opinion, asked.provider, asked.model), now)
        except StoreError as error:
            logger.error("an opinion could not be kept for the next time", extra={"error": str(error)})
