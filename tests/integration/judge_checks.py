"""Checks of this machine's own files that a scripted provider judges."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from dthostmon import rules
from dthostmon.app.judging import StoredBudget, StoredOpinions, prompt_form
from dthostmon.config.sections import Ai
from dthostmon.cycle import HostChecks, Parts
from dthostmon.judge import Assessor, Judge, Prices
from dthostmon.judge.budget import Budget
from dthostmon.judge.failover import Failover
from dthostmon.judge.prompt import PromptForm
from dthostmon.judge.question import Provider
from dthostmon.model import Host, Thresholds, TransportKind
from dthostmon.store import Store
from dthostmon.transport import Session, connect

RULES = rules.load_packs([rules.builtin_folder()])
NO_PRICES: dict[str, Prices] = {}
FORM = prompt_form(Ai())


def make_host(name: str, log: Path) -> Host:
    return Host(name, TransportKind.LOCAL, None, None, (), (str(log),), (), Thresholds(), 60, 30, 65536)


def make_checks(
    store: Store,
    providers: Sequence[Provider],
    daily_tokens: int = 10**7,
    prices: dict[str, Prices] = NO_PRICES,
    form: PromptForm = FORM,
) -> HostChecks:
    """Make checks that ask the providers, within a budget."""

    @asynccontextmanager
    async def visit(host: Host) -> AsyncIterator[Session]:
        session = await connect(host)
        yield session
        await session.close()

    judge = Judge(Failover(providers, lambda: 0.5), Budget(daily_tokens, StoredBudget(store)), StoredOpinions(store))
    parts = Parts(
        store,
        visit,
        RULES,
        lambda: datetime.now(UTC),
        time.monotonic,
        partial(secrets.token_hex, 4),
        assessor=Assessor(judge, form),
        prices=prices,
    )
    return HostChecks(parts, 50)


def answer(score: int, severity: str = "INFO", findings: Sequence[dict[str, object]] = ()) -> str:
    """Return an answer that keeps the contract."""
    return json.dumps(
        {
            "summary": "The model sees it.",
            "findings": list(findings),
            "health_score": score,
            "severity": severity,
            "recommendations": ["Look at it."],
        }
    )


def claim(*evidence: str, severity: str = "WARN", confidence: str = "high") -> dict[str, object]:
    """Return a finding of a model."""
    return {
        "evidence": list(evidence),
        "kind": "odd",
        "severity": severity,
        "description": "Odd words.",
        "recommended_action": "Ask who wrote them.",
        "confidence": confidence,
    }
