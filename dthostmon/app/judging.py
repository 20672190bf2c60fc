"""Builds the judge: the configured models, within the budget that the store remembers."""

import logging
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

from dthostmon.config.sections import Ai
from dthostmon.config.sections import Provider as ProviderSettings
from dthostmon.judge import Assessor, Judge, Prices
from dthostmon.judge.budget import Budget, cost
from dthostmon.judge.cache import OPINION_LIFETIME, KnownOpinion
from dthostmon.judge.contract import max_output_tokens, schema
from dthostmon.judge.failover import Failover
from dthostmon.judge.listing import Listing, listing
from dthostmon.judge.prompt import Names, PromptForm
from dthostmon.judge.question import Provider
from dthostmon.judge.recurrence import Recurrence
from dthostmon.judge.trial import Trial, tried
from dthostmon.model import Host
from dthostmon.rules import RuleSet
from dthostmon.store import Store, StoredOpinion

if TYPE_CHECKING:
    from dthostmon.judge.providers.services import Services

logger = logging.getLogger(__name__)

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
    _listed: dict[str, bool | None] = field(default_factory=dict)
    _recurrence: Recurrence = field(default_factory=Recurrence)

    def assessor(self, settings: Ai, packs: RuleSet, hosts: Iterable[Host] = ()) -> Assessor:
        """Return what asks the configured models.

        `packs` tell which rules are sequences, `hosts` whose names become pseudonyms, where these are wanted.
        """
        if settings != self._settings:
            self._settings, self._failover = settings, Failover(self.providers(settings))
        budget = Budget(settings.daily_tokens, StoredBudget(self.store))
        judge = Judge(self._failover, budget, StoredOpinions(self.store))
        sequences = frozenset(one.id for one in packs.sequences)
        return Assessor(judge, prompt_form(settings, hosts), sequences, self._recurrence)

    def states(self) -> Mapping[str, str]:
        """Tell of each provider whether it may be asked."""
        return {name: str(state) for name, state in self._failover.states.items()}

    def listed(self) -> Mapping[str, bool | None]:
        """Tell of each provider whether it lists its model; None = unknown, as it is before `check`."""
        return {name: self._listed.get(name) for name in self._failover.states}

    async def check(self, settings: Ai) -> None:
        """Look whether each provider has its model, one after the other; what is not well is told in the log, once."""
        self._listed = {}
        for one, provider in zip(settings.providers, self.providers(settings), strict=True):
            found = await listing(provider)
            self._listed[one.name] = found.is_listed
            _tell(one, found)

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


def _tell(settings: ProviderSettings, found: Listing) -> None:
    """Log what is wrong with the list of a provider, in none of its words but the names of models."""
    extra = {"provider": settings.name, "model": settings.model}
    if found.failure is not None:
        extra |= {"kind": str(found.failure.kind), "fix": found.failure.fix}
        logger.warning("a provider of models does not tell which ones it has", extra=extra)
    elif found.is_listed is False:
        fix = f"Set ai.providers.{settings.name}.model to one that it has; `dthostmon ai test` asks it."
        extra |= {"near": ", ".join(shown_names(settings, found.near)) or "none", "fix": fix}
        logger.warning("a provider of models does not list the configured one", extra=extra)


def shown_names(settings: ProviderSettings, names: Sequence[str]) -> tuple[str, ...]:
    """Return names of models as people may see them: a provider knows its key, and may name a model after it."""
    from dthostmon.judge.providers.failures import key_of
    from dthostmon.judge.providers.said import without_secret

    return tuple(without_secret(name, key_of(settings)) for name in names)


def prices_of(settings: Ai) -> Mapping[str, Prices]:
    """Return what tokens cost, by the name of the provider, where that is configured."""
    return {
        one.name: Prices(one.prices.input, one.prices.output, one.prices.cached_input)
        for one in settings.providers
        if one.prices
    }


@asynccontextmanager
async def one_provider(settings: Ai, name: str) -> AsyncIterator[Provider]:
    """Yield what speaks to one of the configured providers."""
    from dthostmon.judge.providers.services import Services

    services = Services()
    try:
        (provider,) = [one for one in services.providers(settings) if one.name == name]
        yield provider
    finally:
        await services.close()


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One request to a provider and what it cost; None = unknown."""

    trial: Trial
    cost: float | None


async def _tried(settings: ProviderSettings, provider: Provider, form: PromptForm) -> Trial:
    trial = await tried(provider, form)
    return replace(trial, near=shown_names(settings, trial.near))


async def try_providers(settings: Ai) -> tuple[TrialResult, ...]:
    """Send each configured provider one small request, one after the other."""
    from dthostmon.judge.providers.services import Services

    prices, form = prices_of(settings), prompt_form(settings)
    services = Services()
    try:
        pairs = zip(settings.providers, services.providers(settings), strict=True)
        trials = [await _tried(one, provider, form) for one, provider in pairs]
    finally:
        await services.close()
    return tuple(TrialResult(one, cost(one.usage, prices.get(one.provider)) if one.is_good else None) for one in trials)
