"""Messages that come far more often than this host is used to. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from dthostmon.analysis.levels import WARNING_LEVEL, is_understood
from dthostmon.analysis.rates import hourly, usual
from dthostmon.model import Evidence, Finding, FindingSource, History, Rates, Severity, TemplateCount
from dthostmon.rules import RuleSet

MAX_FINDINGS = 10
MIN_LINES = 30
MIN_RATIO = 5.0
DEVIATIONS = 8.0


def bursts(
    seen: Sequence[TemplateCount], rules: RuleSet, history: History, rates: Mapping[str, Rates], now: datetime
) -> Iterator[Finding]:
    """Yield a finding for each template that is far louder than usual, the loudest first."""
    found = 0
    for entry in seen:
        known = history.templates.get(entry.template.id)
        if known is None or entry.count < MIN_LINES or found == MAX_FINDINGS:
            continue
        is_normal = known.normal_until is not None and known.normal_until > now
        finding = None if is_normal else _burst(entry, rates.get(entry.template.id), rules)
        if finding:
            found += 1
            yield finding


def _burst(entry: TemplateCount, rates: Rates | None, rules: RuleSet) -> Finding | None:
    expected = usual(rates) if rates else None
    if rates is None or expected is None:
        return None
    rate = hourly(rates)
    limit = max(MIN_LINES, expected.median * MIN_RATIO, expected.median + DEVIATIONS * expected.deviation)
    if rate <= limit:
        return None
    loud = entry.level is not None and entry.level <= WARNING_LEVEL and not is_understood(entry, rules)
    who = entry.template.program or entry.path
    return Finding(
        kind="burst",
        severity=Severity.WARN if loud else Severity.INFO,
        title=f"{who} writes {rate:.0f} lines an hour instead of {expected.median:.0f}: {entry.template.text[:120]}",
        source=FindingSource.BURST,
        count=entry.count,
        evidence=(Evidence(entry.path, entry.sample),),
        recommended_action=f"See with dthostmon logs what {who} writes, and what changed on the host before.",
        fields={"template": entry.template.id, "program": entry.template.program or ""},
    )
