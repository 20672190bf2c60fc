"""What the judge needs of the store: what was spent today, and the opinions of before."""

from dataclasses import dataclass
from datetime import date, datetime

from dthostmon.judge.cache import OPINION_LIFETIME, KnownOpinion
from dthostmon.store import Store, StoredOpinion


@dataclass(frozen=True, slots=True)
class StoredBudget:
    """The tokens of each day, as `judge.budget.BudgetStore` asks for them."""

    store: Store

    async def load(self, day: date) -> int:
        """Return the tokens spent on a day."""
        return await self.store.spent_tokens(day)

    async def add(self, day: date, tokens: int) -> None:
        """Count more tokens as spent on a day."""
        await self.store.spend_tokens(day, tokens)


@dataclass(frozen=True, slots=True)
class StoredOpinions:
    """The opinions of the last day, as `judge.cache.OpinionCache` asks for them."""

    store: Store

    async def get(self, key: str, now: datetime) -> KnownOpinion | None:
        """Return the opinion on a question; None where it is not known or too old."""
        stored = await self.store.opinion(key, now - OPINION_LIFETIME)
        return KnownOpinion(stored.opinion, stored.provider, stored.model) if stored else None

    async def put(self, key: str, known: KnownOpinion, now: datetime) -> None:
        """Keep an opinion."""
        await self.store.keep_opinion(key, StoredOpinion(known.opinion, known.provider, known.model, now))
