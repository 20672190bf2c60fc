"""Arrays and pools, from what the kernel's files told."""

from hypothesis import given

from dthostmon.facts.raid import parse_raid, raid_mark
from dthostmon.model import Inventory, StorageArray, ThingKind
from tests.unit.facts.recorded import assert_fit_to_show, by_subject, nearly, one_line, recorded

MDSTAT = recorded("raid/mdstat-sample.txt")
CLEAN = one_line(recorded("btrfs/raid1-clean.txt"))
DEGRADED = one_line(recorded("btrfs/raid1-degraded.txt"))
NONE = b"|end|"


def raid(others: bytes, md: bytes = b"Linux") -> Inventory:
    return parse_raid({"others": others, "md": md})


def test_md_tells_what_is_degraded_and_what_is_rebuilt() -> None:
    found = {thing.subject: thing.state for thing in raid(NONE, MDSTAT).things}
    assert found == {
        "md md0": "clean: sda1 sdb1",
        "md md1": "degraded: sdb2 sdc1 sdd1(F), 1 missing",
        "md md2": "resyncing: sde1 sdf1, 1 missing",
        "md md3": "clean: sdg1 sdh1",
        "md md4": "resyncing: sdi1 sdj1",
        "md md5": "clean: sdk1 sdl1",
        "md md127": "inactive: sdm(S)",
    }


def test_how_far_a_rebuild_is_makes_no_change() -> None:
    later = MDSTAT.replace(b"5.1%", b"98.0%").replace(b"26880", b"500000")
    assert raid_mark({"others": NONE, "md": MDSTAT}) == raid_mark({"others": NONE, "md": later})
    worse = MDSTAT.replace(b"[2/2] [UU]", b"[2/1] [U_]", 1)
    assert raid_mark({"others": NONE, "md": MDSTAT}) != raid_mark({"others": NONE, "md": worse})


def test_btrfs_tells_a_device_that_is_gone() -> None:
    assert raid(CLEAN).things == (StorageArray("two words", "btrfs", "clean", ("loop0", "loop1")),)
    assert raid(DEGRADED).things == (StorageArray("two words", "btrfs", "degraded", ("loop0",), 1),)
    [bad] = raid(CLEAN.replace(b"errors=0", b"errors=7", 1)).things
    assert bad.state == "7 errors of devices: loop0 loop1"


def test_zfs_tells_its_own_word() -> None:
    [pool] = raid(b"|zfs|/proc/spl/kstat/zfs/my tank/|DEGRADED| |end|").things
    assert (pool.subject, pool.state) == ("zfs my tank", "DEGRADED")
    old = raid(b"|zfs|/proc/spl/kstat/zfs/tank/|| |end|")
    assert old.things == ()
    assert "zpool status" in old.missing[ThingKind.ARRAY]


def test_lvm_tells_redundant_volumes_to_root_only() -> None:
    told = raid(b"|lvm| vg0|home|raid1|partial vg0|root|raid1| vg0|x|raid5|refresh needed |told| |end|")
    assert {thing.subject: thing.state for thing in told.things} == {
        "lvm vg0/home": "partial",
        "lvm vg0/root": "clean",
        "lvm vg0/x": "refresh needed",
    }
    assert "root only" in raid(b"|lvm| |lvm refused| |end|").missing[ThingKind.ARRAY]


def test_files_that_were_not_told_are_missing_and_a_host_without_arrays_is_known() -> None:
    for raw in (b"", CLEAN[: len(CLEAN) // 2]):
        assert raid(raw).missing.keys() == {ThingKind.ARRAY}
    assert raid(NONE) == Inventory((), {}, frozenset({ThingKind.ARRAY}))


@given(
    nearly(CLEAN, DEGRADED, b"|zfs|/proc/spl/kstat/zfs/t/|ONLINE| |lvm| a|b|raid1|partial |told| |end|"), nearly(MDSTAT)
)
def test_any_output_is_read_without_a_failure(others: bytes, md: bytes) -> None:
    found = raid(one_line(others), md)
    assert_fit_to_show(found)
    assert len(by_subject(found)) <= len(others) + len(md)
    assert raid_mark({"others": others, "md": md})
