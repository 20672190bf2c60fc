"""Other ways to fetch what is new behind known offsets: what a system administrator would reach for first.

Each peer is told how far every log was read, asks the host for the bytes behind that, and returns exactly those. Most
run one `tail -c +OFFSET` per log, with a word that no log holds between their outputs. All keep their connections.
"""

import asyncio
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import asyncssh
from fleet import CONCURRENT_HOSTS, Arrivals, cpu_seconds_of

from dthostmon.model import Host, SshAccess

BOUNDARY = "---8<--- no log holds this line"
ANSIBLE = Path(sys.executable).with_name("ansible")
START_SECONDS = 10.0
END_SECONDS = 5.0


class Peer(Protocol):
    """Reads the logs of all hosts. `missing` names what it needs and this machine has not."""

    missing: str | None

    def read(self, hosts: Sequence[Host]) -> Arrivals:
        """Visit all hosts; return what is new by path."""

    def others_cpu_seconds(self) -> float:
        """Return the CPU time of processes that work for it and outlive a pass."""

    def close(self) -> None:
        """End what was kept."""


@dataclass(slots=True)
class Offsets:
    """How far each log was read."""

    by_path: dict[str, int]

    @classmethod
    def at_the_ends(cls, hosts: Sequence[Host]) -> "Offsets":
        """Stand where the logs end now."""
        return cls({path: Path(path).stat().st_size for host in hosts for path in host.logs})

    def tail(self, path: str) -> str:
        """Write the command that prints what is new in one log; `tail` counts from 1."""
        return f"tail -c +{self.by_path[path] + 1} -- {shlex.quote(path)}"

    def command(self, host: Host) -> str:
        """Write the command that prints what is new in all logs of a host."""
        return f"; echo '{BOUNDARY}'; ".join(map(self.tail, host.logs))

    def taken(self, host: Host, output: bytes) -> dict[str, bytes]:
        """Split what that command printed, and stand behind it."""
        return self.advanced(dict(zip(host.logs, output.split(f"{BOUNDARY}\n".encode()), strict=True)))

    def advanced(self, new: dict[str, bytes]) -> dict[str, bytes]:
        """Stand behind what is new."""
        for path, data in new.items():
            self.by_path[path] += len(data)
        return new


@dataclass(slots=True)
class OpenSsh:
    """One `ssh` process per host and pass, over a master that is kept."""

    hosts: Sequence[Host]
    offsets: Offsets
    missing: str | None = field(default_factory=lambda: None if shutil.which("ssh") else "openssh-client")
    _folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="dthostmon-ssh-")))
    _masters: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def read(self, hosts: Sequence[Host]) -> Arrivals:
        """See `Peer`; all processes run at once."""
        if not self._masters:
            self._connect()
        started = [self._started(host, self.offsets.command(host)) for host in hosts]
        outputs = [process.communicate()[0] for process in started]
        return _merged(map(self.offsets.taken, hosts, outputs))

    def others_cpu_seconds(self) -> float:
        """See `Peer`: the masters encrypt."""
        return cpu_seconds_of([master.pid for master in self._masters])

    def close(self) -> None:
        """See `Peer`."""
        for master in self._masters:
            master.terminate()
            master.wait(END_SECONDS)
        shutil.rmtree(self._folder)

    def _connect(self) -> None:
        self._masters = [self._started(host, "-M", "-N") for host in self.hosts]
        deadline = time.monotonic() + START_SECONDS
        while any(not self._socket(host).exists() for host in self.hosts):
            if time.monotonic() > deadline:
                raise SystemExit("the ssh masters did not connect")
            time.sleep(0.02)

    def _socket(self, host: Host) -> Path:
        return self._folder / host.name

    def _started(self, host: Host, *words: str) -> "subprocess.Popen[bytes]":
        access = access_of(host)
        told = ssh_options(access) | {"ControlPath": str(self._socket(host)), "BatchMode": "yes"}
        options = [f"-o{name}={value}" for name, value in told.items()]
        flags = [word for word in words if word.startswith("-")]
        command = [word for word in words if not word.startswith("-")]
        line = ["ssh", "-F", "none", *options, *flags, "-l", access.user, access.hostname, *command]
        return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)


@dataclass(slots=True)
class AsyncsshExecs:
    """asyncssh as its tutorial shows it: a `run` for each file, over connections that are kept."""

    offsets: Offsets
    runner: asyncio.Runner
    missing: str | None = None
    _connections: dict[str, asyncssh.SSHClientConnection] = field(default_factory=dict)

    def read(self, hosts: Sequence[Host]) -> Arrivals:
        """See `Peer`."""
        return self.runner.run(self._read(hosts))

    def others_cpu_seconds(self) -> float:
        """See `Peer`."""
        return 0.0

    def close(self) -> None:
        """See `Peer`."""
        for connection in self._connections.values():
            connection.abort()

    async def _read(self, hosts: Sequence[Host]) -> Arrivals:
        return _merged(await asyncio.gather(*map(self._visit, hosts)))

    async def _visit(self, host: Host) -> dict[str, bytes]:
        connection = self._connections.get(host.name) or await self._connected(host)
        runs = [connection.run(self.offsets.tail(path), encoding=None, stdin=asyncssh.DEVNULL) for path in host.logs]
        outputs = [run.stdout for run in await asyncio.gather(*runs)]
        return self.offsets.advanced(dict(zip(host.logs, outputs, strict=True)))

    async def _connected(self, host: Host) -> asyncssh.SSHClientConnection:
        access = access_of(host)
        self._connections[host.name] = await asyncssh.connect(
            access.hostname,
            access.port,
            username=access.user,
            client_keys=[access.key],
            known_hosts=access.known_hosts,
            config=None,
            agent_path=None,
        )
        return self._connections[host.name]


