"""Asks the providers in the order of the configuration until one gives an answer that can be used.

The clock is that of the event loop, which deadlines and pauses obey too.
"""

import asyncio
import logging
import random
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from dthostmon.errors import ProviderError, ProviderErrorKind
from dthostmon.judge.asked import Asked, Attempt, Reason, RulesOnlyReason
from dthostmon.judge.breaker import Breaker, BreakerState
from dthostmon.judge.correction import corrected, estimated_tokens
from dthostmon.judge.question import MODEL_NAME, Answer, Provider, Question, UnusableAnswerError
from dthostmon.model import Opinion, Usage

logger = logging.getLogger(__name__)

HOST_DEADLINE_SECONDS = 150.0  # for one host in all: a try of a slow local model (120) and one of a cloud's (30)
TRIES = 2  # of one provider, where the failure may pass by itself
LONGEST_PAUSE_SECONDS = 8.0  # between them: full jitter, any moment up to this
LONGEST_RETRY_AFTER_SECONDS = 10.0  # who asks for more is not waited for

NEEDS_A_PERSON = frozenset({ProviderErrorKind.AUTH, ProviderErrorKind.QUOTA, ProviderErrorKind.MODEL_MISSING})
TRY_FIX = "Raise `ai.timeout` if it is only slow."
UNFORESEEN_FIX = "Please report it with the log of dthostmon."

Parse = Callable[[str], Opinion]  # raises ProviderError (invalid output) for an answer that cannot be used


class Purse(Protocol):
    """The tokens that may be spent on a host."""

    def covers(self, tokens: int) -> bool:
        """Say whether a request may be sent that takes at most so many tokens, and keep them for it."""

    def pay(self, usage: Usage) -> None:
        """Count what a request took."""


@dataclass(slots=True, eq=False)
class Guarded:
    """A provider with what is remembered of it from host to host. `under_way` are the time limits of its requests."""

    provider: Provider
    places: asyncio.Semaphore
    breaker: Breaker = field(default_factory=Breaker)
    under_way: set[asyncio.Timeout] = field(default_factory=set)

    def cut_short(self) -> None:
        """End the requests under way as if their time were over."""
        for limit in self.under_way:
            if not limit.expired():
                limit.reschedule(_now())


@dataclass(slots=True)
class Asking:
    """What is asked for one host, until when, and what came of it so far. `text` is the last answer, empty if none."""

    question: Question
    parse: Parse
    purse: Purse
    deadline: asyncio.Timeout
    reason: Reason = RulesOnlyReason.BREAKER_OPEN
    attempts: list[Attempt] = field(default_factory=list)
    text: str = ""

    def without_opinion(self, reason: Reason) -> Asked:
        """Return what came of it when no provider is left, or no time."""
        return Asked(reason=reason, attempts=tuple(self.attempts))


class Failover:
    """Providers behind their breakers. One instance serves all hosts; `draw` returns a number from 0 to 1."""

    def __init__(self, providers: Sequence[Provider], draw: Callable[[], float] = random.random) -> None:
        self._guarded = [Guarded(each, asyncio.Semaphore(max(1, each.concurrency))) for each in providers]
        self._draw = draw

    @property
    def has_providers(self) -> bool:
        """Whether there is anyone to ask."""
        return bool(self._guarded)

    @property
    def states(self) -> Mapping[str, BreakerState]:
        """Whether each provider may be asked, by its name."""
        return {guarded.provider.name: guarded.breaker.state(_now()) for guarded in self._guarded}

    async def ask(self, question: Question, parse: Parse, purse: Purse) -> Asked:
        """Return the first usable answer, or why there is none. Raises nothing but what cancels it."""
        if not self._guarded:
            return Asked(reason=RulesOnlyReason.NO_PROVIDER)
        deadline = asyncio.timeout(HOST_DEADLINE_SECONDS)
        asking = Asking(question, parse, purse, deadline)
        try:
            async with deadline:
                return await self._ask_in_order(asking)
        except TimeoutError:
            return asking.without_opinion(RulesOnlyReason.DEADLINE)

    async def _ask_in_order(self, asking: Asking) -> Asked:
        for guarded in self._guarded:
            asked = await self._ask_one(asking, guarded)
            if asked is not None:
                return asked
        return asking.without_opinion(asking.reason)

    async def _ask_one(self, asking: Asking, guarded: Guarded) -> Asked | None:
        """Return what one provider says; None: the next one is asked."""
        question, failures, is_corrected = asking.question, 0, False
        while True:
            try:
                return await self._wait_and_ask(asking, guarded, question)
            except ProviderError as error:
                asking.reason = error.kind
                if error.kind is ProviderErrorKind.INVALID_OUTPUT and not is_corrected:
                    question, is_corrected = corrected(question, asking.text, error.message), True
                    continue
                failures += 1
                pause = pause_before_retry(error, failures, self._draw())
            if pause is None:
                return None
            await asyncio.sleep(pause)

    async def _wait_and_ask(self, asking: Asking, guarded: Guarded, question: Question) -> Asked | None:
        """Wait for a place at a provider, then send it one request; None if it is not asked after all."""
        if not guarded.breaker.lets(_now()):
            return None
        async with guarded.places:
            if not self._may_send(asking, guarded, question):
                return None
            permit = guarded.breaker.enter(_now())  # it may have failed others meanwhile
            return None if permit is None else await self._send(asking, guarded, question, permit)

    def _may_send(self, asking: Asking, guarded: Guarded, question: Question) -> bool:
        """Say whether there is time and budget for a request, now that there is a place for it."""
        if self._should_leave_the_time(asking, guarded):
            return False
        if not asking.purse.covers(question.prompt_tokens + question.max_output_tokens):
            asking.reason = RulesOnlyReason.BUDGET
            return False
        return True

    async def _send(self, asking: Asking, guarded: Guarded, question: Question, permit: int) -> Asked:
        provider, started = guarded.provider, _now()
        kind: ProviderErrorKind | None = ProviderErrorKind.TRANSPORT  # what a try is that the host's deadline cuts
        usage, asking.text = Usage(), ""
        try:
            answer = await _answer(guarded, question)
            if guarded.breaker.answered():
                logger.info("a provider of models answers again", extra={"provider": provider.name})
            usage, asking.text = counted(answer.usage, question, answer.text), answer.text
            opinion = _checked(asking.parse, answer.text)
            kind = None
        except ProviderError as error:
            kind = error.kind
            if isinstance(error, UnusableAnswerError):
                usage = counted(error.usage, question)
            self._count_failure(guarded, error, permit)
            raise
        finally:
            guarded.breaker.leave(permit)
            asking.purse.pay(usage)
            asking.attempts.append(Attempt(provider.name, kind, _now() - started, usage))
        return Asked(opinion, provider.name, _model_name(answer, provider), attempts=tuple(asking.attempts))

    def _should_leave_the_time(self, asking: Asking, guarded: Guarded) -> bool:
        """Say whether a try would be cut short while a later provider could do with less time."""
        end = asking.deadline.when()
        timeout = guarded.provider.timeout
        if end is None or end - _now() >= timeout:
            return False
        later = self._guarded[self._guarded.index(guarded) + 1 :]
        return any(each.provider.timeout < timeout and each.breaker.lets(_now()) for each in later)

    def _count_failure(self, guarded: Guarded, error: ProviderError, permit: int) -> None:
        """Tell the breaker, and people when it opens. Neither logs what a provider says: it may repeat the key."""
        provider, breaker = guarded.provider, guarded.breaker
        extra = {"provider": provider.name, "model": provider.model, "kind": str(error.kind), "fix": error.fix}
        if error.kind in NEEDS_A_PERSON and breaker.refused(permit, _now()):
            logger.error("a provider of models refuses and is left alone for an hour", extra=extra)
        elif error.transient and breaker.failed(permit, _now(), self._draw()):
            logger.warning("a provider of models fails and is left alone for a while", extra=extra)
            if _timed_out(error):
                guarded.cut_short()  # it hangs: those that came a moment later would wait for nothing


