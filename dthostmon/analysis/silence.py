"""Logs that are never silent, and are now. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from dthostmon.model import Finding, FindingSource, Rhythm, Severity

MIN_SILENCE_SECONDS = 3600.0
MIN_KNOWN_SECONDS = 3 * 86400.0
DAY_SECONDS = 86400.0
RATIO = 3.0
MIN_VISITS = 6
SILENCE_THAT_IS_USUAL_SECONDS = 12 * 3600.0  # a log with such gaps says nothing by another one

_DIGITS = re.compile(r"\d+")


def new_rhythms(
    with_lines: Iterable[str], known: Mapping[str, Rhythm], last_run_at: datetime | None, now: datetime
) -> Mapping[str, Rhythm]:
    """Return the rhythms of the logs that had lines now.

    A silence is one only if a visit looked and found nothing: while nobody looked, nobody knows.
    """
    return {path: _heard(known.get(path), last_run_at, now) for path in with_lines}


def _heard(known: Rhythm | None, last_run_at: datetime | None, now: datetime) -> Rhythm:
    if known is None:
        return Rhythm(now, now)
    was_silent = last_run_at is not None and last_run_at > known.last_at
    silence = (now - known.last_at).total_seconds() if was_silent else 0.0
    return Rhythm(known.first_at, now, max(known.longest_silence, silence))


def silences(
    without_lines: Iterable[str], known: Mapping[str, Rhythm], interval: float, now: datetime
) -> Iterator[Finding]:
    """Yield a finding for each log that has been silent for longer than it ever was."""
    for path in without_lines:
        rhythm = known.get(path)
        if rhythm and _is_suspicious(rhythm, interval, now) and not _is_replaced(path, rhythm, known):
            yield _finding(path, rhythm, now)


def _is_suspicious(rhythm: Rhythm, interval: float, now: datetime) -> bool:
    silent = (now - rhythm.last_at).total_seconds()
    usual = max(MIN_SILENCE_SECONDS, RATIO * rhythm.longest_silence, MIN_VISITS * interval)
    lived = (rhythm.last_at - rhythm.first_at).total_seconds()
    is_known = lived >= MIN_KNOWN_SECONDS or (lived >= DAY_SECONDS and silent >= DAY_SECONDS)
    return is_known and rhythm.longest_silence < SILENCE_THAT_IS_USUAL_SECONDS and silent > usual


def _is_replaced(path: str, rhythm: Rhythm, known: Mapping[str, Rhythm]) -> bool:
    """Tell whether a log of the same name but for its number or date has taken over."""
    shape = _DIGITS.sub("0", path)
    return any(
        other.last_at > rhythm.last_at and _DIGITS.sub("0", name) == shape
        for name, other in known.items()
        if name != path
    )


def _finding(path: str, rhythm: Rhythm, now: datetime) -> Finding:
    hours = (now - rhythm.last_at).total_seconds() / 3600
    longest = rhythm.longest_silence / 3600
    return Finding(
        kind="log-silent",
        severity=Severity.WARN,
        title=f"{path} has been silent for {hours:.1f} hours; its longest silence so far was {longest:.1f}",
        source=FindingSource.RULE,
        rule="dthostmon.log-silent",
        recommended_action="See whether what writes it still runs (systemctl status rsyslog), whether the disk is full,"
        " and whether it writes to another file now.",
        fields={"path": path},
        first_seen=rhythm.last_at,
        last_seen=now,
    )
