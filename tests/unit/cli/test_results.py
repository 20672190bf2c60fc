"""Results as they are told: every host has its line, also one that broke the command's own code."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dthostmon.cli.results import print_finding, print_runs
from dthostmon.cli.setup.testing import try_host
from dthostmon.errors import ErrorKind
from dthostmon.model import (
    Cycle,
    Evidence,
    Finding,
    FindingSource,
    Host,
    Run,
    RunStatus,
    Severity,
    Thresholds,
    TransportKind,
)
from dthostmon.reports.documents import cycle_summary

NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(("host", "line"), [("web1", "WARN web1: full\n"), ("", "WARN: full\n")])
def test_a_finding_names_its_host_where_it_has_one(host: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_finding(host, Finding("disk", Severity.WARN, "full", FindingSource.THRESHOLD))
    assert capsys.readouterr().out == line


def test_a_finding_of_a_model_is_marked_as_its_opinion(capsys: pytest.CaptureFixture[str]) -> None:
    print_finding("web1", Finding("odd", Severity.WARN, "Odd words.", FindingSource.AI))
    assert capsys.readouterr().out == "WARN web1: Odd words. (the opinion of a model)\n"


@pytest.mark.parametrize(
    ("judges", "column"),
    [
        (("rules", "rules-only:no-provider"), []),
        (("rules", "rules+grok/grok-4"), ["judged by", "rules", "rules+grok/grok-4", "-"]),
        (("rules-only:budget", "rules"), ["judged by", "rules-only:budget", "rules", "-"]),
    ],
)
def test_the_table_tells_who_judged_where_a_model_did_or_was_to(
    judges: tuple[str, ...], column: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [
        Run("web1", None, RunStatus.OK, NOW, 1.0, Severity.INFO, 99, judged_by=judge, summary="x") for judge in judges
    ]
    failed = Run("gone", None, RunStatus.FAILED, NOW, 1.0, Severity.WARN, error_kind=ErrorKind.DNS)
    print_runs([*runs, failed])
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.endswith("summary")
    assert rows[-1].endswith("could not be checked: dns")
    start, end = head.find("judged by"), head.find("summary")
    assert ([line[start:end].strip() for line in [head, *rows]] if start > 0 else []) == column


def shown(capsys: pytest.CaptureFixture[str], count: int, *lines: str, last: datetime | None = NOW) -> list[str]:
    evidence = tuple(Evidence("/var/log/auth.log", line) for line in lines)
    first = NOW if last else None
    print_finding(
        "",
        Finding(
            "auth",
            Severity.WARN,
            "title",
            FindingSource.RULE,
            count=count,
            evidence=evidence,
            first_seen=first,
            last_seen=last,
        ),
    )
    return [line.strip() for line in capsys.readouterr().out.splitlines()[1:]]


def test_a_finding_shows_its_first_and_last_line_each_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, 3, "failed", "failed again", "let in", last=None) == [
        "/var/log/auth.log: failed",
        "/var/log/auth.log: let in",
        "3 times",
    ]
    assert shown(capsys, 1, "failed") == ["/var/log/auth.log: failed"]
    assert shown(capsys, 2, "failed", "failed")[:-1] == ["/var/log/auth.log: failed"]


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (timedelta(), "41 times, 2026-01-31 00:00:00 UTC"),
        (timedelta(minutes=12, seconds=31), "41 times, 2026-01-31 00:00:00 to 00:12:31 UTC"),
        (timedelta(days=1), "41 times, 2026-01-31 00:00:00 to 2026-02-01 00:00:00 UTC"),
    ],
)
def test_many_lines_are_told_with_their_time(later: timedelta, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    last = (NOW + later).astimezone(timezone(timedelta(hours=2)))
    assert shown(capsys, 41, "failed", last=last)[-1] == words


def test_the_worst_findings_of_a_host_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    found = tuple(
        Finding("kind", severity, f"{severity} {number}", FindingSource.RULE)
        for number, severity in enumerate((Severity.WARN, Severity.INFO, Severity.CRITICAL, Severity.WARN))
    )
    print_runs([Run("web1", None, RunStatus.OK, NOW, 1.0, Severity.CRITICAL, 50, findings=found)])
    told = [line.partition(": ")[2] for line in capsys.readouterr().out.splitlines()[2:]]
    assert told == ["CRITICAL 2", "WARN 0", "WARN 3"]


async def test_an_error_of_our_own_is_the_result_of_its_host(caplog: pytest.LogCaptureFixture) -> None:
    impossible = Host("web1", TransportKind.SSH, None, None, (), (), (), Thresholds(), 60, 60, 0)
    tested = await try_host(impossible)
    assert (tested.host.name, tested.is_good, tested.kind) == ("web1", False, ErrorKind.INTERNAL)
    assert [(layer.name, layer.status.value) for layer in tested.layers[:2]] == [("dns", "failed"), ("tcp", "skipped")]
    assert caplog.records[0].exc_info


def test_a_cycle_counts_every_host_once() -> None:
    runs = tuple(
        Run(f"web{number}", None, status, NOW, 1.0, Severity.INFO)
        for number, status in enumerate((*RunStatus, RunStatus.SKIPPED))
    )
    numbers = cycle_summary(Cycle("c", NOW, 1.0, runs))
    assert (numbers["hosts"], numbers["ok"], numbers["failed"], numbers["skipped"]) == (4, 1, 1, 2)
