"""A host of a usual size for the benchmark of facts: a real systemd with units, and a real sshd inside its namespaces.

Its dpkg database, accounts, network and units are made here; the programs and all other files are this machine's.
"""

import ctypes
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleet import cpu_seconds_of

from tests import parts
from tests.fixtures.sshd import SshServer, descendants, start_sshd
from tests.fixtures.systemd_host import SystemdHost

USER, USER_ID, ADM_ID = "watch", 1500, 4
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SETTLED_SECONDS = 0.1  # an exec is over for its client a moment before its processes are
FILES_OF_PACKAGE = 40
LISTENERS = 12
SERVICES, TIMERS, ONESHOTS = 45, 15, 40  # of a hundred units

# The machine's own folder of packages is covered, so nothing of it is read or written.
_MOUNTS = """set -e
mount --bind {folder}/dpkg /var/lib/dpkg
for name in passwd group shadow; do mount --bind {folder}/$name /etc/$name; done
ip link set lo up
mkdir -p /run/sshd
"""
_PACKAGE = """Package: {name}
Status: install ok installed
Priority: optional
Section: libs
Installed-Size: {number}
Maintainer: The Maintainers of {name} <{name}@lists.example.org>
Architecture: amd64
Multi-Arch: same
Version: {number}.4.2-{revision}+deb12u1
Depends: libc6 (>= 2.34), libgcc-s1 (>= 3.0), libstdc++6 (>= 11), zlib1g (>= 1:1.2.0)
Conffiles:
 /etc/{name}.conf 0123456789abcdef0123456789abcdef
Description: one of the packages of a usual host
 It has a description of some lines, as most packages have, so that the database is as long as
 that of a real host with as many packages is.
Homepage: https://example.org/{name}

"""


@dataclass(frozen=True, slots=True)
class MadeHost:
    """The host, with a server for each account that visits it."""

    systemd: SystemdHost
    servers: dict[str, SshServer]

    def cpu_seconds(self) -> float:
        """Return what the host has computed so far: the servers, their sessions, what these ran, and process 1."""
        time.sleep(SETTLED_SECONDS)
        pids = [pid for server in self.servers.values() for pid in (server.pid, *descendants(server.pid))]
        pids.append(int(self.systemd.inside))
        return cpu_seconds_of(pids) + sum(map(_of_ended_children, pids))

    def first_process_cpu_seconds(self) -> float:
        """Return what process 1 has computed so far."""
        return cpu_seconds_of([int(self.systemd.inside)])


def _of_ended_children(pid: int) -> float:
    """Return the CPU time of the children that a process has waited for, and of theirs."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[13]) + int(fields[14])) / TICKS_PER_SECOND


@contextmanager
def running_host(folder: Path, packages: int) -> Iterator[MadeHost]:
    """Run the host. The calling process moves into its network, for good: no other listener is in it."""
    folder.chmod(0o755)
    _make_packages(folder / "dpkg", packages)
    _make_accounts(folder)
    with ExitStack() as stack:
        (folder / "systemd").mkdir()
        systemd = SystemdHost(folder / "systemd")
        stack.callback(systemd.stop)
        systemd("sh", "-c", _MOUNTS.format(folder=folder))
        _start_units(systemd)
        _enter_network(int(systemd.inside))
        for number in range(LISTENERS):
            stack.enter_context(socket.create_server(("127.0.0.1", 3000 + number)))
        servers = {}
        kinds = ("--mount", "--pid", "--uts", "--ipc", "--cgroup")
        for user in ("root", USER):
            wrapper = (parts.program("nsenter"), "--target", systemd.inside, *kinds)
            servers[user] = start_sshd(folder / f"sshd-{user}", name=user, user=user, wrapper=wrapper)
            stack.callback(servers[user].stop)
        yield MadeHost(systemd, servers)


def _enter_network(pid: int) -> None:
    # os.setns came with Python 3.12
    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(namespace, 0):
            raise OSError(ctypes.get_errno(), "the network of the made host cannot be entered")
    finally:
        os.close(namespace)


def _make_packages(folder: Path, count: int) -> None:
    (folder / "info").mkdir(parents=True)
    names = [f"package-{number}" for number in range(count)]
    status = (_PACKAGE.format(name=name, number=number, revision=number % 7) for number, name in enumerate(names))
    (folder / "status").write_text("".join(status))
    for name in names:
        files = (f"/usr/share/{name}/file-{number}" for number in range(FILES_OF_PACKAGE))
        own = ("/.", "/etc", f"/etc/{name}.conf", "/usr", f"/usr/share/{name}", *files)
        (folder / "info" / f"{name}.list").write_text("\n".join(own) + "\n")


def _make_accounts(folder: Path) -> None:
    people = "".join(f"user{number}:x:{number}:{number}::/home/user{number}:/bin/sh\n" for number in range(1000, 1030))
    own = f"{USER}:x:{USER_ID}:{USER_ID}::/home/{USER}:/bin/sh\n"
    (folder / "passwd").write_text(own + Path("/etc/passwd").read_text() + people)
    groups = Path("/etc/group").read_text().splitlines()
    mine = (
        f"{line}{'' if line.endswith(':') else ','}{USER}" if line.startswith(("adm:", "systemd-journal:")) else line
        for line in groups
    )
    (folder / "group").write_text("\n".join((*mine, f"{USER}:x:{USER_ID}:\n")))
    (folder / "shadow").write_text("root:*:19000:0:99999:7:::\n" + f"{USER}:*:19000:0:99999:7:::\n")
    (folder / "shadow").chmod(0o600)


def _start_units(systemd: SystemdHost) -> None:
    """Load a hundred units and start most of them."""
    for number in range(SERVICES):
        install = "[Install]\nWantedBy=multi-user.target\n"
        systemd.unit(f"app{number}.service", f"[Service]\nExecStart=/bin/sleep infinity\n{install}")
    for number in range(ONESHOTS):
        systemd.unit(f"once{number}.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n")
    for number in range(TIMERS):
        systemd.unit(f"job{number}.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
        systemd.unit(f"job{number}.timer", "[Timer]\nOnCalendar=monthly\n")
    started = [f"app{number}.service" for number in range(SERVICES)]
    started += [f"once{number}.service" for number in range(ONESHOTS)]
    started += [f"job{number}.timer" for number in range(TIMERS)]
    systemd("systemctl", "daemon-reload")
    systemd("systemctl", "enable", *started[:SERVICES])
    systemd("systemctl", "start", *started)
