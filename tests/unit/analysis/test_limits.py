"""Metrics against thresholds."""

from dataclasses import replace

import pytest

from dthostmon.analysis import examine
from dthostmon.model import DiskUsage, Finding, FindingSource, Levels, Metrics, Severity, Thresholds
from dthostmon.rules import RuleSet

CALM = Metrics(3.0, 40.0, 0.0, 0.1, 0.1, 0.1, (DiskUsage("/", "/dev/sda1", "ext4", 100, 50, 50.0, 10.0),))


def findings(metrics: Metrics | None) -> tuple[Finding, ...]:
    return examine([], RuleSet(()), Thresholds(), metrics).findings


def test_a_calm_machine_and_an_unknown_one_raise_nothing() -> None:
    assert not findings(CALM)
    assert not findings(None)
    assert not findings(
        Metrics(None, None, None, None, None, None, (replace(CALM.disks[0], percent=None, inodes_percent=None),))
    )


@pytest.mark.parametrize(
    ("percent", "severity"),
    [(59.9, None), (60, Severity.INFO), (80, Severity.WARN), (94.99, Severity.WARN), (95, Severity.CRITICAL)],
)
def test_the_processor_is_judged_by_its_levels(percent: float, severity: Severity | None) -> None:
    assert [one.severity for one in findings(replace(CALM, cpu_percent=percent))] == ([severity] if severity else [])


def test_each_mount_has_its_own_findings_for_space_and_inodes() -> None:
    full = replace(CALM.disks[0], mount="/srv/{x}", percent=91.26, inodes_percent=85.0)
    found = findings(replace(CALM, disks=(*CALM.disks, full)))
    assert [(one.kind, one.rule, one.severity, one.title) for one in found] == [
        ("disk-full", "threshold.disk", Severity.CRITICAL, "Disk /srv/{x} at 91.3%"),
        ("inodes", "threshold.inodes", Severity.WARN, "Inodes of /srv/{x} at 85.0%"),
    ]
    assert {one.source for one in found} == {FindingSource.THRESHOLD}
    assert found[0].fields == {"mount": "/srv/{x}"}


def test_a_level_that_is_switched_off_raises_nothing() -> None:
    thresholds = Thresholds(memory=Levels())
    assert not examine([], RuleSet(()), thresholds, replace(CALM, memory_percent=99.9)).findings
    assert findings(replace(CALM, memory_percent=99.9))[0].kind == "memory"
