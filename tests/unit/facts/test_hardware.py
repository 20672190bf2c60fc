"""Drives, from what the kernel's files and smartctl told."""

from hypothesis import given

from dthostmon.facts.hardware import hardware_mark, hardware_probe, parse_hardware
from dthostmon.model import Drive, Inventory, ThingKind
from tests.unit.facts.recorded import assert_fit_to_show, nearly, recorded

DRIVES = (
    b"|drive|nvme0n1|259:0|Samsung SSD 980|S64DNF|live| |drive|sda|8:0|ST4000DM004-2CV1||running| "
    b"E:ID_MODEL=ST4000DM004-2CV104 E:ID_SERIAL_SHORT=ZFN0ABCD |drive|sdb|8:16|QEMU HARDDISK||offline| |smart| |end|"
)
STAMP = b"20000 " + b"0" * 64
SMART = b"".join(
    (
        *(b"=drive nvme0n1\n", recorded("smartctl/nvme-sample.txt")),
        *(b"=drive sda\n", recorded("smartctl/ata-sample.txt")),
        *(b"=drive sdb\n", recorded("smartctl/smartctl-7.3-unknown-type.txt")),
        b"=end " + STAMP,
    )
)


def hardware(drives: bytes = DRIVES, smart: bytes = SMART) -> Inventory:
    return parse_hardware({"drives": drives, "smart": smart})


def test_drives_tell_their_names_and_smart_their_health() -> None:
    assert hardware().things == (
        Drive("nvme0n1", "Samsung SSD 980", "S64DNF", "PASSED", ("at least 90% worn", "1002 media errors")),
        Drive(
            "sda",
            "ST4000DM004-2CV104",
            "ZFN0ABCD",
            "FAILED",
            ("Reallocated_Sector_Ct FAILING_NOW", "Airflow_Temperature_Cel In_the_past", "8 pending"),
        ),
        Drive("sdb", "QEMU HARDDISK", "", "", ("state offline",)),
    )
    assert hardware().missing == {}


def test_a_sleeping_drive_is_not_told_and_not_gone() -> None:
    asleep = SMART.replace(recorded("smartctl/ata-sample.txt"), recorded("smartctl/standby-sample.txt"))
    found = hardware(smart=asleep)
    assert [thing.subject for thing in found.things] == ["nvme0n1", "sdb"]
    assert found.missing == {ThingKind.DRIVE: "sda sleeps, and is not woken"}


def test_a_smartctl_that_hangs_is_told() -> None:
    cut = SMART[: SMART.index(b"=drive sdb")]
    assert "smartctl" in hardware(smart=cut).missing[ThingKind.DRIVE]
    assert hardware_mark({"drives": DRIVES, "smart": cut}).endswith(" ask")


def test_without_root_drives_are_known_and_their_health_is_not_asked_for_again() -> None:
    plain = DRIVES.replace(b"|smart| ", b"")
    found = hardware(plain, b"=none")
    assert [thing.health for thing in found.things if isinstance(thing, Drive)] == ["", "", ""]
    assert found.missing == {}
    mark = hardware_mark({"drives": plain, "smart": b"=none"})
    assert hardware_probe((), mark).commands == {}
    assert hardware_mark({"drives": plain}) == mark


def test_where_smartctl_came_the_next_visit_asks_it() -> None:
    mark = hardware_mark({"drives": DRIVES})
    assert mark.endswith(" ask")
    assert "smart" in hardware_probe((), mark).commands


def test_health_is_asked_for_once_a_day() -> None:
    mark = hardware_mark({"drives": DRIVES, "smart": SMART})
    assert f"'{STAMP.decode()}'" in hardware_probe((), mark).commands["smart"]
    assert hardware_mark({"drives": DRIVES, "smart": b"=same " + STAMP}) == mark
    assert "reboot" not in hardware_probe((), "x '; reboot; '").commands["smart"]


def test_drives_that_were_not_told_are_missing() -> None:
    for raw in (b"", DRIVES[:60]):
        assert hardware(raw).missing.keys() == {ThingKind.DRIVE}
    assert hardware(b"|end|") == Inventory((), {}, frozenset({ThingKind.DRIVE}))


@given(nearly(DRIVES), nearly(SMART))
def test_any_output_is_read_without_a_failure(drives: bytes, smart: bytes) -> None:
    found = hardware(drives, smart)
    assert_fit_to_show(found)
    assert all(thing.subject.encode() in drives for thing in found.things)
    assert hardware_mark({"drives": drives, "smart": smart})
