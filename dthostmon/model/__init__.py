"""The nouns: frozen values that travel between the layers.

Text in these values is display-safe for databases and JSON (no NUL, no lone surrogates); bytes are the very bytes of
the host. Times are aware datetimes in UTC, durations are seconds, sizes are bytes.
"""

from dthostmon.model.facts import DiskUsage, Facts, Identity, Metrics
from dthostmon.model.finding import Evidence, Finding, FindingSource, Grade, Reason, Severity, Template, TemplateCount
from dthostmon.model.history import History, HistoryUpdate, KnownTemplate, Learning, Rates, SeenTrail
from dthostmon.model.host import MAX_JUMPS, Host, Levels, SshAccess, Thresholds, TransportKind
from dthostmon.model.judgement import Confidence, Opinion, OpinionFinding, SentRecord, Usage
from dthostmon.model.log import (
    Coverage,
    Cursor,
    FilePosition,
    Gap,
    HostState,
    LogReading,
    LogsReading,
    Rhythm,
    StreamCursor,
    StreamPosition,
)
from dthostmon.model.record import OpenRecords, RecordLine, RecordPart
from dthostmon.model.run import Cycle, Run, RunStatus, Visit

__all__ = [
    "MAX_JUMPS",
    "Confidence",
    "Coverage",
    "Cursor",
    "Cycle",
    "DiskUsage",
    "Evidence",
    "Facts",
    "FilePosition",
    "Finding",
    "FindingSource",
    "Gap",
    "Grade",
    "History",
    "HistoryUpdate",
    "Host",
    "HostState",
    "Identity",
    "KnownTemplate",
    "Learning",
    "Levels",
    "LogReading",
    "LogsReading",
    "Metrics",
    "OpenRecords",
    "Opinion",
    "OpinionFinding",
    "Rates",
    "Reason",
    "RecordLine",
    "RecordPart",
    "Rhythm",
    "Run",
    "RunStatus",
    "SeenTrail",
    "SentRecord",
    "Severity",
    "SshAccess",
    "StreamCursor",
    "StreamPosition",
    "Template",
    "TemplateCount",
    "Thresholds",
    "TransportKind",
    "Usage",
    "Visit",
]
