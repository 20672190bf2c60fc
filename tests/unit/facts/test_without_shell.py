"""What files alone tell of services, arrays, drives and containers."""

from pathlib import Path

import pytest

from dthostmon.facts.inventories import INVENTORIES
from dthostmon.facts.sources import FactFiles
from dthostmon.model import Drive, Inventory, Service, StorageArray, ThingKind
from dthostmon.transport import DirectoryEntry, FileStat
from dthostmon.transport.local import LocalFiles
from tests.unit.facts.recorded import by_subject


class Rooted(LocalFiles):
    """The files below a folder, as if it was the whole host."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    async def stat(self, path: str) -> FileStat | None:
        return await super().stat(f"{self.root}{path}")

    async def list(self, directory: str) -> list[DirectoryEntry]:
        return list(await super().list(f"{self.root}{directory}"))

    async def read(self, path: str, offset: int, length: int) -> bytes:
        return await super().read(f"{self.root}{path}", offset, length)

    async def link(self, path: str) -> str | None:
        return await super().link(f"{self.root}{path}")


def make(root: Path, **files: str) -> None:
    """Make files by their path; what is `-> x` is a link to x, what ends in / a folder."""
    for path, text in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            place.mkdir(exist_ok=True)
        elif text.startswith("-> "):
            place.symlink_to(text[3:])
        else:
            place.write_text(text)


async def found_by(name: str, root: Path) -> Inventory:
    probe = INVENTORIES[name]((), None)
    files = FactFiles(Rooted(root))
    return probe.parse({part: (await source(files)).output for part, source in probe.files.items()})


async def test_systemd_tells_what_is_enabled_and_not_how_it_is(tmp_path: Path) -> None:
    files = {
        "/run/systemd/system/": "",
        "/usr/lib/systemd/system/web.service": "",
        "/usr/lib/systemd/system/job.service": "",
        "/usr/lib/systemd/system/bad.service": "",
        "/usr/lib/systemd/system/getty@.service": "",
        "/etc/systemd/system/multi-user.target.wants/web.service": "-> /usr/lib/systemd/system/web.service",
        "/etc/systemd/system/getty.target.wants/getty@tty1.service": "-> /usr/lib/systemd/system/getty@.service",
        "/etc/systemd/system/bad.service": "-> /dev/null",
        "/run/systemd/units/invocation:web.service": "-> 0123",
    }
    make(tmp_path, **files)
    found = await found_by("services", tmp_path)
    assert found.missing.keys() == {ThingKind.SERVICE, ThingKind.TIMER}
    things = by_subject(found)
    assert things["web.service"] == Service("web.service", None, "enabled")
    assert things["job.service"] == Service("job.service", None, "not enabled")
    assert things["bad.service"] == Service("bad.service", None, "masked")
    assert things["getty@tty1.service"] == Service("getty@tty1.service", None, "enabled")
    web = things["web.service"]
    assert isinstance(web, Service)
    assert web.path == "/usr/lib/systemd/system/web.service"
    assert web.started_at is not None


async def test_openrc_tells_runlevels_and_states(tmp_path: Path) -> None:
    files = {
        "/run/openrc/started/sshd": "-> /etc/init.d/sshd",
        "/run/openrc/started/hand": "-> /etc/init.d/hand",
        "/run/openrc/failed/web": "-> /etc/init.d/web",
        "/etc/runlevels/default/sshd": "-> /etc/init.d/sshd",
        "/etc/runlevels/default/web": "-> /etc/init.d/web",
        "/etc/runlevels/boot/hwclock": "-> /etc/init.d/hwclock",
    }
    make(tmp_path, **files)
    found = await found_by("services", tmp_path)
    assert {thing.subject: thing.state for thing in found.things} == {
        "hand": "active, disabled",
        "hwclock": "inactive, enabled",
        "sshd": "active, enabled",
        "web": "failed, enabled",
    }


async def test_sysv_tells_scripts(tmp_path: Path) -> None:
    files = {"/proc/1/comm": "init\n", "/etc/init.d/ssh": "", "/etc/rc2.d/S01ssh": "-> ../init.d/ssh"}
    make(tmp_path, **files, **{"/etc/rc2.d/K01cron": "", "/etc/init.d/cron": ""})
    found = await found_by("services", tmp_path)
    assert found.things == (Service("cron", None, "disabled"), Service("ssh", None, "enabled"))


async def test_process_1_tells_whether_there_is_a_service_manager(tmp_path: Path) -> None:
    make(tmp_path, **{"/proc/1/comm": "nginx\n"})
    assert (await found_by("services", tmp_path)).missing == {}
    (tmp_path / "proc/1/comm").write_text("runit\n")
    assert (await found_by("services", tmp_path)).missing.keys() == {ThingKind.SERVICE, ThingKind.TIMER}


async def test_zfs_btrfs_and_redundant_volumes_are_seen(tmp_path: Path) -> None:
    uuid = "4bdc5baa-fbd8-4eb7-83d0-6e4fe41aba2a"
    files = {
        "/proc/spl/kstat/zfs/tank/state": "DEGRADED\n",
        f"/sys/fs/btrfs/{uuid}/label": "data\n",
        f"/sys/fs/btrfs/{uuid}/devices/sda": "-> x",
        f"/sys/fs/btrfs/{uuid}/devinfo/1/missing": "0\n",
        f"/sys/fs/btrfs/{uuid}/devinfo/1/error_stats": "write_errs 2\nread_errs 1\n",
        "/sys/fs/btrfs/features/x": "",
        "/sys/block/dm-0/dm/name": "vg0-home_rimage_0\n",
    }
    make(tmp_path, **files)
    found = await found_by("raid", tmp_path)
    assert found.things == (
        StorageArray("tank", "zfs", "DEGRADED"),
        StorageArray("data", "btrfs", "3 errors of devices", ("sda",)),
    )
    assert found.missing.keys() == {ThingKind.ARRAY}


async def test_drives_are_seen_and_their_serials(tmp_path: Path) -> None:
    files = {
        "/sys/block/sda/dev": "8:0\n",
        "/sys/block/sda/device/model": "ST4000DM004-2CV1\n",
        "/sys/block/sda/device/state": "running\n",
        "/run/udev/data/b8:0": "E:ID_MODEL=ST4000DM004-2CV104\nE:ID_SERIAL_SHORT=ZFN0ABCD\n",
        "/sys/block/loop0/device/x": "",
        "/sys/block/dm-0/dev": "252:0\n",
    }
    make(tmp_path, **files)
    found = await found_by("hardware", tmp_path)
    assert found.things == (Drive("sda", "ST4000DM004-2CV104", "ZFN0ABCD"),)
    assert found.missing == {}


@pytest.mark.parametrize("path", ["/usr/bin/podman", "/var/run/docker.sock", "/var/lib/docker/x"])
async def test_an_engine_is_seen_and_cannot_be_asked(tmp_path: Path, path: str) -> None:
    make(tmp_path, **{"/etc/x": ""})
    assert (await found_by("containers", tmp_path)).missing == {}
    make(tmp_path, **{path: ""})
    assert "needs a shell" in (await found_by("containers", tmp_path)).missing[ThingKind.CONTAINER]
