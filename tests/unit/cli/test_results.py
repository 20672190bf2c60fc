"""Results as they are told: every host has its line, also one that broke the command's own code."""

from datetime import UTC, datetime

import pytest

from dthostmon.cli.results import print_finding
from dthostmon.cli.setup.testing import try_host
from dthostmon.errors import ErrorKind
from dthostmon.model import Cycle, Finding, FindingSource, Host, Run, RunStatus, Severity, Thresholds, TransportKind
from dthostmon.reports.documents import cycle_summary

NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(("host", "line"), [("web1", "WARN web1: full\n"), ("", "WARN: full\n")])
def test_a_finding_names_its_host_where_it_has_one(host: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_finding(host, Finding("disk", Severity.WARN, "full", FindingSource.THRESHOLD))
    assert capsys.readouterr().out == line


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
