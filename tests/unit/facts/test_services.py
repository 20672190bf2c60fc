"""Services and timers, from what systemd, OpenRC and SysV init told."""

from datetime import UTC, datetime

import pytest
from hypothesis import given

from dthostmon.facts.services import parse_services, services_mark, services_probe
from dthostmon.model import Inventory, Service, ThingKind, Timer
from tests.unit.facts.recorded import assert_fit_to_show, by_subject, nearly, recorded

IDLE = recorded("systemctl/debian-12-idle-1.txt")
LATER = recorded("systemctl/debian-12-idle-2.txt")
BROKEN = recorded("systemctl/debian-12-broken.txt")
OPENRC = recorded("openrc/openrc-0.45-debian-12.txt")
HEAD = b"=systemd\n=units\n"
END = b"=end " + b"0" * 64


def services(raw: bytes) -> Inventory:
    return parse_services({"units": raw})


def service(raw: bytes, name: str) -> Service:
    found = by_subject(services(raw))[name]
    assert isinstance(found, Service)
    return found


def timer(raw: bytes, name: str) -> Timer:
    found = by_subject(services(raw))[name]
    assert isinstance(found, Timer)
    return found


def test_a_host_that_did_its_own_work_between_two_visits_did_not_change() -> None:
    # between the two, timers' jobs ran, a user logged in, systemd-run started two transient units, and services that
    # D-Bus starts came and went
    assert IDLE != LATER
    assert set(services(IDLE).things) == set(services(LATER).things)
    assert len(services(IDLE).things) > 90
    assert services(IDLE).missing == services(LATER).missing == {}


def test_what_broke_is_told_and_nothing_else() -> None:
    before, after = by_subject(services(IDLE)), by_subject(services(BROKEN))
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed == {
        "flapping.service",
        "waiting.service",
        "ssh.service",
        "polkit.service",
        "systemd-logind.service",
        "man-db.timer",
        "logrotate.timer",
    }


def test_a_service_that_gave_up_is_failed_and_its_restarts_are_told() -> None:
    found = service(BROKEN, "flapping.service")
    assert (found.active, found.enabled, found.restarts) == ("failed", "enabled", 5)
    assert found.path == "/etc/systemd/system/flapping.service"


def test_a_service_between_two_starts_is_restarting() -> None:
    assert service(BROKEN, "waiting.service").state == "restarting, enabled, 1 restarts"


def test_a_service_that_was_started_anew_by_itself_tells_so_and_since_when() -> None:
    before, after = service(IDLE, "systemd-logind.service"), service(BROKEN, "systemd-logind.service")
    assert (before.active, before.restarts) == (after.active, None) == ("active", None)
    assert after.restarts == 1
    assert before.started_at is not None
    assert after.started_at is not None
    assert after.started_at > before.started_at


def test_enabled_masked_and_static_come_from_files() -> None:
    assert service(IDLE, "ssh.service").state == "active, enabled"
    assert service(BROKEN, "ssh.service").state == "inactive, disabled"
    assert service(BROKEN, "polkit.service").enabled == "masked"
    assert service(IDLE, "systemd-journald.service").enabled == "static"
    assert service(IDLE, "postgresql@15-main.service").path == "/usr/lib/systemd/system/postgresql@.service"


def test_a_job_that_ran_is_neither_active_nor_inactive() -> None:
    assert service(IDLE, "logrotate.service").active is None
    assert service(IDLE, "postgresql.service").active == "active"  # it remains after exit


MADE = (
    b"=files\nf 1 /usr/lib/systemd/system/x.service \nl 1 /etc/systemd/system/a.target.wants/x.service /x\n"
    b"=settings\n/usr/lib/systemd/system/x.service:[Install]\n"
)


@pytest.mark.parametrize(
    ("settings", "counts"),
    [
        (b"", True),
        (b"/usr/lib/systemd/system/x.service:Type=oneshot\n", False),
        (b"/etc/systemd/system/x.service.d/a.conf:Type = oneshot\n", False),
        (b"/usr/lib/systemd/system/x.service:Type=oneshot\n/x/x.service:RemainAfterExit=yes\n", True),
    ],
)
def test_an_enabled_job_has_no_state_unless_it_remains(settings: bytes, counts: bool) -> None:
    now, later = (
        service(HEAD + b"x.service loaded " + state + b"\n" + MADE + settings + END, "x.service")
        for state in (b"activating start", b"inactive dead")
    )
    assert (now != later) is counts


@pytest.mark.parametrize("kind", [b"Type=dbus", b"Type=simple"])
def test_a_service_that_dbus_starts_has_no_state_unless_it_is_enabled(kind: bytes) -> None:
    made = MADE.replace(b"l 1 /etc/systemd/system/a.target.wants/x.service /x\n", b"")
    settings = b"/usr/lib/systemd/system/x.service:" + kind + b"\n"
    found = service(HEAD + b"x.service loaded active running\n" + made + settings + END, "x.service")
    assert found.active == (None if kind == b"Type=dbus" else "active")


def test_a_timer_tells_what_it_starts_and_when() -> None:
    assert timer(IDLE, "logrotate.timer").state == "starts logrotate.service"
    assert timer(IDLE, "logrotate.timer").next_at == datetime(2026, 11, 28, tzinfo=UTC)
    assert timer(BROKEN, "logrotate.timer").state == "starts logrotate.service, inactive"


