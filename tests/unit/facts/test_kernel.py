"""The boot, the modules and the settings of a kernel."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.kernel import KERNEL, MAX_MODULES, parse_kernel
from dthostmon.model import Boot, KernelSetting, Module, ThingKind
from tests.unit.facts.recorded import mutations, recorded

MODULES = recorded("proc/modules-sample.txt")
BOOT_ID = b"0f2a3b4c-1111-2222-3333-444455556666"


def test_modules_are_told_by_name_with_what_taints() -> None:
    known = parse_kernel({"modules": MODULES})
    modules = [thing for thing in known.things if isinstance(thing, Module)]
    assert modules == [Module("nf_tables"), Module("nvidia", "POE"), Module("xfs")]
    assert ThingKind.MODULE not in known.missing


def test_a_kernel_without_modules_is_known_to_have_none() -> None:
    assert ThingKind.MODULE not in parse_kernel({"no_modules": b"none\n"}).missing
    for outputs in ({}, {"no_modules": b"some"}, {"modules": b"garbage\n"}):
        assert ThingKind.MODULE in parse_kernel(outputs).missing


def test_a_boot_has_its_id_its_kernel_and_its_time() -> None:
    outputs = {"boot_id": BOOT_ID + b"\n", "release": b"6.1.0-25-amd64\n", "since": b"btime 1700000000\n"}
    [boot] = parse_kernel(outputs).things
    assert boot == Boot(BOOT_ID.decode(), "6.1.0-25-amd64")
    assert isinstance(boot, Boot)
    assert boot.at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert ThingKind.BOOT in parse_kernel({"boot_id": b"0f2a"}).missing


def test_settings_keep_their_names_and_no_secret() -> None:
    told = {
        "kernel.core_pattern": b"|/usr/share/apport/apport %p %s\n",
        "cmdline": b"quiet root_password=hunter2hunter2\n",
    }
    assert parse_kernel(told).things == (
        KernelSetting("cmdline", "quiet root_password=[redacted: password]"),
        KernelSetting("kernel.core_pattern", "|/usr/share/apport/apport %p %s"),
    )
    assert ThingKind.KERNEL_SETTING in parse_kernel({}).missing


def test_users_of_a_module_and_the_second_of_the_boot_are_no_new_state() -> None:
    before = {"modules": MODULES, "since": b"btime 1700000000", "net.ipv4.ip_forward": b"0"}
    later = before | {"modules": MODULES.replace(b" 1189 ", b" 1190 "), "since": b"btime 1700000001"}
    assert later["modules"] != MODULES
    assert KERNEL.mark(later) == KERNEL.mark(before)
    assert KERNEL.mark(before | {"net.ipv4.ip_forward": b"1"}) != KERNEL.mark(before)
    assert KERNEL.mark(before | {"modules": MODULES + b"evil 1 0 - Live 0x0000000000000000 (OE)\n"}) != KERNEL.mark(
        before
    )


def test_endless_modules_are_cut_and_said_to_be() -> None:
    lines = b"\n".join(b"m%d 16384 0 - Live 0x0000000000000000" % number for number in range(MAX_MODULES + 1))
    known = parse_kernel({"modules": lines})
    assert sum(isinstance(thing, Module) for thing in known.things) == MAX_MODULES
    assert ThingKind.MODULE in known.missing


@given(st.dictionaries(st.sampled_from(sorted(KERNEL.parts)), st.binary(max_size=200)))
def test_no_bytes_make_the_parser_fail(outputs: dict[str, bytes]) -> None:
    parse_kernel(outputs)
    KERNEL.mark(outputs)


@given(mutations("proc/modules-sample.txt"))
def test_what_is_nearly_a_list_of_modules_is_shown_safely(output: bytes) -> None:
    for thing in parse_kernel({"modules": output}).things:
        assert thing.subject.isprintable()
