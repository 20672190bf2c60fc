"""The probes that find things run for real: here, under busybox, over SFTP, and where a user may not look."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dthostmon import facts
from dthostmon.facts.inventories import INVENTORIES
from dthostmon.facts.together import together
from dthostmon.model import (
    Container,
    Drive,
    Facts,
    Host,
    Inventory,
    Port,
    Thing,
    ThingKind,
    Thresholds,
    Timer,
    TransportKind,
)
from dthostmon.transport import connect
from dthostmon.transport.session import READ_ONLY_KEY_OPTIONS
from tests import parts
from tests.fixtures.containers import Podman, install
from tests.fixtures.sshd import SshServer, make_host
from tests.fixtures.systemd_host import SystemdHost

PROBES = ("containers", "cron", "hardware", "ports", "raid", "services")
NOBODY = 65534
HERE = Host("here", TransportKind.LOCAL, None, None, (), (), PROBES, Thresholds(), 60, 30, 0)


async def gather_from(host: Host, marks: Mapping[str, str] | None = None) -> Facts:
    session = await connect(host)
    try:
        return await facts.gather(session, facts.Wanted(PROBES, marks=marks or {}))
    finally:
        await session.close()


def told(name: str, before: str | None = None, env: Mapping[str, str] | None = None) -> tuple[Inventory, str]:
    """Run a probe's shell text with the environment's `sh`, and return what it found and its mark."""
    probe = INVENTORIES[name]((), before)
    environment = {**os.environ, "LC_ALL": "C"} if env is None else dict(env)
    shell = shutil.which("sh", path=environment["PATH"])
    assert shell

    def run(command: str) -> bytes:
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        return subprocess.run([shell, "-c", command], env=environment, check=False, timeout=60, **how).stdout

    shared = together([probe])
    outputs = {part: run(command) for part, command in probe.commands.items()}
    outputs |= {part.partition(".")[2]: output for part, output in shared.told(run(shared.command)).items()}
    return probe.parse(outputs), probe.mark(outputs)


def subjects(inventory: Inventory, kind: ThingKind) -> set[str]:
    return {thing.subject for thing in inventory.things if thing.kind is kind}


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_this_machine_tells_each_probe_something_or_why_not(listener: int) -> None:
    known = await gather_from(HERE)
    assert known.inventories.keys() == set(PROBES)
    assert not [part for part in known.unknown if part.startswith(PROBES)]
    for name, inventory in known.inventories.items():
        assert inventory.kinds, name
    [port] = [
        thing for thing in known.inventories["ports"].things if isinstance(thing, Port) and thing.port == listener
    ]
    assert port.address == "127.0.0.1"
    assert port.user
    assert port.program.startswith("py") or not shutil.which("ss")


async def test_what_did_not_change_is_not_told_again() -> None:
    first = await gather_from(HERE)
    second = await gather_from(HERE, first.marks)
    assert second.inventories.keys() <= {"ports"}  # other tests open ports at any time
    third = await gather_from(HERE)
    for name in set(PROBES) - {"ports"}:
        assert third.inventories[name] == first.inventories[name]


IN_NAMESPACE = """
import json, socket, subprocess, sys
def ask(): return subprocess.run(["sh", "-c", sys.argv[1]], stdout=-1).stdout.decode("ascii", "replace")
before = ask()
with socket.create_server(("0.0.0.0", 4444)), socket.socket(type=socket.SOCK_DGRAM) as asking:
    asking.bind(("0.0.0.0", 0))
    print(json.dumps([before, ask()]))
