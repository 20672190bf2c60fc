"""After a refused key the pauses double up to an hour, and each of them is told."""

from datetime import UTC, datetime

import pytest

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.transport.refusal import Refusal, refused

ERROR = VisitError(ErrorKind.AUTH, "web1: the host refused the key.", "Run `ssh-copy-id web1`.")


@pytest.mark.parametrize(
    ("interval", "pauses"),
    [
        (60.0, [60, 120, 240, 480, 960, 1920, 3600, 3600]),
        (3600.0, [3600, 3600]),
        (86400.0, [86400, 86400]),
    ],
)
def test_pauses_double_up_to_an_hour_and_never_undercut_the_interval(interval: float, pauses: list[float]) -> None:
    refusal: Refusal | None = None
    for pause in pauses:
        refusal = refused(ERROR, refusal, interval, begun=1000.0)
        assert (refusal.pause, refusal.due) == (pause, 1000.0 + pause)


def test_the_next_cycle_may_come_a_little_early() -> None:
    refusal = refused(ERROR, None, 60.0, begun=1000.0)
    assert refusal.holds(1050.0, 60.0)
    assert not refusal.holds(1055.0, 60.0)


def test_the_next_try_is_told_beside_a_message_that_stays_the_same() -> None:
    refusal = refused(ERROR, None, 60.0, begun=1000.0)
    told = refusal.repeated(refusal.due_at(1030.0, datetime(2026, 11, 27, 12, 0, tzinfo=UTC)))
    assert (told.kind, told.message) == (ErrorKind.AUTH, ERROR.message)
    assert told.fix.startswith(ERROR.fix)
    assert "after 2026-11-27 12:00:30 UTC" in told.fix
