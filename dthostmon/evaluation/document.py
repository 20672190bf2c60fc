"""Figures as the JSON document of `eval --json`, and that document against the one of an earlier evaluation."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from dthostmon.errors import Problem, SuiteError
from dthostmon.evaluation.case import Case
from dthostmon.evaluation.comparison import Answers, Column, Comparison
from dthostmon.evaluation.figures import FalseAlarm, Figures, Noise, Share, Verdict
from dthostmon.evaluation.replay import Judged

BASELINE_BYTES_LIMIT = 64 * 2**20
JUDGED_BY = "rules"
ROUNDING = 1e-9  # the same figures, computed again, are not worse

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | float | bool | None"
Document: TypeAlias = dict[str, Json]


def figures_document(figures: Figures) -> Document:
    """The document of `eval --json`."""
    return {
        "judged_by": JUDGED_BY,
        "cases": figures.cases,
        "incidents": len(figures.verdicts),
        "recall": _shares(figures.recall),
        "by_suite": _shares(figures.by_suite),
        "by_kind": _shares(figures.by_kind),
        "false_alarms": _noise(figures.noise),
        "false_alarms_by_suite": {suite: _noise(noise) for suite, noise in figures.noise_by_suite.items()},
        "evidence_precision": _share(figures.evidence),
        "misses": [_verdict(verdict) for verdict in figures.misses],
        "exaggerated": [_verdict(verdict) for verdict in figures.exaggerated],
        "alarms": [_alarm(alarm) for alarm in figures.alarms],
    }


def comparison_document(comparison: Comparison, model: str, max_tokens: int) -> Document:
    """The document of `eval --provider NAME --json`: the figures of the rules as without a model, and the columns.

    `model` is its name as NAME/MODEL, `max_tokens` the bound that it was asked within.
    """
    return figures_document(comparison.rules.figures) | {
        "judged_by": f"{JUDGED_BY}+{model}",
        "columns": {name: _column(column) for name, column in comparison.columns.items()},
        "answers": _answers(comparison.answers) | {"max_tokens": max_tokens},
        "injection_pass": {
            "model": _share(comparison.resistance.model),
            "combined": _share(comparison.resistance.combined),
        },
    }


def _column(column: Column) -> Document:
    figures = figures_document(column.figures)
    kept = ("recall", "by_suite", "false_alarms", "evidence_precision", "misses", "exaggerated", "alarms")
    return {name: figures[name] for name in kept} | {"evidence_recall": _share(column.evidence_recall)}


def _answers(answers: Answers) -> Document:
    usage = answers.usage
    return {
        "visits": answers.visits,
        "questions": answers.questions,
        "asked": answers.sent,
        "answered": answers.answered,
        "unanswered": dict(answers.unanswered),
        "requests": answers.requests,
        "invalid": answers.invalid,
        "dropped": answers.dropped,
        "schema_valid": _share(answers.schema_valid),
        "seeds": answers.seeds,
        "agreement": _share(answers.agreement),
        "seconds": {"p50": answers.within(0.5), "p95": answers.within(0.95)},
        "tokens": {
            "prompt": usage.prompt,
            "completion": usage.completion,
            "cached": usage.cached,
            "reasoning": usage.reasoning,
            "total": usage.total,
        },
        "cost": answers.cost,
    }


def _shares(shares: Mapping[str, Share]) -> Document:
    return {name: _share(share) for name, share in shares.items()}


def _share(share: Share) -> Document:
    return {"found": share.found, "total": share.total, "share": share.value}


def _noise(noise: Noise) -> Document:
    return {
        "count": noise.alarms,
        "quiet_lines": noise.quiet_lines,
        "per_1000_quiet_lines": noise.per_thousand_lines,
        "count_in_host_days": noise.alarms_in_days,
        "host_days": noise.host_days,
        "per_host_day": noise.per_host_day,
    }


def _case(case: Case) -> Document:
    return {
        "suite": case.suite,
        "id": case.id,
        "kind": case.kind or None,
        "severity": str(case.severity) if case.severity else None,
    }


def _verdict(verdict: Verdict) -> Document:
    found: Document = {"found": str(verdict.found) if verdict.found else None}
    return _case(verdict.case) | found | {"findings": [_finding(judged) for judged in verdict.findings]}


def _alarm(alarm: FalseAlarm) -> Document:
    return _case(alarm.case) | {"finding": _finding(alarm.judged)}


def _finding(judged: Judged) -> Document:
    finding = judged.finding
    return {
        "severity": str(finding.severity),
        "kind": finding.kind,
        "rule": finding.rule,
        "source": finding.source.value,
        "title": finding.title,
        "evidence": [shown.line for shown in finding.evidence],
    }


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure that can be worse than another one, None where there was nothing to measure.

    `total` is of how many it is, as the suites have them; None where that depends on what was found. One that is
    `of_a_model` is compared where both evaluations have it; an evaluation without a model lacks nothing.
    """

    value: float | None
    total: int | None
    of_a_model: bool = False


