"""The share of requests that a web server could not answer. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from dthostmon.model import Evidence, Finding, FindingSource, Severity, TemplateCount, Thresholds

ACCESS_PROGRAM = "http-access"
MIN_ERRORS = 10

# the request is a client's own words: only what stands behind its closing quote is the server's
_STATUS = re.compile(r'[^"]*"(?:[^"\\]|\\.)*+" ([1-5])\d\d(?: |$)')


def http_errors(seen: Sequence[TemplateCount], thresholds: Thresholds) -> Iterator[Finding]:
    """Yield a finding for each access log with too large a share of server errors (5xx)."""
    requests: dict[str, Counter[str]] = defaultdict(Counter)
    samples: dict[str, list[Evidence]] = defaultdict(list)
    for entry in seen:
        status = _STATUS.match(entry.sample) if entry.template.program == ACCESS_PROGRAM else None
        if status:
            requests[entry.path][status[1]] += entry.count
            if status[1] == "5":
                samples[entry.path].append(Evidence(entry.path, entry.sample))
    for path, counts in requests.items():
        if finding := _finding(path, counts, samples[path], thresholds):
            yield finding


def _finding(path: str, counts: Counter[str], samples: list[Evidence], thresholds: Thresholds) -> Finding | None:
    errors, total = counts["5"], counts.total()
    percent = 100 * errors / total
    levels = thresholds.http_errors
    ordered = ((levels.critical, Severity.CRITICAL), (levels.warn, Severity.WARN), (levels.info, Severity.INFO))
    severity = next((severity for level, severity in ordered if level is not None and percent >= level), None)
    if severity is None or errors < MIN_ERRORS:
        return None
    return Finding(
        kind="http-errors",
        severity=severity,
        title=f"{errors} of {total} requests failed in the web server ({percent:.0f}%, {path})",
        source=FindingSource.RULE,
        rule="http.server-errors",
        count=errors,
        evidence=tuple(samples[:5]),
        recommended_action="Look at the error log beside this access log, and at the service that the server asks.",
        fields={"path": path},
    )