"""


def test_a_port_that_opens_is_told_with_its_program() -> None:
    parts.namespaces()
    parts.program("ss")
    probe = INVENTORIES["ports"]((), None)
    command = [parts.program("unshare"), "--net", sys.executable, "-c", IN_NAMESPACE, probe.words["sockets"]]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    before, after = (" ".join(part.split()).encode() for part in json.loads(ran.stdout))
    assert probe.mark({"sockets": before}) != probe.mark({"sockets": after})
    assert probe.parse({"sockets": before}) == Inventory((), {}, frozenset({ThingKind.PORT}))
    [port] = probe.parse({"sockets": after, "accounts": b"root:x:0:0::/:"}).things
    assert isinstance(port, Port)
    assert (port.subject, port.user) == ("*:4444/tcp", "root")
    assert port.program.startswith("py")


def test_more_sockets_than_are_read_leave_the_words_of_other_probes_alone(tmp_path: Path) -> None:
    install(tmp_path / "ss", "#!/bin/sh\nyes 'tcp LISTEN 0 5 *:1 *:* ino:1' | head -n 20000\n")
    found, _ = told("ports", env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert found.missing == {ThingKind.PORT: "there are more sockets than are read"}


@pytest.fixture
def cron_host() -> Callable[..., Inventory]:
    """Ask for cron in a mount namespace whose crontabs are the test's own."""
    parts.namespaces()
    probe = INVENTORIES["cron"]((), None)

    def ask(making: str, *as_user: str) -> Inventory:
        mounts = "mount -t tmpfs none /etc; mount -t tmpfs none /var/spool"
        folders = "mkdir -p /etc/cron.d /etc/cron.daily /var/spool/cron/crontabs"
        script = f'{mounts}; {folders}; {making}; exec "$@"'
        command = [parts.program("unshare"), "--mount", "sh", "-ec", script, "sh", *as_user, "sh", "-c"]
        ran = subprocess.run([*command, probe.commands["tables"]], stdout=subprocess.PIPE, check=False)
        return probe.parse({"tables": ran.stdout})

    return ask


CRON_FILES = """
echo '* * * * * backup /opt/x' > /etc/cron.d/x
: > /etc/cron.daily/job; chmod +x /etc/cron.daily/job
echo data > /etc/cron.daily/README; echo '@daily /home/eve/y' > /var/spool/cron/crontabs/eve
chmod 600 /var/spool/cron/crontabs/eve; chmod 1730 /var/spool/cron/crontabs"""


def test_root_sees_all_crontabs(cron_host: Callable[..., Inventory]) -> None:
    found = cron_host(CRON_FILES)
    assert {thing.subject: thing.state for thing in found.things} == {
        "/etc/cron.d/x: /opt/x": "* * * * * backup",
        "/etc/cron.daily: job": "daily root",
        "/var/spool/cron/crontabs/eve: /home/eve/y": "@daily eve",
    }
    assert found.missing == {}


def test_others_are_told_what_they_may_not_see(cron_host: Callable[..., Inventory]) -> None:
    setpriv = (parts.program("setpriv"), "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups")
    found = cron_host(CRON_FILES, *setpriv)
    assert {"/etc/cron.d/x: /opt/x", "/etc/cron.daily: job"} <= subjects(found, ThingKind.CRON)
    assert found.missing == {ThingKind.CRON: "only root may read /var/spool/cron/crontabs"}


@pytest.fixture
def busybox_tools(tmp_path: Path) -> dict[str, str]:
    """A PATH that holds busybox's tools and no other."""
    subprocess.run([parts.program("busybox"), "--install", "-s", str(tmp_path)], check=True)
    return {"PATH": str(tmp_path), "LC_ALL": "C", "HOME": "/nonexistent"}


@pytest.mark.parametrize("name", ["cron", "hardware", "raid"])
def test_busybox_tells_what_other_tools_tell(name: str, busybox_tools: dict[str, str]) -> None:
    assert told(name, env=busybox_tools) == told(name)


def test_busybox_tells_ports_and_their_users(busybox_tools: dict[str, str], listener: int) -> None:
    found, mark = told("ports", env=busybox_tools)
    assert f"127.0.0.1:{listener}/tcp" in subjects(found, ThingKind.PORT)
    assert re.fullmatch("[0-9a-f]{64}", mark)


def test_busybox_without_an_engine_and_a_service_manager_tells_that_there_is_none(
    busybox_tools: dict[str, str],
) -> None:
    if not Path("/var/run/docker.sock").exists() and not Path("/var/lib/docker").exists():
        assert told("containers", env=busybox_tools)[0] == Inventory((), {}, frozenset({ThingKind.CONTAINER}))
    if not Path("/run/systemd/system").exists():
        found, _ = told("services", env=busybox_tools)
        assert found == told("services")[0]


