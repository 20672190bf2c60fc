"""The probes of a system's files, network, kernel and clock, run for real in each way to a host."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dthostmon import facts
from dthostmon.facts import clock, firewall, setuid
from dthostmon.facts.kernel import KERNEL
from dthostmon.facts.mounts import MOUNTS
from dthostmon.facts.network import NETWORK
from dthostmon.facts.probe import InventoryProbe
from dthostmon.facts.together import together
from dthostmon.model import Facts, Firewall, Host, Inventory, Thing, ThingKind, TransportKind
from dthostmon.transport import collector, connect
from dthostmon.transport.session import READ_ONLY_KEY_OPTIONS
from tests import parts
from tests.fixtures.sshd import SshServer, make_host, make_local_host

PROBES = ("certificates", "files", "kernel", "mounts", "network", "time")
WITHOUT_SHELL = {"sftp": READ_ONLY_KEY_OPTIONS, "collector": f'restrict,command="{collector.PROGRAM}"'}
EVERYWHERE = {ThingKind.FILE, ThingKind.HISTORY, ThingKind.SETUID, ThingKind.KERNEL_SETTING, ThingKind.BOOT}
# what commands alone tell, or tell more of
ONLY_BY_COMMANDS = {ThingKind.FIREWALL, ThingKind.CLOCK}


async def gather_from(host: Host, wanted: facts.Wanted) -> Facts:
    session = await connect(host)
    try:
        return await facts.gather(session, wanted)
    finally:
        await session.close()


def things_of(known: Facts) -> dict[ThingKind, set[Thing]]:
    found: dict[ThingKind, set[Thing]] = {}
    for inventory in known.inventories.values():
        for thing in inventory.things:
            found.setdefault(thing.kind, set()).add(thing)
    return found


def missing_of(known: Facts) -> set[ThingKind]:
    return {kind for inventory in known.inventories.values() for kind in inventory.missing}


@pytest.fixture
def watched(tmp_path: Path) -> str:
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched" / "app.conf").write_text("a = 1\n")
    (tmp_path / "watched" / ".bash_history").write_text("ls\n")
    return str(tmp_path / "watched")


async def test_this_machine_tells_what_is_there_and_nothing_new_the_second_time(watched: str) -> None:
    wanted = facts.Wanted(PROBES, files=[f"{watched}/*.conf", f"{watched}/.*_history"])
    known = await gather_from(make_local_host(), wanted)
    found = things_of(known)
    assert found.keys() >= EVERYWHERE
    assert not missing_of(known) & {*EVERYWHERE, ThingKind.MODULE, ThingKind.MOUNT, ThingKind.ROUTE}
    assert {thing.state for thing in found[ThingKind.BOOT]} == {os.uname().release}
    again = await gather_from(make_local_host(), replace(wanted, marks=known.marks))
    assert again.inventories == {}
    assert max(map(len, known.marks.values())) < 200
    (Path(watched) / "app.conf").write_text("a = 2\n")
    changed = await gather_from(make_local_host(), replace(wanted, marks=known.marks))
    assert changed.inventories.keys() == {"files"}
    assert things_of(changed)[ThingKind.FILE] != found[ThingKind.FILE]


@pytest.mark.parametrize("kind", WITHOUT_SHELL)
async def test_without_a_shell_files_tell_the_same(sshd: Callable[..., SshServer], kind: str, watched: str) -> None:
    wanted = facts.Wanted(PROBES, files=[f"{watched}/*.conf", f"{watched}/.*_history"])
    server = sshd(key_options=WITHOUT_SHELL[kind])
    told = await gather_from(replace(make_host(server), transport=TransportKind.SFTP), wanted)
    (server.folder / "authorized_keys").write_text(Path(f"{server.key}.pub").read_text())
    expected = await gather_from(make_host(server), wanted)
    found, wanted_things = things_of(told), things_of(expected)
    for thing_kind in wanted_things.keys() - ONLY_BY_COMMANDS:
        assert found[thing_kind] == wanted_things[thing_kind], thing_kind
    assert missing_of(told) - ONLY_BY_COMMANDS == missing_of(expected) - ONLY_BY_COMMANDS
    assert ThingKind.FIREWALL in missing_of(told)


@pytest.fixture
def busybox_tools(tmp_path: Path) -> Path:
    """A folder of busybox's tools and no other."""
    busybox = parts.program("busybox")
    folder = tmp_path / "busybox"
    folder.mkdir()
    subprocess.run([busybox, "--install", "-s", str(folder)], check=True)
    return folder


