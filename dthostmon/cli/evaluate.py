"""`dthostmon eval`: labelled cases through the real pipeline, and how much of the trouble was found."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option
from dthostmon.cli.progress import progress

if TYPE_CHECKING:
    from dthostmon.evaluation import Case, Figures, Noise, Share

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(name="eval")
@click.option(
    "--suite", "suites", multiple=True, type=FILE, help="A suite instead of the builtin ones; may be repeated."
)
@click.option("--one-host", is_flag=True, help="Replay all cases of a suite on one host, one after the other.")
@click.option("--baseline", type=FILE, help="What `eval --json` printed before: exit 1 when a figure is worse.")
@click.option("--provider", help="Judge with this model too (not available in this version).")
@json_option
@click.pass_obj
def evaluate(
    invocation: Invocation,
    suites: Sequence[Path],
    one_host: bool,
    baseline: Path | None,
    provider: str | None,
    as_json: bool,
) -> int:
    """Replay labelled cases and print recall, false alarms and evidence precision.

    The builtin rules judge, and the packs of the folders that the configuration names, where there is one. Exits 1 when
    a figure is worse than in the baseline, or cannot be compared with it.
    """
    from dthostmon import evaluation

    if provider is not None:
        raise click.UsageError("--provider is not available yet: this version judges with rules alone")
    chosen = suites or evaluation.builtin_suites()
    if not chosen:
        raise click.UsageError("there is no builtin suite; name one with --suite FILE")
    before = evaluation.read_baseline(baseline) if baseline else {}
    figures = _measure(invocation, evaluation.read_suites(chosen), one_host=one_host, quiet=as_json)
    document = evaluation.figures_document(figures)
    worse, incomparable = evaluation.worse(document, before), evaluation.incomparable(document, before)
    if as_json:
        compared: evaluation.Document = {"worse": list(worse), "incomparable": list(incomparable)}
        output.print_json(document | (compared if baseline else {}))
    else:
        _print(figures)
    if baseline:
        _compare(worse, incomparable)
    return 1 if worse or incomparable else 0


def _compare(worse: Sequence[str], incomparable: Sequence[str]) -> None:
    for one in worse:
        output.say(f"worse than the baseline: {one}")
    for one in incomparable:
        output.say(f"not to be compared with the baseline: {one}")
    if incomparable:
        output.say("The baseline is of other cases: write a new one with `dthostmon eval --json`.")
    elif not worse:
        output.say("No figure is worse than in the baseline.")


def _measure(invocation: Invocation, cases: "Sequence[Case]", *, one_host: bool, quiet: bool) -> "Figures":
    from dthostmon.evaluation import measure, replay

    rules = invocation.rules()
    with (
        tempfile.TemporaryDirectory(prefix="dthostmon-eval-") as folder,
        progress("replaying", len(cases), quiet=quiet) as told,
    ):
        return measure(invocation.wait_for(replay(cases, rules, Path(folder), one_host=one_host, told=told)))


def _print(figures: "Figures") -> None:
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
