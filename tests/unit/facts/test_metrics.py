"""What /proc and stat print becomes metrics; what they do not tell stays unknown."""

from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.metrics import cpu_percent, parse_cpu_times, parse_disks, parse_metrics
from dthostmon.model import Metrics

MEMORY = (
    b"MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB\n"
    b"SwapTotal:       0 kB\nSwapFree:        0 kB\n"
)


def test_cpu_is_the_share_that_was_not_idle_between_two_readings() -> None:
    assert cpu_percent((100, 0, 100, 800, 0, 0, 0, 0), (130, 0, 120, 850, 0, 0, 0, 0)) == 50.0


def test_waiting_for_disks_is_not_work() -> None:
    assert cpu_percent((0, 0, 0, 0, 0), (25, 0, 0, 25, 50)) == 25.0


def test_guest_time_is_not_counted_twice() -> None:
    assert parse_cpu_times(b"cpu  50 0 0 50 0 0 0 0 50 0") == (50, 0, 0, 50, 0, 0, 0, 0)


def test_after_a_reboot_the_share_is_the_one_since_the_boot() -> None:
    assert cpu_percent((1000, 0, 0, 9000, 0), (30, 0, 0, 70, 0)) == 30.0


def test_a_reboot_is_seen_even_when_the_machine_is_up_for_longer_than_before() -> None:
    before = (2000, 0, 500, 57000, 500, 0, 0, 0)
    after = (33000, 0, 2000, 31000, 0, 0, 0, 0)
    assert cpu_percent(before, after) == 53.0
    assert cpu_percent((33000, 0, 2000, 31000, 0, 0, 0, 0), (1000, 0, 300, 68700, 0, 0, 0, 0)) == 1.9


def test_one_reading_alone_tells_no_cpu() -> None:
    assert cpu_percent(None, (1, 2, 3, 4)) is None
    assert cpu_percent((1, 2, 3, 4), (1, 2, 3, 4)) is None


def test_the_cpu_is_compared_with_what_the_last_visit_saw() -> None:
    metrics = parse_metrics({"cpu": b"cpu  30 0 0 70 0 0 0 0 0 0\n"}, before=(0,) * 8)
    assert (metrics.cpu_percent, metrics.cpu_times) == (30.0, (30, 0, 0, 70, 0, 0, 0, 0))


def test_memory_is_what_is_not_available() -> None:
    assert parse_metrics({"memory": MEMORY}).memory_percent == 60.0


def test_a_machine_without_swap_has_no_swap_percentage() -> None:
    assert parse_metrics({"memory": MEMORY}).swap_percent is None


def test_no_output_is_all_unknown() -> None:
    assert parse_metrics({}) == Metrics(None, None, None, None, None, None, ())


def test_a_disk_is_told_as_df_tells_it() -> None:
    [disk] = parse_disks(b"/dev/sda1 / ext4 4096 1000 400 300 100 25\n")
    assert (disk.mount, disk.device, disk.filesystem) == ("/", "/dev/sda1", "ext4")
    assert (disk.size, disk.used) == (4096 * 1000, 4096 * 600)
    assert disk.percent == round(100 * 600 / 900, 1)
    assert disk.inodes_percent == 75.0


def test_a_file_system_without_inodes_tells_no_inode_percentage() -> None:
    [disk] = parse_disks(b"/dev/sda1 /efi vfat 4096 1000 400 400 0 0\n")
    assert disk.inodes_percent is None


def test_a_device_that_is_mounted_twice_is_one_disk() -> None:
    raw = b"/dev/sda1 /var/lib/bind ext4 4096 10 5 5 10 5\n/dev/sda1 / ext4 4096 10 5 5 10 5\n"
    assert [disk.mount for disk in parse_disks(raw)] == ["/"]


def test_two_overlays_or_pools_are_two_disks() -> None:
    raw = b"tank/a /a zfs 4096 10 5 5 10 5\ntank/b /b zfs 4096 10 5 5 10 5\n"
    assert [disk.mount for disk in parse_disks(raw)] == ["/a", "/b"]


def test_a_blank_in_a_mount_is_shown_and_other_escapes_stay() -> None:
    [disk] = parse_disks(b"/dev/sda1 /my\\040disk\\012 ext4 4096 10 5 5 10 5\n")
    assert disk.mount == "/my disk\\012"


def test_what_a_terminal_would_obey_is_escaped() -> None:
    [disk] = parse_disks("/dev/\x1b[31msda1 /m\u202e\u2028 ext4 4096 10 5 5 10 5\n".encode())
    assert (disk.device, disk.mount) == ("/dev/\\x1b[31msda1", "/m\\x202e\\x2028")


@given(st.dictionaries(st.sampled_from(["cpu_before", "cpu", "memory", "load", "disks"]), st.binary(max_size=200)))
def test_no_bytes_make_the_parser_fail(outputs: dict[str, bytes]) -> None:
    parse_metrics(outputs)


numbers = st.integers(min_value=0, max_value=10**20)


@given(st.lists(numbers, min_size=4, max_size=10), st.lists(numbers, min_size=4, max_size=10))
def test_cpu_is_unknown_or_between_0_and_100(before: list[int], after: list[int]) -> None:
    percent = cpu_percent(tuple(before), tuple(after))
    assert percent is None or 0 <= percent <= 100


@given(st.lists(numbers, min_size=6, max_size=6))
def test_a_disk_is_left_out_or_within_its_bounds(values: list[int]) -> None:
    for disk in parse_disks(b"/dev/x / ext4 " + b" ".join(b"%d" % value for value in values)):
        assert 0 <= disk.used <= disk.size
        assert disk.percent is None or 0 <= disk.percent <= 100
        assert disk.inodes_percent is None or 0 <= disk.inodes_percent <= 100