def read_baseline(path: Path) -> Mapping[str, Measured]:
    """Read the figures of an earlier document, by name; raises SuiteError where it is none."""
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(BASELINE_BYTES_LIMIT))
    except (OSError, ValueError, RecursionError) as exc:
        raise SuiteError([Problem(str(path), 0, 0, "", f"the baseline cannot be read: {exc}")]) from exc
    known = dict(_measured(document)) if isinstance(document, dict) else {}
    if all(figure.value is None for figure in known.values()):
        message = "holds no figures; write it with dthostmon eval --json"
        raise SuiteError([Problem(str(path), 0, 0, "", message)])
    return known


def worse(document: Document, baseline: Mapping[str, Measured]) -> tuple[str, ...]:
    """Say which figures are worse than they were; only what both evaluations have is compared."""
    return tuple(
        f"{name}: {now.value:.3f}, was {before.value:.3f}"
        for name, now, before in _pairs(document, baseline)
        if now.value is not None and before.value is not None and _is_worse(name, now.value, before.value)
    )


def incomparable(document: Document, baseline: Mapping[str, Measured]) -> tuple[str, ...]:
    """Say which figures of the baseline are gone or are of other cases: that they are not worse means nothing."""
    known = dict(_measured(document))
    gone = tuple(
        f"{name}: is gone, was {_shown(before)}"
        for name, before in baseline.items()
        if name not in known and not before.of_a_model
    )
    return gone + tuple(
        f"{name}: {_shown(now)}, was {_shown(before)}"
        for name, now, before in _pairs(document, baseline)
        if None not in {now.total, before.total} and now.total != before.total
    )


def _pairs(document: Document, baseline: Mapping[str, Measured]) -> Iterator[tuple[str, Measured, Measured]]:
    return ((name, now, baseline[name]) for name, now in _measured(document) if name in baseline)


def _shown(figure: Measured) -> str:
    value = "unknown" if figure.value is None else f"{figure.value:.3f}"
    return value if figure.total is None else f"{value} of {figure.total}"


def _is_worse(name: str, value: float, before: float) -> bool:
    loss = value - before if name.startswith("false_alarms") else before - value
    return loss > ROUNDING


def _measured(document: Mapping[str, object]) -> Iterator[tuple[str, Measured]]:
    """Yield the figures that can be worse: shares found, and rates of false alarms."""
    yield from _measured_of_rules(document)
    for column, figures in _items(document, "columns"):
        if column != JUDGED_BY and isinstance(figures, Mapping):
            for name, figure in _measured_of_rules(figures):
                yield f"{name}, {column}", replace(figure, of_a_model=True)


def _measured_of_rules(document: Mapping[str, object]) -> Iterator[tuple[str, Measured]]:
    yield from _figure("evidence precision", document.get("evidence_precision"), "share", "")
    for group in ("recall", "by_suite", "by_kind"):
        for name, share in _items(document, group):
            yield from _figure(f"{group} {name}", share, "share", "total")
    noises = [("", document.get("false_alarms"))]
    noises += [(f" of {suite}", noise) for suite, noise in _items(document, "false_alarms_by_suite")]
    for suite, noise in noises:
        for rate, total in (("per_1000_quiet_lines", "quiet_lines"), ("per_host_day", "host_days")):
            yield from _figure(f"false_alarms{suite} {rate}", noise, rate, total)


def _items(document: Mapping[str, object], group: str) -> Iterator[tuple[str, object]]:
    found = document.get(group)
    yield from found.items() if isinstance(found, Mapping) else ()


def _figure(name: str, holder: object, key: str, total_key: str) -> Iterator[tuple[str, Measured]]:
    if isinstance(holder, Mapping) and key in holder:
        value, total = _number(holder[key]), _number(holder.get(total_key))
        yield name, Measured(value, None if total is None else int(total))


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
