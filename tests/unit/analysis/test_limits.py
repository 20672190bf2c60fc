"""Metrics against thresholds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from dthostmon.analysis import examine
from dthostmon.model import DiskUsage, Finding, FindingSource, Levels, Metrics, Severity, Sustain, Thresholds
from dthostmon.rules import RuleSet

CALM = Metrics(3.0, 40.0, 0.0, 0.1, 0.1, 0.1, (DiskUsage("/", "/dev/sda1", "ext4", 100, 50, 50.0, 10.0),))


def findings(metrics: Metrics | None, recent: Mapping[str, tuple[float, ...]] | None = None) -> tuple[Finding, ...]:
    return examine([], RuleSet(()), Thresholds(), metrics, recent=recent or {}).findings


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
    found = findings(replace(CALM, cpu_percent=percent), {"cpu": (3.0, 99.0)})
    assert [one.severity for one in found] == ([severity] if severity else [])


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
    full, before = replace(CALM, memory_percent=99.9), {"memory": (99.9, 99.9)}
    assert not examine([], RuleSet(()), thresholds, full, recent=before).findings
    assert findings(full, before)[0].kind == "memory"


def visits(percents: Sequence[float | None], thresholds: Thresholds) -> list[tuple[Severity, str] | None]:
    """Return what visit after visit says of the memory."""
    recent: Mapping[str, tuple[float, ...]] = {}
    told: list[tuple[Severity, str] | None] = []
    for percent in percents:
        seen = examine([], RuleSet(()), thresholds, replace(CALM, memory_percent=percent), recent=recent)
        recent = seen.recent
        told.append(next(((one.severity, one.title) for one in seen.findings), None))
    return told


def test_one_spike_of_memory_is_no_warning_and_two_in_three_visits_are() -> None:
    twice = (Severity.WARN, "Memory at 90.0%, in 2 of the last 3 visits")
    assert visits([90, 40, 40, 90, 40, 90, 90, 40], Thresholds()) == [None, None, None, None, None, twice, twice, None]
    assert visits([90, 99], Thresholds())[1] == (Severity.WARN, "Memory at 99.0%, in 2 of the last 2 visits")
    assert visits([99, 99], Thresholds())[1] == (Severity.CRITICAL, "Memory at 99.0%, in 2 of the last 2 visits")


def test_a_spike_is_a_note_where_notes_have_a_level() -> None:
    levels = Thresholds(memory=Levels(60, 85, 95, Sustain(3, 5)))
    severities = [told and told[0] for told in visits([99, 99, 70, 99, 40], levels)]
    assert severities == [Severity.INFO, Severity.INFO, Severity.INFO, Severity.CRITICAL, None]


def test_a_visit_that_could_not_tell_is_not_counted() -> None:
    assert [told is not None for told in visits([90, None, 90], Thresholds())] == [False, False, True]


def test_only_what_several_visits_judge_is_remembered() -> None:
    seen = examine([], RuleSet(()), Thresholds(), CALM, recent={"cpu": (1.0, 2.0), "disk:/gone": (99.0,)})
    assert seen.recent == {"cpu": (2.0, 3.0), "memory": (40.0,)}
    lasting = Thresholds(disk=Levels(None, 80, 90, Sustain(2, 2)))
    assert examine([], RuleSet(()), lasting, CALM).recent["inodes:/"] == (10.0,)
    assert examine([], RuleSet(()), lasting, None, recent={"cpu": (1.0,)}).recent == {"cpu": (1.0,)}


def test_a_mount_is_judged_by_its_own_levels_inodes_like_space() -> None:
    own = Thresholds(mounts={"/": Levels(None, 95, 98), "/srv/*": Levels()})
    disks = tuple(DiskUsage(mount, mount, "ext4", 100, 92, 92.0, 96.0) for mount in ("/", "/srv/a", "/var"))
    found = examine([], RuleSet(()), own, replace(CALM, disks=disks)).findings
    assert [(one.title, one.severity) for one in found] == [
        ("Disk /var at 92.0%", Severity.CRITICAL),
        ("Inodes of /var at 96.0%", Severity.CRITICAL),
        ("Inodes of / at 96.0%", Severity.WARN),
    ]
