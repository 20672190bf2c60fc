"""Logs that are never silent, and are now. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from dthostmon.model import Finding, FindingSource, Rhythm, Severity

MIN_SILENCE_SECONDS = 3600.0
MIN_KNOWN_SECONDS = 3 * 86400.0
DAY_SECONDS = 86400.0
RATIO = 3.0
MIN_VISITS = 2
SILENCE_THAT_IS_USUAL_SECONDS = 12 * 3600.0  # a log with such gaps says nothing by another one

_DIGITS = re.compile(r"\d+")


def new_rhythms(
    with_lines: Iterable[str],
    known: Mapping[str, Rhythm],
    last_run_at: datetime | None,
    interval: float,
    now: datetime,
) -> Mapping[str, Rhythm]:
    """Return the rhythms of the logs that had lines now.

    A silence lasts until the last visit that looked and found nothing: while nobody looked, nobody knows. One that was
    told is trouble, not a habit.
    """
    return {path: _heard(known.get(path), last_run_at, interval, now) for path in with_lines}


def _heard(known: Rhythm | None, last_run_at: datetime | None, interval: float, now: datetime) -> Rhythm:
    if known is None:
        return Rhythm(now, now)
    if last_run_at is None or last_run_at <= known.last_at or _is_suspicious(known, interval, last_run_at):
        return Rhythm(known.first_at, now, known.longest_silence)
    silence = (last_run_at - known.last_at).total_seconds()
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


def _in_words(seconds: float) -> str:
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 3 * 86400 else f"{seconds / 86400:.0f} days"


def _finding(path: str, rhythm: Rhythm, now: datetime) -> Finding:
    silent = _in_words((now - rhythm.last_at).total_seconds())
    before = f"; its longest silence so far was {_in_words(rhythm.longest_silence)}" if rhythm.longest_silence else ""
    return Finding(
        kind="log-silent",
        severity=Severity.WARN,
        title=f"{path} has been silent for {silent}{before or ', and never was before'}",
        source=FindingSource.RULE,
        rule="dthostmon.log-silent",
        recommended_action="See whether what writes it still runs (systemctl status rsyslog), whether the disk is full,"
        " and whether it writes to another file now.",
        fields={"path": path},
        first_seen=rhythm.last_at,
        last_seen=now,
    )