TIMERS = (
    b"=files\nf 1.5 /etc/systemd/system/backup.timer \n=old\n%b\n=now\n1795820400\n=timers\n"  # 2026-11-27 23:00 UTC
    b"Unit=backup.service\nNextElapseUSecRealtime=%b\nAccuracyUSec=%b\nId=backup.timer\n"
)


@pytest.mark.parametrize(
    ("next_at", "accuracy", "overdue"),
    [
        (b"Fri 2026-11-27 21:30:00 UTC", b"1min", True),
        (b"Fri 2026-11-27 21:30:00 UTC", b"1h", False),
        (b"Fri 2026-11-27 21:30:00 UTC", b"1h 30min", False),
        (b"Sat 2026-11-28 00:00:00 UTC", b"1min", False),
        (b"", b"", False),
        (b"Fri 9999-99-99 99:99:99 UTC", b"1min", False),
    ],
)
def test_a_timer_is_overdue_an_hour_behind_its_window(next_at: bytes, accuracy: bytes, overdue: bool) -> None:
    raw = HEAD + b"backup.timer loaded active waiting\n" + TIMERS % (b"", next_at, accuracy) + END
    assert timer(raw, "backup.timer").is_overdue is overdue


def test_a_timer_whose_job_hangs_is_overdue() -> None:
    units = HEAD + b"backup.timer loaded active running\nbackup.service loaded activating start\n"
    old = b"/run/systemd/units/invocation:backup.service"
    assert timer(units + TIMERS % (old, b"", b"1min") + END, "backup.timer").is_overdue
    assert not timer(units + TIMERS % (b"", b"", b"1min") + END, "backup.timer").is_overdue


def test_units_of_other_types_are_told_when_they_failed() -> None:
    raw = HEAD + b"data.mount loaded failed failed\nhome.mount loaded active mounted\n"
    raw += b"=files\nf 1 /etc/systemd/system/x.service \n"
    assert service(raw + b"=settings\n" + END, "data.mount").active == "failed"
    assert "home.mount" not in by_subject(services(raw + END))


def test_a_systemctl_that_does_not_answer_is_not_a_host_without_services() -> None:
    for raw in (b"=systemd\n=refused", b"", IDLE[: len(IDLE) // 2]):
        found = services(raw)
        assert found.things == ()
        assert found.missing.keys() == {ThingKind.SERVICE, ThingKind.TIMER}


def test_the_mark_is_the_one_that_the_host_compares_with() -> None:
    mark = services_mark({"units": IDLE})
    assert f"'{mark}'" in services_probe((), mark).commands["units"]
    assert services_mark({"units": b"=systemd\n=same " + mark.encode()}) == mark
    assert "''" in services_probe((), "'; reboot; '").commands["units"]


def test_openrc_tells_states_runlevels_and_respawns() -> None:
    found = by_subject(services(OPENRC))
    assert found["sup"] == Service("sup", "active", "enabled", 4, "/etc/init.d/sup")
    assert found["bad"] == Service("bad", "inactive", "enabled")
    assert found["manual"] == Service("manual", "active", "disabled")
    crashed = by_subject(services(OPENRC.replace(b"dies =  started", b"dies =  crashed")))
    assert crashed["dies"] == Service("dies", "failed", "enabled")


def test_for_how_long_an_openrc_service_runs_is_no_change() -> None:
    later = OPENRC.replace(b"00:00:00 (4)", b"02:13:45 (4)")
    assert services_mark({"units": OPENRC}) == services_mark({"units": later})
    assert services_mark({"units": OPENRC}) != services_mark({"units": OPENRC.replace(b"(4)", b"(5)")})


def test_sysv_tells_which_scripts_are_started() -> None:
    raw = b"=sysv\n/etc/init.d/README\n/etc/init.d/cron\n/etc/init.d/ssh\n/etc/rc2.d/S01ssh\n=end"
    assert services(raw).things == (Service("cron", None, "disabled"), Service("ssh", None, "enabled"))


def test_a_container_without_a_service_manager_has_no_services() -> None:
    assert services(b"=init\nnginx\n=end") == Inventory((), {}, services(b"").kinds)
    assert "runit" in services(b"=init\nrunit\n=end").missing[ThingKind.SERVICE]
    assert services(b"=init\n=end").missing.keys() == {ThingKind.SERVICE, ThingKind.TIMER}


def test_very_many_services_are_cut_and_that_is_said() -> None:
    raw = HEAD + b"".join(b"s%d.service loaded failed failed\n" % index for index in range(6000))
    found = services(raw + b"=files\nf 1 /etc/systemd/system/x.service \n" + END)
    assert len([thing for thing in found.things if thing.kind is ThingKind.SERVICE]) == 5000
    assert "more than 5000" in found.missing[ThingKind.SERVICE]


@given(nearly(IDLE, BROKEN, OPENRC, b"=sysv\n/etc/init.d/ssh\n=end"))
def test_any_output_is_read_without_a_failure(raw: bytes) -> None:
    found = services(raw)
    assert_fit_to_show(found)
    assert services_mark({"units": raw})
    names = {thing.subject for thing in found.things}
    assert all(
        name.encode("utf-8", "replace") in raw
        for name in names
        if "?" not in name and "…" not in name and "\ufffd" not in name
    )
