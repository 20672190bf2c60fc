"""What /proc and stat print becomes metrics; what they do not tell stays unknown."""

from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.disk_usage import parse_disks
from dthostmon.facts.gauges import parse_open_files, parse_pressure, parse_temperature
from dthostmon.facts.metrics import metrics_since, parse_metrics
from dthostmon.facts.processor import cpu_percent, cpu_shares, parse_cpu_times
from dthostmon.facts.traffic import parse_counters, rates
from dthostmon.model import Counters, Metrics

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


def test_the_processors_time_is_told_by_what_it_was_spent_on() -> None:
    shares = cpu_shares((0,) * 8, (10, 10, 5, 40, 20, 3, 2, 10))
    assert shares == (40.0, 20.0, 10.0, 20.0, 10.0, 40.0)
    assert cpu_shares(None, (1, 2, 3, 4)) == (None,) * 6


def test_processes_that_wait_for_a_disk_are_counted() -> None:
    metrics = parse_metrics({"cpu": b"cpu  30 0 0 70 0 0 0 0 0 0 procs_blocked 3"})
    assert (metrics.cpu_times, metrics.blocked) == ((30, 0, 0, 70, 0, 0, 0, 0), 3)
    assert parse_metrics({"cpu": b"cpu  30 0 0 70 nonsense"}).cpu_times is None


def test_memory_and_swap_are_told_in_bytes_too() -> None:
    metrics = parse_metrics({"memory": MEMORY})
    assert (metrics.memory_total, metrics.memory_available) == (1000 * 1024, 400 * 1024)
    assert (metrics.swap_total, metrics.swap_free) == (0, 0)


PRESSURE = b"some avg10=1.00 avg60=2.00 avg300=35.80 total=5995726035\nfull avg10=0.00 avg60=0.00 avg300=1.25 total=7"


def test_pressure_is_that_of_five_minutes() -> None:
    metrics = parse_metrics({"pressure_cpu": PRESSURE, "pressure_memory": PRESSURE, "pressure_io": b"some avg10=1.00"})
    assert (metrics.pressure_cpu, metrics.pressure_memory, metrics.pressure_memory_full) == (35.8, 35.8, 1.25)
    assert (metrics.pressure_io, metrics.pressure_io_full) == (None, None)
    assert parse_pressure(PRESSURE.replace(b"35.80", b"135.80")) == (None, 1.25)


def test_the_temperature_is_the_highest_that_is_credible() -> None:
    assert parse_temperature(b"45000 -128000 61500 2147483647 x ") == 61.5
    assert parse_temperature(b"65261850") is None
    assert parse_temperature(b"") is None


def test_open_files_are_told_with_their_limit() -> None:
    assert parse_open_files(b"4462\t0\t9223372036854775807") == (4462, 2**63 - 1)
    assert parse_open_files(b"4462 0 99999999999999999999") == (4462, None)
    assert parse_open_files(b"4462 0") == (None, None)


def test_a_mount_tells_whether_it_is_read_only() -> None:
    line = b"/dev/sda1 / ext4 4096 10 5 5 10 5"
    told = [parse_disks(line + options)[0].read_only for options in (b" ro,noatime", b" rw,errors=remount-ro", b"")]
    assert told == [True, False, None]


DRIVES = b"""\
   7       0 loop0 120 0 4896 83 55 1152 9632 77 0 116 215 1 0 409600 0 16 53
   8       0 sda 10 0 1000 5 10 0 2000 5 0 5 5 0 0 0 0
   8       1 sda1 9 0 900 5 10 0 1900 5 0 5 5 0 0 0 0
 259       0 nvme0n1 1 0 10 5 1 0 20 5 0 5 5
 259       1 nvme0n1p1 1 0 7 5 1 0 7 5 0 5 5
 202       1 xvda1 1 0 100 5 1 0 200 5 0 5 5
 253       0 dm-0 10 0 1000 5 10 0 2000 5 0 5 5 0 0 0 0
   9       0 md127 10 0 1000 5 10 0 2000 5 0 5 5 0 0 0 0
"""
NETWORK = b"""\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls
    lo: 15235371935 7873052 0 0 0 0 0 0 15235371935 7873052 0 0 0 0 0 0
  eth0: 3000   91553    0    0    0     0          0         0  500   52680    0    0    0     0       0          0
eth0.10: 1000   91553    0    0    0     0          0         0  500   52680    0    0    0     0       0          0
enp3s0:40 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0
docker0: 3000   91553    0    0    0     0          0         0  500   52680    0    0    0     0       0          0
veth12ab: 3000   91553    0    0    0     0          0         0  500   52680    0    0    0     0       0          0
"""
COUNTED = {"uptime": b"1000.50 900.00", "drives": DRIVES, "network": NETWORK}


def test_traffic_is_that_of_drives_and_networks_themselves() -> None:
    assert parse_counters(COUNTED) == Counters(1000.5, 1110 * 512, 2220 * 512, 3040, 502)
    assert parse_counters({"uptime": b"5.00 1"}) == Counters(5.0)
    assert parse_counters({"drives": DRIVES}) is None


def test_traffic_is_told_as_rates_since_the_visit_before() -> None:
    metrics = parse_metrics(COUNTED, counters=Counters(900.5, 1110 * 512 - 5000, 2220 * 512, 2040, None))
    assert (metrics.disk_read_rate, metrics.disk_write_rate) == (50.0, 0.0)
    assert (metrics.network_receive_rate, metrics.network_send_rate) == (10.0, None)
    assert parse_metrics(COUNTED).disk_read_rate is None


def test_after_a_reboot_rates_are_those_since_then_and_a_drive_that_left_makes_them_unknown() -> None:
    assert rates(Counters(5000, 9000, 9000), Counters(100, 1000, 500)).disk_read == 10.0
    assert rates(Counters(5000, 9000, 9000), Counters(6000, 1000, 10000)).disk_read is None


@given(st.dictionaries(st.sampled_from(sorted(metrics_since((0,) * 8).parts)), st.binary(max_size=200)))
def test_no_bytes_make_a_part_fail(outputs: dict[str, bytes]) -> None:
    parse_metrics(outputs, (0,) * 8, Counters(0.0, 0, 0, 0, 0))


@given(
    st.sampled_from([DRIVES, NETWORK, PRESSURE, b"cpu  30 0 0 70 0 0 0 0 0 0 procs_blocked 3", MEMORY, b"4462 0 99"]),
    st.integers(0, 400),
    st.sampled_from([b"", b"-", b"9" * 30, b"\n", b"\xff", b"nan", b"."]),
)
def test_half_and_absurd_output_is_unknown_or_within_bounds(raw: bytes, place: int, put: bytes) -> None:
    bent = raw[:place] + put + raw[place + len(put) :]
    parts = metrics_since((0,) * 8).parts
    metrics = parse_metrics(dict.fromkeys(parts, bent) | {"uptime": b"1000.00 1"}, (0,) * 8, Counters(0.0, 0, 0, 0, 0))
    for name in ("cpu_percent", "cpu_idle", "pressure_io", "memory_percent"):
        assert (value := getattr(metrics, name)) is None or 0 <= value <= 100
    for name in ("disk_read_rate", "network_send_rate", "memory_total", "open_files", "blocked"):
        assert (value := getattr(metrics, name)) is None or 0 <= value < 2**63
