"""Builds the judge: the configured models, within the budget that the store remembers."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

from dthostmon.config.sections import Ai
from dthostmon.judge import Assessor, Judge, Prices
from dthostmon.judge.budget import Budget, cost
from dthostmon.judge.cache import OPINION_LIFETIME, KnownOpinion
from dthostmon.judge.contract import max_output_tokens, schema
from dthostmon.judge.failover import Failover
from dthostmon.judge.prompt import Names, PromptForm
from dthostmon.judge.question import Provider
from dthostmon.judge.trial import Trial, tried
from dthostmon.model import Host
from dthostmon.rules import RuleSet
from dthostmon.store import Store, StoredOpinion

if TYPE_CHECKING:
    from dthostmon.judge.providers.services import Services

MAX_PROMPT_TOKENS = 6_000  # small enough for a model of 16k tokens with its answer


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


def prompt_form(settings: Ai, hosts: Iterable[Host] = ()) -> PromptForm:
    """Return what all questions have in common; `hosts` are those whose names become pseudonyms, where wanted."""
    nonce = partial(secrets.token_hex, 8)
    names = partial(_pseudonyms, _names_of(hosts)) if settings.pseudonyms else None
    return PromptForm(MAX_PROMPT_TOKENS, max_output_tokens(), schema, _redacted, nonce, names)


def _names_of(hosts: Iterable[Host]) -> frozenset[str]:
    """Return what hosts are called: by us, and where we connect to."""
    hosts = tuple(hosts)
    accesses = [access for host in hosts if host.ssh for access in (host.ssh, *host.ssh.jump)]
    return frozenset([*(host.name for host in hosts), *(access.hostname for access in accesses)])


def _pseudonyms(known: frozenset[str], own: str) -> Names:
    """Return the pseudonyms of one request; a host that is asked about later may be configured no more."""
    from dthostmon.redact.pseudonyms import Pseudonyms  # for those who want them

    return Pseudonyms(known | {own})


def _redacted(text: str) -> str:
    from dthostmon.redact import redact  # 1.2 MB of expressions, for daemons that ask models

    return redact(text)


@dataclass(slots=True)
class Models:
    """The models of the configuration in force, behind one client session.

    They are made anew only when their settings change: what is known of a provider that fails must not be forgotten.
    """

    store: Store
    _settings: Ai | None = None
    _failover: Failover = field(default_factory=lambda: Failover([]))
    _services: "Services | None" = None

    def assessor(self, settings: Ai, packs: RuleSet, hosts: Iterable[Host] = ()) -> Assessor:
        """Return what asks the configured models.

        `packs` tell which rules are sequences, `hosts` whose names become pseudonyms, where these are wanted.
        """
        if settings != self._settings:
            self._settings, self._failover = settings, Failover(self.providers(settings))
        budget = Budget(settings.daily_tokens, StoredBudget(self.store))
        judge = Judge(self._failover, budget, StoredOpinions(self.store))
        return Assessor(judge, prompt_form(settings, hosts), frozenset(one.id for one in packs.sequences))

    def states(self) -> Mapping[str, str]:
        """Tell of each provider whether it may be asked."""
        return {name: str(state) for name, state in self._failover.states.items()}

    async def close(self) -> None:
        """Close all connections to providers."""
        if self._services is not None:
            await self._services.close()

    def providers(self, settings: Ai) -> Sequence[Provider]:
        """Return what speaks to the configured providers, in their order."""
        if not settings.providers:
            return []
        from dthostmon.judge.providers.services import Services  # with aiohttp's client

        self._services = self._services or Services()
        return self._services.providers(settings)


def prices_of(settings: Ai) -> Mapping[str, Prices]:
    """Return what tokens cost, by the name of the provider, where that is configured."""
    return {
        one.name: Prices(one.prices.input, one.prices.output, one.prices.cached_input)
        for one in settings.providers
        if one.prices
    }


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One request to a provider and what it cost; None = unknown."""

    trial: Trial
    cost: float | None


async def try_providers(settings: Ai) -> tuple[TrialResult, ...]:
    """Send each configured provider one small request, one after the other."""
    from dthostmon.judge.providers.services import Services

    prices, form = prices_of(settings), prompt_form(settings)
    services = Services()
    try:
        trials = [await tried(provider, form) for provider in services.providers(settings)]
    finally:
        await services.close()
    return tuple(TrialResult(one, cost(one.usage, prices.get(one.provider)) if one.is_good else None) for one in trials)