async def test_without_a_shell_files_tell_ports_cron_arrays_and_drives(
    sshd: Callable[..., SshServer], listener: int
) -> None:
    server = sshd(key_options=READ_ONLY_KEY_OPTIONS)
    known = await gather_from(replace(make_host(server), transport=TransportKind.SFTP))
    ports = known.inventories["ports"]
    assert ports.missing == {}
    assert f"127.0.0.1:{listener}/tcp" in subjects(ports, ThingKind.PORT)
    assert {port.program for port in ports.things if isinstance(port, Port)} == {""}
    here = await gather_from(HERE)
    for name in ("cron", "raid"):
        assert known.inventories[name] == here.inventories[name]
    drives = [drive for drive in here.inventories["hardware"].things if isinstance(drive, Drive)]
    assert known.inventories["hardware"].things == tuple(replace(drive, health="", warnings=()) for drive in drives)
    if known.inventories["containers"].missing:
        assert "needs a shell" in known.inventories["containers"].missing[ThingKind.CONTAINER]


def test_smartctl_is_asked_once_a_day(tmp_path: Path) -> None:
    parts.root()
    asked = tmp_path / "asked"
    install(tmp_path / "smartctl", f'#!/bin/sh\necho "$@" >> {asked}\n')
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    _, mark = told("hardware", env=environment)
    assert re.fullmatch("[0-9a-f]{64} [0-9]+ [0-9a-f]{64}", mark)
    lines = asked.read_text().splitlines() if asked.exists() else []  # a virtual machine may have no drive to ask
    assert all(re.fullmatch(r"-n standby -H -A /dev/\w+", line) for line in lines)
    _, again = told("hardware", mark, env=environment)
    assert again == mark or again.split()[1] != mark.split()[1]  # midnight may lie between the two
    assert len(asked.read_text().splitlines() if asked.exists() else []) in {len(lines), 2 * len(lines)}


def test_podman_tells_what_became_of_its_containers(podman: Podman) -> None:
    settings = podman.folder / "storage.conf"
    settings.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{podman.folder}/root"\nrunroot = "{podman.folder}/run"\n'
    )
    path = f"{podman.bin}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "CONTAINERS_STORAGE_CONF": str(settings)}

    def ask(before: str | None = None) -> tuple[dict[str, Thing], str]:
        inventory, mark = told("containers", before, env=environment)
        found = {thing.subject: thing for thing in inventory.things if isinstance(thing, Container)}
        return {name: thing for name, thing in found.items() if thing.engine == "podman"}, mark

    podman.start("web", "trap 'exit 0' TERM")
    ask()  # the engine writes its database once more when it first looks at what it started
    found, mark = ask()
    web = found["web"]
    assert isinstance(web, Container)
    assert (web.state_word, web.image, web.restarts) == ("running", "localhost/dthostmon-test:latest", 0)
    assert web.digest.startswith("sha256:")
    assert ask(mark) == ({}, mark)  # told again is nothing
    podman("stop", "--time", "0", "web")
    stopped, later = ask(mark)
    assert later != mark
    assert stopped["web"] == replace(web, state_word="exited")
    podman.remove_all()
    assert ask(later)[0] == {}


UNITS = {
    "web.service": "[Service]\nExecStart=/bin/sleep infinity\nRestart=always\n[Install]\nWantedBy=multi-user.target\n",
    "broken.service": "[Service]\nExecStart=/bin/false\n[Install]\nWantedBy=multi-user.target\n",
    "job.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    "job.timer": "[Timer]\nOnCalendar=*-*-* 03:00\nPersistent=yes\n[Install]\nWantedBy=timers.target\n",
    "hand.service": "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
    "user@.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "demand@.service": "[Service]\nExecStart=/bin/sleep infinity\n",
}
AWAIT_RESTART = """for _ in $(seq 300); do
case $(systemctl show --property NRestarts,SubState web.service | sort) in *=1?SubState=running) break ;; esac
sleep 0.1; done"""


