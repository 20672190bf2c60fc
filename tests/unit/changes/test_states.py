"""What is wrong as it is, at each visit, until it changes or somebody calls it normal."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dthostmon.changes import acceptable, lasting, state_findings
from dthostmon.changes.table import entries
from dthostmon.model import Certificate, Mount, Service, Severity, StorageArray, Thing, Timer
from tests.fixtures.things import EVE, NGINX, NOW, whole

FAILED = Service("nginx.service", "failed", "enabled")
READ_ONLY = Mount("/data", "/dev/sdb1", "ext4", ("ro",))
CERTIFICATE = Certificate("/etc/web.pem", "CN=web", "CN=ca", "f", NOW + timedelta(days=90))
WRONG: tuple[Thing, ...] = (
    FAILED,
    READ_ONLY,
    Timer("a.timer", "a.service", is_overdue=True),
    StorageArray("md0", "md", "degraded", ("sda1",), 1),
    replace(EVE, uid=0),
)


def test_what_is_wrong_lasts_and_what_is_not_does_not() -> None:
    good = (NGINX, EVE, replace(FAILED, active="active"), replace(READ_ONLY, options=("rw",)))
    assert lasting(whole(*WRONG, *good, CERTIFICATE)) == (*WRONG, CERTIFICATE)
    assert [one.kind for one in state_findings(WRONG, (), NOW)] == [
        *("service.failed", "mount.read-only", "timer.overdue", "array.degraded", "user.all-rights")
    ]
    assert next(iter(state_findings(WRONG, (), NOW))).title == "nginx.service: failed, enabled"


@pytest.mark.parametrize(
    ("days", "severity", "said"),
    [
        (-0.1, Severity.CRITICAL, "ended on 2026-07-28"),
        (0.5, Severity.WARN, "ends on 2026-07-28 18:00 UTC"),
        (6.0, Severity.WARN, "ends in 6 days"),
        (20.0, Severity.INFO, "ends in 20 days"),
    ],
)
def test_a_certificate_is_told_of_before_it_ends(days: float, severity: Severity, said: str) -> None:
    (told,) = state_findings([replace(CERTIFICATE, expires_at=NOW + timedelta(days=days))], (), NOW)
    assert (told.severity, told.kind) == (severity, "certificate.ends")
    assert told.title == f"the certificate CN=web at /etc/web.pem {said}"


def test_one_that_lives_long_is_not_told_of() -> None:
    assert list(state_findings([CERTIFICATE], (), NOW)) == []


def test_what_was_called_normal_is_told_again_when_it_is_otherwise() -> None:
    accepted = acceptable(WRONG, NOW)
    assert len(accepted) == len(WRONG)
    assert list(state_findings(WRONG, accepted, NOW)) == []
    worse = replace(READ_ONLY, options=("ro", "noexec"))
    assert [one.kind for one in state_findings([worse], accepted, NOW)] == ["mount.read-only"]


def test_a_certificate_that_has_still_to_end_is_never_normal() -> None:
    soon, ended = (replace(CERTIFICATE, expires_at=NOW + timedelta(days=days)) for days in (3, -3))
    assert acceptable([soon], NOW) == ()
    assert len(acceptable([ended], NOW)) == 1


def test_every_state_of_the_table_can_be_seen_at_a_first_visit() -> None:
    assert [entry.id for entry in entries() if entry.is_state and not entry.now] == []
