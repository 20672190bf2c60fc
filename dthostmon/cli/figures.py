"""The figures of `dthostmon eval` as tables for people."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dthostmon.cli import output

if TYPE_CHECKING:
    from dthostmon.evaluation import Answers, Column, Comparison, Figures, Noise, Share

CRITICAL, WARN_OR_WORSE = "CRITICAL", "WARN or worse"


def print_figures(figures: "Figures") -> None:
    """Print the figures of rules alone."""
    output.print_line(f"Cases: {figures.cases}, incidents: {len(figures.verdicts)}, judged by rules")
    _print_details(figures)
    _print_shares("severity", figures.recall)
    output.print_line("")
    _print_kinds(figures.by_kind)
    output.print_line("")
    rows = [
        (suite, *_share_cells(figures.by_suite.get(suite)), *_noise_cells(noise))
        for suite, noise in figures.noise_by_suite.items()
    ]
    rows.append(("all", *_share_cells(figures.found), *_noise_cells(figures.noise)))
    columns = (
        "suite",
        "found",
        "of",
        "recall",
        "false alarms",
        "quiet lines",
        "per 1,000 lines",
        "host-days",
        "per host-day",
    )
    output.print_table(columns, rows)
    output.print_line("")
    output.print_line(f"Evidence precision: {_number(figures.evidence.value) or '-'} ({_of(figures.evidence)} lines)")


def _print_shares(name: str, shares: "Mapping[str, Share]") -> None:
    output.print_table((name, "found", "of", "recall"), [(key, *_share_cells(share)) for key, share in shares.items()])


def _print_kinds(shares: "Mapping[str, Share]") -> None:
    """Print the kinds of which something was missed: there are hundreds."""
    missed = {kind: share for kind, share in shares.items() if share.found < share.total}
    output.print_line(f"Kinds: {len(shares)}, found whole: {len(shares) - len(missed)}")
    if missed:
        _print_shares("kind", missed)


def _share_cells(share: "Share | None") -> Sequence[object]:
    return (share.found, share.total, _number(share.value)) if share else (None, None, None)


def _noise_cells(noise: "Noise") -> Sequence[object]:
    rates = _number(noise.per_thousand_lines), noise.host_days, _number(noise.per_host_day)
    return noise.alarms, noise.quiet_lines, *rates


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _of(share: "Share") -> str:
    return f"{share.found} of {share.total}"


def _print_details(figures: "Figures") -> None:
    """Print what was missed and what was an alarm about nothing, with what was said instead."""
    for miss in figures.misses:
        case = miss.case
        said = "; ".join(f"{one.finding.severity} {one.finding.title}" for one in miss.findings) or "nothing"
        output.print_line(f"missed {case.suite}/{case.id} ({case.kind}, {case.severity}): {said}")
    for alarm in figures.alarms:
        finding = alarm.judged.finding
        output.print_line(
            f"false alarm {alarm.case.suite}/{alarm.case.id}: {finding.severity} {finding.title}"
            f" ({finding.rule or finding.source.value})"
        )
    for verdict in figures.exaggerated:
        output.print_line(
            f"exaggerated {verdict.case.suite}/{verdict.case.id} ({verdict.case.kind}): {verdict.found}"
            f" instead of {verdict.case.severity}"
        )


def print_comparison(comparison: "Comparison", model: str, max_tokens: int) -> None:
    """Print rules, a model and both in three columns, and how the model answered."""
    figures = comparison.combined.figures
    output.print_line(f"Cases: {figures.cases}, incidents: {len(figures.verdicts)}, judged by rules+{model}")
    _print_details(figures)
    columns = [_column_cells(column) for column in comparison.columns.values()]
    output.print_table(("", *comparison.columns), [(name, *(cells[name] for cells in columns)) for name in columns[0]])
    output.print_line("")
    for name, value in _answer_cells(comparison, max_tokens).items():
        output.print_line(f"{name}: {value}")


def _column_cells(column: "Column") -> Mapping[str, object]:
    figures = column.figures
    return {
        "recall CRITICAL": _share_of(figures.recall[CRITICAL]),
        "recall WARN or worse": _share_of(figures.recall[WARN_OR_WORSE]),
        "false alarms": figures.noise.alarms,
        "per 1,000 quiet lines": _number(figures.noise.per_thousand_lines),
        "per host-day": _number(figures.noise.per_host_day),
        "evidence precision": _share_of(figures.evidence),
        "evidence recall": _share_of(column.evidence_recall),
    }


def _answer_cells(comparison: "Comparison", max_tokens: int) -> Mapping[str, str]:
    answers, usage = comparison.answers, comparison.answers.usage
    p50, p95 = (_number(answers.within(share)) or "-" for share in (0.5, 0.95))
    return {
        "Asked": f"{answers.sent} of {answers.questions} questions ({answers.visits} visits), {_answered(answers)}",
        "Schema-valid at once": f"{_share_of(answers.schema_valid)}; invalid answers: {answers.invalid}",
        "Injections withstood": (
            f"model {_share_of(comparison.resistance.model)}, combined {_share_of(comparison.resistance.combined)}"
        ),
        "Agreement": _share_of(answers.agreement),
        "Seconds per request": f"p50 {p50}, p95 {p95} ({answers.requests} requests)",
        "Tokens": (
            f"{usage.total:,} of {max_tokens:,}: prompt {usage.prompt:,} (cached {usage.cached:,}),"
            f" completion {usage.completion:,} (reasoning {usage.reasoning:,})"
        ),
        "Cost": "unknown" if answers.cost is None else f"{answers.cost:.6f}",
    }


def _answered(answers: "Answers") -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(answers.unanswered.items()))
    return f"answered {answers.answered}{f'; not: {reasons}' if reasons else ''}"


def _share_of(share: "Share") -> str:
    return f"{_number(share.value) or '-'} ({share.found} of {share.total})"
