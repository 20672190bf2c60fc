"""Systems that were booted and left alone (tests/testdata/idle): nothing that they wrote is worth a warning."""

import gzip
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dthostmon import templates
from dthostmon.analysis import Examination, Moment, conclude, observe
from dthostmon.logs.journal_entries import parse_entries, render
from dthostmon.model import History, KnownTemplate, Learning, Severity, TemplateCount, Thresholds
from dthostmon.rules import builtin_folder, load_packs

FOLDER = Path(__file__).parents[2] / "testdata" / "idle"
SYSTEMS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
RULES = load_packs([builtin_folder()])
LEARNING = {"learning": Learning(), "learned": Learning(period=0, runs=1)}
VISITS = 3
AT_ONCE = datetime(2027, 1, 1, tzinfo=UTC)  # behind all recordings

Logs = Mapping[str, bytes]


def recorded(system: str, kind: str) -> Logs:
    """Return the logs of a recording by their paths: its journal as it is collected, or its files."""
    if kind == "journal":
        return {"journal:": gzip.decompress((FOLDER / system / "journal.log.gz").read_bytes())}
    files = FOLDER / system / "files"
    return {
        f"/var/log/{file.relative_to(files).with_suffix('')}": gzip.decompress(file.read_bytes())
        for file in sorted(files.rglob("*.gz"))
    }


def dated(log: bytes) -> Iterator[tuple[datetime, bytes]]:
    """Yield the lines with their times; one without a time was written with the one before."""
    at = AT_ONCE - timedelta(days=3650)
    for line in log.splitlines(keepends=True):
        at = templates.read_time(templates.clean(line.rstrip(b"\n")), AT_ONCE, UTC) or at
        yield at, line


def cut(logs: Logs) -> list[tuple[datetime, Logs]]:
    """Cut a recording into visits, each with its moment, as if the host had been visited while it wrote."""
    lines = {path: list(dated(log)) for path, log in logs.items()}
    times = sorted(at for log in lines.values() for at, _ in log)
    ends = [times[len(times) * visit // VISITS - 1] + timedelta(microseconds=1) for visit in range(1, VISITS + 1)]
    starts = [datetime.min.replace(tzinfo=UTC), *ends]
    return [
        (end, {path: b"".join(line for at, line in log if start <= at < end) for path, log in lines.items()})
        for start, end in zip(starts, ends, strict=False)
    ]


def judged(logs: Logs, now: datetime, history: History, learning: Learning) -> Examination:
    moment = Moment(now)
    observed = observe(list(logs.items()), RULES, None, moment)
    return conclude(observed, RULES, history, Thresholds(), None, learning, moment)


def remembered(history: History, examined: Examination, now: datetime) -> History:
    """Return what the next visit finds."""
    learned = examined.learned
    seen = {entry.template.id: known(history, entry, examined, now) for entry in examined.templates}
    return History(
        runs=history.runs + 1,
        first_run_at=history.first_run_at or now,
        last_run_at=now,
        trails=history.trails if learned.trails is None else learned.trails,
        values=history.values if learned.values is None else learned.values,
        templates={**history.templates, **seen},
    )


def known(history: History, entry: TemplateCount, examined: Examination, now: datetime) -> KnownTemplate:
    before = history.templates.get(entry.template.id, KnownTemplate(0, now))
    return KnownTemplate(before.count + entry.count, before.first_seen, examined.learned.rates.get(entry.template.id))


def visited(visits: list[tuple[datetime, Logs]], learning: Learning) -> list[Examination]:
    """Judge visits one after the other, each with what is known from those before."""
    history, examinations = History(), []
    for now, logs in visits:
        examinations.append(judged(logs, now, history, learning))
        history = remembered(history, examinations[-1], now)
    return examinations


def told(examinations: list[Examination]) -> list[tuple[str, str, list[str]]]:
    """Return what is worth more than a note, with its lines: an empty list, or a message that names the rule."""
    return [
        (finding.severity.name, finding.title, [evidence.line for evidence in finding.evidence])
        for examined in examinations
        for finding in examined.findings
        if finding.severity > Severity.INFO
    ]


KINDS = ("journal", "files")
idle = pytest.mark.parametrize(("system", "kind"), [(system, kind) for system in SYSTEMS for kind in KINDS])


@idle
def test_an_idle_system_gives_no_warning_at_once(system: str, kind: str) -> None:
    assert told([judged(recorded(system, kind), AT_ONCE, History(), Learning())]) == []


@idle
@pytest.mark.parametrize("stage", LEARNING)
def test_an_idle_system_gives_no_warning_in_any_of_three_visits(system: str, kind: str, stage: str) -> None:
    assert told(visited(cut(recorded(system, kind)), LEARNING[stage])) == []


@idle
def test_each_line_of_an_idle_system_has_its_template_and_no_cut_loses_one(system: str, kind: str) -> None:
    logs = recorded(system, kind)
    lines = sum(log.count(b"\n") for log in logs.values())
    whole = judged(logs, AT_ONCE, History(), Learning())
    assert sum(entry.count for entry in whole.templates) == whole.lines == lines > 100
    parts = visited(cut(logs), Learning())
    assert [sum(entry.count for entry in part.templates) for part in parts] == [part.lines for part in parts]
    assert sum(part.lines for part in parts) == lines
    assert all(part.lines for part in parts)


TROUBLE = "Out of memory: Killed process 812 (postgres) total-vm:9123456kB, anon-rss:7654321kB, file-rss:0kB"


def planted(logs: Logs, kind: str, at: datetime) -> Logs:
    """Add a line of trouble to the logs of a visit."""
    if kind == "journal":
        path, header = "journal:", f"<2>1 {at:%FT%T.%fZ} web1 kernel - - -"
    else:
        path, header = "/var/log/syslog", f"{at:%FT%T.%f+00:00} web1 kernel:"
    return {**logs, path: logs[path] + f"{header} {TROUBLE}\n".encode()}


@idle
@pytest.mark.parametrize("visit", range(VISITS))
def test_one_line_of_trouble_among_them_is_told(system: str, kind: str, visit: int) -> None:
    visits = cut(recorded(system, kind))
    now, logs = visits[visit]
    visits[visit] = now, planted(logs, kind, now)
    lines = [lines for examined in visited(visits, Learning()) for _, _, lines in told([examined])]
    assert [TROUBLE in line for line, *_ in lines] == [True]


@pytest.mark.parametrize("system", [file.parent.name for file in sorted(FOLDER.glob("*/journal.export.gz"))])
def test_the_journal_was_collected_as_journalctl_exports_it(system: str) -> None:
    exported = gzip.decompress((FOLDER / system / "journal.export.gz").read_bytes())
    collected = recorded(system, "journal")["journal:"]
    assert b"".join(map(render, parse_entries(exported))).startswith(collected)
