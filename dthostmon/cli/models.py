"""`dthostmon ai`: the models that judge what rules alone cannot."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option, since_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dthostmon.app.judging import TrialResult
    from dthostmon.model import Run

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = ("provider", "model", "listed", "result", "seconds", "tokens", "cost")


@click.group()
def ai() -> None:
    """Ask the configured models."""


@ai.command()
@json_option
@click.pass_obj
def test(invocation: Invocation, as_json: bool) -> None:
    """Send each provider one small request: is it reachable, are we known there, does it keep to the contract?"""
    from dthostmon.app.judging import try_providers

    settings = invocation.configuration().settings.ai
    if not settings.providers:
        output.say("No provider is configured, so the rules judge alone. Name one under ai.providers.")
        sys.exit(1)
    results = invocation.wait_for(try_providers(settings))
    if as_json:
        output.print_json({"providers": [_document(one) for one in results]})
    else:
        _print(results)
    sys.exit(0 if all(one.trial.is_good for one in results) else 1)


@ai.command()
@since_option
@json_option
@click.pass_obj
def replay(invocation: Invocation, since: datetime | None, as_json: bool) -> None:
    """Judge stored runs for which no model was found when they were made."""
    from dthostmon.app.replay import replay as replay_runs

    configuration = invocation.configuration()
    runs: list[Run] = []
    result = invocation.wait_for(replay_runs(configuration, since or BEGINNING, runs.append))
    if as_json:
        told = [{"run": run.id, "host": run.host, "judged_by": run.judged_by, "score": run.score} for run in runs]
        output.print_json({"judged": result.judged, "left": result.left, "reason": result.reason or None, "runs": told})
        return
    output.print_table(
        ("host", "started", "judged by", "score"),
        [(run.host, f"{run.started_at:%Y-%m-%d %H:%M:%S}", run.judged_by, run.score) for run in runs],
    )
    reason = f" ({result.reason})" if result.reason else ""
    output.say(f"{result.judged} runs were judged, {result.left} still wait{reason}.")


def _document(result: "TrialResult") -> dict[str, object]:
    trial = result.trial
    return {
        "provider": trial.provider,
        "model": trial.model,
        "model_listed": trial.is_listed,
        "near": list(trial.near),
        "ok": trial.is_good,
        "problem": trial.problem or None,
        "fix": trial.fix or None,
        "seconds": trial.seconds,
        "tokens": trial.usage.total if trial.is_good else None,
        "cost": result.cost,
    }


def _print(results: "Sequence[TrialResult]") -> None:
    rows = []
    for one in results:
        trial = one.trial
        listed = {True: "yes", False: "no", None: None}[trial.is_listed]
        seconds = None if trial.seconds is None else f"{trial.seconds:.1f}"
        tokens = trial.usage.total if trial.is_good else None
        cost = None if one.cost is None else f"{one.cost:.6f}"
        rows.append((trial.provider, trial.model, listed, "good" if trial.is_good else "failed", seconds, tokens, cost))
    output.print_table(COLUMNS, rows)
    for one in results:
        if not one.trial.is_good:
            output.say(f"{one.trial.provider}: {one.trial.problem} {one.trial.fix}".strip())
        if one.trial.near:
            output.say(f"{one.trial.provider}: it lists no such model, but {', '.join(one.trial.near)}.")
