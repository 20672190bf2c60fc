"""Where what is measured is going."""

from dthostmon.trends.forecast import Forecast, Sample, time_to_full
from dthostmon.trends.outlook import (
    MOST_SAMPLES,
    WINDOW,
    PastUsage,
    foresee,
    is_due,
    outlook_findings,
    span_of,
    watched_disks,
)

__all__ = [
    "MOST_SAMPLES",
    "WINDOW",
    "Forecast",
    "PastUsage",
    "Sample",
    "foresee",
    "is_due",
    "outlook_findings",
    "span_of",
    "time_to_full",
    "watched_disks",
]
