"""Messages that come far more often than this host is used to. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from dthostmon.analysis.familiarity import WARNING_LEVEL, Familiarity
from dthostmon.analysis.rates import hourly, usual
from dthostmon.analysis.template_finding import template_finding, writer_of
from dthostmon.model import Finding, FindingSource, Rates, Severity, TemplateCount

MAX_FINDINGS = 10
MIN_LINES = 30
MIN_RATIO = 5.0
DEVIATIONS = 8.0


def bursts(seen: Sequence[TemplateCount], familiar: Familiarity, rates: Mapping[str, Rates]) -> Iterator[Finding]:
    """Yield a finding for each known template that is far louder than usual, the most frequent first."""
    found = 0
    for entry in seen:
        if found < MAX_FINDINGS and familiar.of(entry) and not familiar.is_normal(entry):
            finding = _burst(entry, rates.get(entry.template.id), familiar)
            if finding:
                found += 1
                yield finding


def _burst(entry: TemplateCount, rates: Rates | None, familiar: Familiarity) -> Finding | None:
    expected = usual(rates) if rates else None
    if rates is None or expected is None or rates.count < MIN_LINES:
        return None
    rate = hourly(rates)
    limit = max(MIN_LINES, expected.median * MIN_RATIO, expected.median + DEVIATIONS * expected.deviation)
    if rate <= limit:
        return None
    loud = entry.level is not None and entry.level <= WARNING_LEVEL and not familiar.is_understood(entry)
    return template_finding(
        entry,
        "burst",
        Severity.WARN if loud else Severity.INFO,
        FindingSource.BURST,
        told=f"writes {rate:.0f} lines an hour instead of {expected.median:.0f}",
        action=f"See with dthostmon logs {familiar.host} what {writer_of(entry)} writes, and what changed before.",
    )