@pytest.fixture
def units(systemd_host: SystemdHost) -> Iterator[SystemdHost]:
    """A systemd that runs the units above, as if it had booted some time ago."""
    for name, text in UNITS.items():
        systemd_host.unit(name, text)
    systemd_host("touch", "-d", "1 hour ago", "/run/systemd/inaccessible")
    systemd_host("systemctl", "daemon-reload")
    systemd_host("systemctl", "enable", "--now", "web.service", "job.timer")
    yield systemd_host
    systemd_host("systemctl", "unmask", "web.service")
    systemd_host("systemctl", "disable", "--now", *(name for name in UNITS if "@" not in name))
    systemd_host("systemctl", "stop", "demand@*", "user@*")
    for name in UNITS:
        (systemd_host.units / name).unlink()
    systemd_host("systemctl", "daemon-reload")
    systemd_host("systemctl", "reset-failed")


class Asked:
    """Asks a systemd for its services, each time with the mark of the time before."""

    def __init__(self, host: SystemdHost) -> None:
        self.host = host
        self.mark: str | None = None
        self.known: Mapping[str, Thing] = {}
        self.is_same = False

    def changed(self) -> dict[str, str]:
        """Return the states of what is not as it was when this was asked last; None stands for what went."""
        probe = INVENTORIES["services"]((), self.mark)
        outputs = {"units": self.host("sh", "-c", probe.commands["units"]).encode()}
        self.is_same = b"\n=same " in outputs["units"]
        mark, self.mark = self.mark, probe.mark(outputs)
        if mark == self.mark:
            return {}
        inventory = probe.parse(outputs)
        assert inventory.missing == {}
        before, self.known = self.known, {thing.subject: thing for thing in inventory.things}
        names = {name for name in before.keys() | self.known.keys() if before.get(name) != self.known.get(name)}
        return {name: self.known[name].state if name in self.known else "gone" for name in names}


def test_systemd_tells_what_becomes_of_its_services(units: SystemdHost) -> None:
    asked = Asked(units)
    assert asked.changed() == {
        "web.service": "active, enabled",
        "broken.service": "inactive, disabled",
        "job.service": "static",
        "job.timer": "starts job.service",
        "hand.service": "inactive, disabled",
    }
    timer = asked.known["job.timer"]
    assert isinstance(timer, Timer)
    assert timer.next_at is not None
    units("systemctl", "start", "broken.service", "hand.service")
    assert asked.changed() == {"broken.service": "failed, disabled", "hand.service": "active, disabled"}
    units("systemctl", "kill", "--signal", "KILL", "web.service")
    units("sh", "-c", AWAIT_RESTART)
    assert asked.changed() == {"web.service": "active, enabled, 1 restarts"}
    units("systemctl", "disable", "--now", "web.service", "job.timer")
    assert asked.changed() == {
        "web.service": "inactive, disabled",
        "job.timer": "starts job.service, inactive",
    }
    units("systemctl", "mask", "web.service")
    assert asked.changed() == {"web.service": "inactive, masked"}


def test_what_comes_and_goes_in_systemd_is_no_change(units: SystemdHost) -> None:
    asked = Asked(units)
    asked.changed()
    mark = asked.mark
    units("systemctl", "start", "user@7.service")  # of a login, which each visit over SSH is
    assert asked.changed() == {}
    assert asked.mark == mark
    assert asked.is_same
    units("systemctl", "start", "job.service")
    units("systemctl", "start", "demand@7-192.0.2.1:22-192.0.2.9:4711.service")
    units("systemd-run", "--quiet", "/bin/sleep", "60")
    assert asked.changed() == {}
    assert asked.mark != mark


def test_a_systemd_that_does_not_answer_is_told(units: SystemdHost) -> None:
    probe = INVENTORIES["services"]((), None)
    raw = units("sh", "-c", probe.commands["units"], as_user=NOBODY).encode()  # there is no D-Bus that would let it ask
    inventory = probe.parse({"units": raw})
    assert inventory.things == ()
    assert inventory.missing == dict.fromkeys((ThingKind.SERVICE, ThingKind.TIMER), "systemctl does not answer")
