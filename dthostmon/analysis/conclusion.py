"""What the observations of a visit mean on this host, given what is known of it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dthostmon.analysis.bursts import bursts
from dthostmon.analysis.causes import joined
from dthostmon.analysis.escalation import Escalated
from dthostmon.analysis.familiarity import Familiarity, is_learned
from dthostmon.analysis.garbage import rare_collections
from dthostmon.analysis.http_errors import http_errors
from dthostmon.analysis.limits import NOTHING_RECENT, Recent, limit_findings, remembered
from dthostmon.analysis.memory import remember_trails, remember_values
from dthostmon.analysis.moment import Moment
from dthostmon.analysis.novelty import novelties
from dthostmon.analysis.observation import Observation, Tally
from dthostmon.analysis.rates import new_rates
from dthostmon.analysis.sequences import complete_sequences
from dthostmon.analysis.stamps import NO_MOMENT
from dthostmon.model import (
    Finding,
    FindingSource,
    History,
    HistoryUpdate,
    Learning,
    Metrics,
    OpenRecords,
    Severity,
    TemplateCount,
    Thresholds,
)
from dthostmon.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Examination:
    r"""What was understood of one host's logs, all together. `lines` counts records separated by \n alone.

    `tallies` are by path, `templates` most frequent first, `findings` worst first. `own_addresses` are those that the
    host is known to have seen us come from. `learned` is what changes of the host's history, `open_records`
    what the next lines may continue, by path, `recent` what the next visits judge metrics with.
    """

    lines: int
    tallies: Mapping[str, Tally]
    templates: tuple[TemplateCount, ...]
    findings: tuple[Finding, ...]
    own_addresses: frozenset[str] = frozenset()
    learned: HistoryUpdate = field(default_factory=HistoryUpdate)
    open_records: Mapping[str, OpenRecords] = field(default_factory=dict)
    recent: Recent = field(default_factory=dict)


@rare_collections()
def conclude(
    observed: Observation,
    rules: RuleSet,
    history: History,
    thresholds: Thresholds,
    metrics: Metrics | None,
    learning: Learning,
    moment: Moment | None,
    host: str = "HOST",
    recent: Recent = NOTHING_RECENT,
) -> Examination:
    """Judge what was observed by what is known of the host, worst first, and say what the host's history becomes.

    `host` is its name for people, `recent` are the metrics of the visits before.
    """
    now = (moment or NO_MOMENT).now
    sightings = observed.sightings
    familiar = Familiarity(rules, history, is_learned(history, learning, now), now, host)
    told, trails = complete_sequences(sightings, rules, history)
    escalated = Escalated(rules, trails, sightings, thresholds, history, familiar.learned)
    rates = new_rates(observed.templates, history, now)
    findings = [
        *told,
        *sightings.grouping.findings(escalated.severity),
        *http_errors(observed.templates, thresholds),
        *novelties(observed.templates, familiar),
        *bursts(observed.templates, familiar, rates),
        *_floods(observed),
        *limit_findings(metrics, thresholds, recent),
    ]
    return Examination(
        lines=observed.lines,
        tallies=observed.tallies,
        templates=observed.templates,
        findings=tuple(joined(sorted(findings, key=_worst_first))),
        own_addresses=observed.own_addresses,
        open_records=observed.open_records,
        recent=remembered(metrics, thresholds, recent),
        learned=HistoryUpdate(
            trails=remember_trails(history, trails, now),
            values=remember_values(history, escalated.values, now),
            rates=rates,
        ),
    )


def _floods(observed: Observation) -> Iterator[Finding]:
    """Yield a finding where a log holds more kinds of lines than are told apart."""
    if observed.overflow:
        yield Finding(
            kind="log-flood",
            severity=Severity.WARN,
            title=f"{observed.overflow} lines are of more kinds than are told apart in one visit",
            source=FindingSource.RULE,
            rule="dthostmon.log-flood",
            count=observed.overflow,
            recommended_action="A program writes free text, or somebody writes to a log to hide something in it: see"
            " dthostmon logs. Rules were applied to these lines too.",
        )


def _worst_first(finding: Finding) -> tuple[int, int, str, str]:
    return -finding.severity, -finding.count, finding.rule or "", finding.title
