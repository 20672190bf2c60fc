"""Outcomes to figures: how much of the trouble was found, and how often there was an alarm about nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dthostmon.evaluation.case import Case
from dthostmon.evaluation.replay import Judged, Outcome
from dthostmon.model import Severity

# A quiet case of fewer lines is a single event, not a day of a host.
HOST_DAY_LINES = 10
WARN_OR_WORSE = "WARN or worse"


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some are as they should be. `value` is None where there are none: unknown is neither 0 nor 1."""

    found: int
    total: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1."""
        return self.found / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was told of one incident. `found` is the worst severity among what rests on its lines; None = nothing."""

    case: Case
    found: Severity | None
    findings: tuple[Judged, ...]

    @property
    def is_found(self) -> bool:
        """Whether the incident was found at its severity or a worse one."""
        return self.reaches(self.case.severity)

    @property
    def is_exaggerated(self) -> bool:
        """Whether the incident was told as worse than it is."""
        return self.case.severity is not None and self.found is not None and self.found > self.case.severity

    def reaches(self, severity: Severity | None) -> bool:
        """Tell whether it was found at a severity or a worse one."""
        return severity is not None and self.found is not None and self.found >= severity


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """A finding above INFO on lines that need nobody."""

    case: Case
    judged: Judged


@dataclass(frozen=True, slots=True)
class Noise:
    """False alarms against what was quiet. `host_days` counts the quiet cases that are a stretch of a host's log."""

    alarms: int
    quiet_lines: int
    alarms_in_days: int
    host_days: int

    @property
    def per_thousand_lines(self) -> float | None:
        """False alarms per 1,000 quiet lines."""
        return 1000 * self.alarms / self.quiet_lines if self.quiet_lines else None

    @property
    def per_host_day(self) -> float | None:
        """False alarms per day of a quiet host."""
        return self.alarms_in_days / self.host_days if self.host_days else None


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one evaluation. `recall` is by severity; `by_kind` and `by_suite` are at each incident's own."""

    cases: int
    verdicts: tuple[Verdict, ...]
    alarms: tuple[FalseAlarm, ...]
    recall: Mapping[str, Share]
    by_kind: Mapping[str, Share]
    by_suite: Mapping[str, Share]
    noise: Noise
    noise_by_suite: Mapping[str, Noise]
    evidence: Share

    @property
    def found(self) -> Share:
        """How many of all incidents were found at their severity."""
        return Share(sum(verdict.is_found for verdict in self.verdicts), len(self.verdicts))

    @property
    def misses(self) -> tuple[Verdict, ...]:
        """The incidents that were not found at their severity."""
        return tuple(verdict for verdict in self.verdicts if not verdict.is_found)

    @property
    def exaggerated(self) -> tuple[Verdict, ...]:
        """The incidents that were told as worse than they are."""
        return tuple(verdict for verdict in self.verdicts if verdict.is_exaggerated)


def measure(outcomes: Sequence[Outcome]) -> Figures:
    """Compare what was found with the labels."""
    verdicts = tuple(_verdict(outcome) for outcome in outcomes if outcome.case.is_incident)
    suites = dict.fromkeys(outcome.case.suite for outcome in outcomes)
    return Figures(
        cases=len(outcomes),
        verdicts=verdicts,
        alarms=tuple(alarm for outcome in outcomes for alarm in _false_alarms(outcome)),
        recall=_recall(verdicts),
        by_kind=_shares(verdicts, lambda case: case.kind),
        by_suite=_shares(verdicts, lambda case: case.suite),
        noise=_noise(outcomes),
        noise_by_suite={
            suite: _noise([outcome for outcome in outcomes if outcome.case.suite == suite]) for suite in suites
        },
        evidence=_evidence(outcomes),
    )


def _verdict(outcome: Outcome) -> Verdict:
    about = [judged.finding.severity for judged in outcome.findings if not judged.is_beside]
    return Verdict(outcome.case, max(about, default=None), outcome.findings)


def _false_alarms(outcome: Outcome) -> Iterable[FalseAlarm]:
    for judged in outcome.findings:
        if judged.finding.severity > Severity.INFO and (judged.is_beside or not outcome.case.is_incident):
            yield FalseAlarm(outcome.case, judged)


def _recall(verdicts: Sequence[Verdict]) -> Mapping[str, Share]:
    shares = {str(severity): _share(verdicts, severity) for severity in reversed(Severity)}
    serious = [verdict for verdict in verdicts if verdict.case.severity in {Severity.WARN, Severity.CRITICAL}]
    return shares | {WARN_OR_WORSE: Share(sum(verdict.reaches(Severity.WARN) for verdict in serious), len(serious))}


def _share(verdicts: Sequence[Verdict], severity: Severity) -> Share:
    labelled = [verdict for verdict in verdicts if verdict.case.severity is severity]
    return Share(sum(verdict.is_found for verdict in labelled), len(labelled))


def _shares(verdicts: Sequence[Verdict], key: Callable[[Case], str]) -> Mapping[str, Share]:
    names = sorted({key(verdict.case) for verdict in verdicts})
    groups = {name: [verdict for verdict in verdicts if key(verdict.case) == name] for name in names}
    return {name: Share(sum(verdict.is_found for verdict in group), len(group)) for name, group in groups.items()}


def _noise(outcomes: Sequence[Outcome]) -> Noise:
    days = [outcome for outcome in outcomes if _is_stretch(outcome.case)]
    return Noise(
        alarms=sum(1 for outcome in outcomes for _ in _false_alarms(outcome)),
        quiet_lines=sum(outcome.case.quiet_lines for outcome in outcomes),
        alarms_in_days=sum(1 for outcome in days for _ in _false_alarms(outcome)),
        host_days=sum(outcome.days for outcome in days),
    )


def _is_stretch(case: Case) -> bool:
    return not case.is_incident and len(case.lines) >= HOST_DAY_LINES


def _evidence(outcomes: Sequence[Outcome]) -> Share:
    told = [
        judged
        for outcome in outcomes
        for judged in outcome.findings
        if outcome.case.is_incident and judged.finding.severity > Severity.INFO
    ]
    return Share(sum(judged.labelled for judged in told), sum(judged.evidence for judged in told))
