"""`dthostmon eval`: labelled cases through the real pipeline, and how much of the trouble was found."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.figures import print_comparison, print_figures
from dthostmon.cli.invocation import Invocation, json_option
from dthostmon.cli.progress import progress

if TYPE_CHECKING:
    from dthostmon.config.sections import Ai
    from dthostmon.evaluation import Case, Comparison, Document, Figures
    from dthostmon.rules import RuleSet

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
COUNT = click.IntRange(min=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is replayed: the labelled cases and those that try to steer a model, and whether on one host a suite."""

    cases: "Sequence[Case]"
    steering: "Sequence[Case]"
    one_host: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """The model that is asked too: a provider of the configuration, and the bounds of asking it."""

    settings: "Ai"
    provider: str
    seeds: int
    max_tokens: int

    @property
    def model(self) -> str:
        """Its name, as runs tell who judged."""
        (model,) = [one.model for one in self.settings.providers if one.name == self.provider]
        return f"{self.provider}/{model}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """The figures as a document, what prints them, and whether the model answered all that it was asked."""

    document: "Document"
    print_them: Callable[[], None]
    is_whole: bool = True


@click.command(name="eval")
@click.option(
    "--suite", "suites", multiple=True, type=FILE, help="A suite instead of the builtin ones; may be repeated."
)
@click.option("--one-host", is_flag=True, help="Replay all cases of a suite on one host, one after the other.")
@click.option("--limit", type=COUNT, help="So many of the cases alone, evenly spread; always the same ones.")
@click.option("--baseline", type=FILE, help="What `eval --json` printed before: exit 1 when a figure is worse.")
@click.option("--provider", help="Ask this one of `ai.providers` too: rules, model and both in three columns.")
@click.option(
    "--seeds",
    type=COUNT,
    help="Put each question so often, to see whether the answers agree (1; no seed is sent, a provider draws its own).",
)
@click.option(
    "--max-tokens", type=COUNT, help="Ask no more when so many tokens are spent (`ai.daily_tokens`, counted afresh)."
)
@json_option
@click.pass_obj
def evaluate(
    invocation: Invocation,
    suites: Sequence[Path],
    one_host: bool,
    limit: int | None,
    baseline: Path | None,
    provider: str | None,
    seeds: int | None,
    max_tokens: int | None,
    as_json: bool,
) -> int:
    """Replay labelled cases and print recall, false alarms and evidence precision.

    The builtin rules judge, and the packs of the folders that the configuration names, where there is one. Exits 1 when
    a figure is worse than in the baseline, or cannot be compared with it.

    With --provider a model is asked as the daemon would ask it, and what it alone, and it with the rules, would have
    told is measured too; the builtin suites then bring log lines that try to steer it. Exits 1 where it did not answer.
    """
    from dthostmon import evaluation

    if provider is None and (seeds or max_tokens):
        raise click.UsageError("--seeds and --max-tokens are about a model: name one with --provider NAME")
    asking = _asking(invocation, provider, seeds, max_tokens) if provider is not None else None
    chosen = suites or evaluation.builtin_suites()
    if not chosen:
        raise click.UsageError("there is no builtin suite; name one with --suite FILE")
    before = evaluation.read_baseline(baseline) if baseline else {}
    steering = () if suites or asking is None else evaluation.read_suites([evaluation.injection_suite()])
    cases = evaluation.spread(evaluation.read_suites(chosen), limit)
    scope = Scope(cases, evaluation.spread(steering, limit), one_host)
    measured = _measured(invocation, scope, asking, quiet=as_json)
    document = measured.document
    worse, incomparable = evaluation.worse(document, before), evaluation.incomparable(document, before)
    if as_json:
        compared: Document = {"worse": list(worse), "incomparable": list(incomparable)}
        output.print_json(document | (compared if baseline else {}))
    else:
        measured.print_them()
    if baseline:
        _compare(worse, incomparable)
    return 1 if worse or incomparable or not measured.is_whole else 0


def _asking(invocation: Invocation, provider: str, seeds: int | None, max_tokens: int | None) -> Asking:
    """Return what is asked; raises ConfigurationError, and UsageError where there is no such provider."""
    from dthostmon.errors import ConfigurationError

    try:
        invocation.file()
    except ConfigurationError as error:
        words = error.problems[0].message
        raise click.UsageError(f"--provider is one of ai.providers, and there is no configuration: {words}") from error
    settings = invocation.configuration().settings.ai
    names = [one.name for one in settings.providers]
    if not names:
        raise click.UsageError("no provider is configured; name one under ai.providers (docs/models.md shows how)")
    if provider not in names:
        raise click.UsageError(f"there is no provider {provider!r} under ai.providers; there is {', '.join(names)}")
    return Asking(settings, provider, seeds or 1, max_tokens or settings.daily_tokens)


def _compare(worse: Sequence[str], incomparable: Sequence[str]) -> None:
    for one in worse:
        output.say(f"worse than the baseline: {one}")
    for one in incomparable:
        output.say(f"not to be compared with the baseline: {one}")
    if incomparable:
        output.say("The baseline is of other cases: write a new one with `dthostmon eval --json`.")
    elif not worse:
        output.say("No figure is worse than in the baseline.")


def _measured(invocation: Invocation, scope: Scope, asking: Asking | None, *, quiet: bool) -> Measurement:
    from dthostmon.evaluation import comparison_document, figures_document

    rules = invocation.rules()
    with (
        tempfile.TemporaryDirectory(prefix="dthostmon-eval-") as folder,
        progress("replaying", len(scope.cases) + len(scope.steering), quiet=quiet) as told,
    ):
        if asking is None:
            figures = invocation.wait_for(_by_rules(scope, rules, Path(folder), told))
            return Measurement(figures_document(figures), partial(print_figures, figures))
        comparison = invocation.wait_for(_by_model(scope, asking, rules, Path(folder), told))
    return Measurement(
        comparison_document(comparison, asking.model, asking.max_tokens),
        partial(print_comparison, comparison, asking.model, asking.max_tokens),
        is_whole=_told_failures(comparison, invocation),
    )


async def _by_rules(scope: Scope, rules: "RuleSet", folder: Path, told: Callable[[object], None] | None) -> "Figures":
    from dthostmon.evaluation import measure, replay

    return measure(await replay(scope.cases, rules, folder, one_host=scope.one_host, told=told))


async def _by_model(
    scope: Scope, asking: Asking, rules: "RuleSet", folder: Path, told: Callable[[object], None] | None
) -> "Comparison":
    from dthostmon.app.judging import one_provider, prices_of, prompt_form
    from dthostmon.evaluation import Candidate, compare, replay

    async with one_provider(asking.settings, asking.provider) as provider:
        candidate = Candidate(provider, prompt_form(asking.settings), asking.max_tokens, asking.seeds)
        # first, as they are few: their share is known also where the tokens do not last for all cases
        steered = await replay(scope.steering, rules, _folder(folder, "steering"), candidate=candidate, told=told)
        cases = _folder(folder, "cases")
        outcomes = await replay(scope.cases, rules, cases, one_host=scope.one_host, candidate=candidate, told=told)
    return compare(outcomes, steered, prices_of(asking.settings), asking.seeds)


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def _told_failures(comparison: "Comparison", invocation: Invocation) -> bool:
    """Say which questions were not asked or not answered; return whether the provider answered all that it got."""
    failed, unasked = comparison.answers.failed, comparison.answers.unanswered.get("budget", 0)
    if unasked:
        output.say(
            f"Questions not asked: {unasked}. The bound on tokens was reached, so the figures of the model are"
            " too low; raise it with --max-tokens, or ask about fewer cases with --limit."
        )
    if failed:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(failed.items()))
        output.say(
            f"Questions without an answer: {sum(failed.values())} ({reasons}), so the figures of the model are too low;"
            f" {invocation.command('ai test')} tells why."
        )
    return not failed