@dataclass(slots=True)
class ParallelSsh:
    """parallel-ssh: libssh2 under gevent, one exec per host and pass over connections that are kept.

    It verifies no host keys.
    """

    hosts: Sequence[Host]
    offsets: Offsets
    missing: str | None = field(default_factory=lambda: None if find_spec("pssh") else "parallel-ssh")
    _client: Any = None

    def read(self, hosts: Sequence[Host]) -> Arrivals:
        """See `Peer`. Its output comes as lines without their ends; ours are text that ends with one."""
        client = self._client = self._client or self._made()
        commands = [(self.offsets.command(host),) for host in hosts]
        outputs = client.run_command("%s", host_args=commands)
        texts = [b"".join(line.encode() + b"\n" for line in output.stdout) for output in outputs]
        return _merged(map(self.offsets.taken, hosts, texts))

    def others_cpu_seconds(self) -> float:
        """See `Peer`."""
        return 0.0

    def close(self) -> None:
        """See `Peer`."""
        self._client = None

    def _made(self) -> Any:
        clients = import_module("pssh.clients")
        host_config = import_module("pssh.config").HostConfig
        accesses = list(map(access_of, self.hosts))
        configs = [host_config(user=one.user, port=one.port, private_key=one.key) for one in accesses]
        return clients.ParallelSSHClient(
            [one.hostname for one in accesses], host_config=configs, pool_size=CONCURRENT_HOSTS, allow_agent=False
        )


@dataclass(slots=True)
class Ansible:
    """ansible-core's ad-hoc command with the `raw` module; it keeps its connections as ssh masters of its own.

    The CPU time of those masters is not counted.
    """

    hosts: Sequence[Host]
    offsets: Offsets
    missing: str | None = field(default_factory=lambda: None if ANSIBLE.exists() else "ansible-core")
    _folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="dthostmon-ansible-")))

    def read(self, hosts: Sequence[Host]) -> Arrivals:
        """See `Peer`; the files of `tree` are the only output that a program can read."""
        inventory, tree = self._folder / "inventory.json", self._folder / "tree"
        inventory.write_text(json.dumps({"all": {"hosts": {host.name: self._variables(host) for host in hosts}}}))
        settings = {
            "ANSIBLE_CALLBACKS_ENABLED": "tree",
            "ANSIBLE_CALLBACK_TREE_DIR": str(tree),
            "ANSIBLE_DEPRECATION_WARNINGS": "False",
            "ANSIBLE_HOME": str(self._folder),
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "True",
            "ANSIBLE_SSH_USETTY": "False",  # a terminal would make \r\n of \n
            "LC_ALL": "C.UTF-8",
        }
        # an argument that begins with a brace would be taken for JSON
        line = ["all", "-i", str(inventory), "-f", str(CONCURRENT_HOSTS), "-m", "raw", "-a", "true; {{ command }}"]
        subprocess.run([str(ANSIBLE), *line], env=os.environ | settings, stdout=subprocess.DEVNULL, check=True)
        outputs = [json.loads((tree / host.name).read_text())["stdout"].encode() for host in hosts]
        return _merged(map(self.offsets.taken, hosts, outputs))

    def others_cpu_seconds(self) -> float:
        """See `Peer`."""
        return 0.0

    def close(self) -> None:
        """See `Peer`; the masters end with the servers."""
        shutil.rmtree(self._folder)

    def _variables(self, host: Host) -> dict[str, object]:
        access = access_of(host)
        options = " ".join(f"-o{name}={value}" for name, value in ssh_options(access).items())
        return {
            "ansible_host": access.hostname,
            "ansible_user": access.user,
            "ansible_port": access.port,
            "ansible_ssh_common_args": f"-F none {options}",
            "command": self.offsets.command(host),
        }


@dataclass(slots=True)
class WholeFiles:
    """Every log fetched whole, as `collect.py` has it."""

    missing: str | None = field(default_factory=lambda: None if find_spec("paramiko") else "paramiko")
    _reader: Any = None

    def read(self, hosts: Sequence[Host]) -> Arrivals:
        """See `Peer`."""
        self._reader = self._reader or self._made()
        return self._reader.read(hosts)

    def others_cpu_seconds(self) -> float:
        """See `Peer`."""
        return 0.0

    def close(self) -> None:
        """See `Peer`: each visit has closed its connection."""

    def _made(self) -> Any:
        from paramiko_reader import WholeFileReader, fetch_over_sftp

        return WholeFileReader(fetch_over_sftp)


def access_of(host: Host) -> SshAccess:
    """Return how to log in to a host of a benchmark: all of them are remote."""
    assert host.ssh is not None  # noqa: S101  # see above
    return host.ssh


def ssh_options(access: SshAccess) -> dict[str, str | int]:
    """Return what `ssh` needs to reach a server of a benchmark."""
    return {
        "Port": access.port,
        "IdentityFile": access.key,
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": access.known_hosts,
    }


def _merged(visits: Iterable[Mapping[str, bytes]]) -> Arrivals:
    return {path: new for visit in visits for path, new in visit.items()}