def pause_before_retry(error: ProviderError, failures: int, draw: float) -> float | None:
    """Return how many seconds to wait before the same provider is tried again; None: the next one is asked."""
    if not error.transient or _timed_out(error) or failures >= TRIES:
        return None
    if error.retry_after is None:
        return draw * LONGEST_PAUSE_SECONDS
    return error.retry_after if error.retry_after <= LONGEST_RETRY_AFTER_SECONDS else None


def counted(usage: Usage, question: Question, text: str = "") -> Usage:
    """Return what an answer took; our estimate where its provider does not count, as unknown is not nothing.

    `text` is the answer; empty where there is none to be had, and only the prompt can be estimated.
    """
    prompt = usage.prompt if usage.prompt > 0 else question.prompt_tokens
    completion = usage.completion if usage.completion > 0 or not text else estimated_tokens(text)
    return replace(usage, prompt=prompt, completion=completion)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _timed_out(error: ProviderError) -> bool:
    return isinstance(error.__cause__, TimeoutError)


async def _answer(guarded: Guarded, question: Question) -> Answer:
    """Return the answer to one try. Raises ProviderError; a try that timed out has TimeoutError as its cause."""
    provider, limit = guarded.provider, asyncio.timeout(guarded.provider.timeout)
    try:
        async with limit:
            guarded.under_way.add(limit)
            return await provider.ask(question)
    except ProviderError:
        raise
    except TimeoutError as exc:
        message = f"{provider.name}: no answer in the {provider.timeout:g} s that a try may take."
        raise ProviderError(ProviderErrorKind.TRANSPORT, message, TRY_FIX) from exc
    except Exception as exc:
        logger.error("a provider failed in a way nobody foresaw", extra={"provider": provider.name, **_origin(exc)})
        message = f"{provider.name}: its answer broke dthostmon ({type(exc).__name__})."
        raise ProviderError(ProviderErrorKind.TRANSPORT, message, UNFORESEEN_FIX) from exc
    finally:
        guarded.under_way.discard(limit)


def _checked(parse: Parse, text: str) -> Opinion:
    """Return the opinion of an answer. Raises ProviderError: whatever an answer breaks, it is the answer's fault."""
    try:
        return parse(text)
    except ProviderError:
        raise
    except Exception as exc:
        logger.error("an answer could not be checked in a way nobody foresaw", extra=_origin(exc))
        message = f"it cannot be read ({type(exc).__name__})."
        raise ProviderError(ProviderErrorKind.INVALID_OUTPUT, message, UNFORESEEN_FIX) from exc


def _origin(exc: Exception) -> dict[str, object]:
    """Return what an error is and where it came from, not its words: they may hold a key, or what a model says."""
    frame = traceback.extract_tb(exc.__traceback__)[-1]
    return {"error": type(exc).__name__, "origin": f"{frame.filename}:{frame.lineno}"}


def _model_name(answer: Answer, provider: Provider) -> str:
    """Return the model that says it answered, which a run shows; the configured one where it is no decent name."""
    return answer.model if MODEL_NAME.fullmatch(answer.model) else provider.model