def run(command: str, path: str) -> bytes:
    shell = "sh" if "busybox" not in path else f"{path}/sh"
    environment = {"PATH": path, "LC_ALL": "C"}
    return subprocess.run([shell, "-c", command], env=environment, capture_output=True, check=False).stdout


def told_by(probe: InventoryProbe, path: str) -> Inventory:
    shared = together([probe])
    told = shared.told(run(shared.command, path))
    outputs = {name.partition(".")[2]: output for name, output in told.items()}
    return probe.parse(outputs | {name: run(command, path) for name, command in probe.commands.items()})


@pytest.mark.parametrize("probe", [KERNEL, MOUNTS, NETWORK], ids=lambda probe: probe.name)
def test_the_probes_tell_the_same_with_busybox(busybox_tools: Path, probe: InventoryProbe) -> None:
    with_busybox, with_gnu = told_by(probe, str(busybox_tools)), told_by(probe, "/usr/sbin:/usr/bin:/sbin:/bin")
    by_all = {thing for thing in with_gnu.things if thing.kind is not ThingKind.FIREWALL}
    assert {thing for thing in with_busybox.things if thing.kind is not ThingKind.FIREWALL} == by_all
    assert with_busybox.missing.keys() - {ThingKind.FIREWALL} == with_gnu.missing.keys() - {ThingKind.FIREWALL}


def test_setuid_files_are_found_by_busybox_too(busybox_tools: Path) -> None:
    parts.program("su")
    by_busybox = setuid.parse(run(setuid.COMMAND, str(busybox_tools)), {})
    assert by_busybox == setuid.parse(run(setuid.COMMAND, "/usr/bin:/bin"), {})
    assert any(file.path.endswith("/su") for file in by_busybox[0])
    assert by_busybox[1] == {}


def test_the_kernel_of_busybox_tells_whether_its_clock_is_kept(busybox_tools: Path) -> None:
    told = run(f"echo $(echo kernel $({busybox_tools}/adjtimex))", str(busybox_tools))
    [found] = clock.parse_clock({"clock": told}).things
    assert found.state in {"synchronised", "not synchronised"}


RULE = """nft add table inet t
nft add chain inet t c '{ type filter hook input priority 0; }'
nft add rule inet t c tcp dport 22 drop"""


def test_a_rule_that_is_set_is_seen() -> None:
    parts.namespaces()
    parts.program("nft")
    found = []
    for before in ("true", RULE, f"{RULE}\nnft add rule inet t c tcp dport 23 drop"):
        script = ["unshare", "--net", "sh", "-c", f"{before}\n{firewall.COMMAND}"]
        told = subprocess.run(script, capture_output=True, check=False).stdout
        things, missing = firewall.parse({"filter": told})
        assert not missing
        found += things
    assert [thing.rules for thing in found if isinstance(thing, Firewall)] == [0, 1, 2]
    assert len(set(found)) == 3


def run_as_nobody(command: str) -> bytes:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", command]
    return subprocess.run(nobody, capture_output=True, check=False).stdout


def test_without_root_the_rules_are_unknown_and_the_rest_is_told() -> None:
    parts.root()
    found, missing = firewall.parse({"filter": run_as_nobody(firewall.COMMAND)})
    assert (found, missing.keys()) == ([], {ThingKind.FIREWALL})
    shared = together([KERNEL, MOUNTS, NETWORK])
    told = shared.told(run_as_nobody(shared.command))
    assert {"kernel.boot_id", "mounts.mounts", "network.routes"} <= told.keys()
    setuid_files, unsearched = setuid.parse(run_as_nobody(setuid.COMMAND), {})
    assert setuid_files
    assert unsearched == {}
