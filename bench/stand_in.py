"""Many hosts in one process: an SSH server on many addresses of 127.0.0.0/8 that shows this machine's files over SFTP.

    python bench/stand_in.py FOLDER HOSTS

Writes keys and known_hosts into FOLDER, prints its port, and runs until its standard input ends. Started by `started`,
it is a process of its own, so that its memory and CPU are not those of the client.
"""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import asyncssh

from dthostmon.model import Host, SshAccess, Thresholds, TransportKind

NETWORK = 11  # 127.11.x.y: beside the addresses that other servers of a benchmark use
HOSTS_PER_BLOCK = 250
CONNECT_SECONDS = 30.0
TIMEOUT_SECONDS = 60.0
LOOK_BACK = 64 * 1024


def address(number: int) -> str:
    """Return the address of a host, counted from 0."""
    return f"127.{NETWORK}.{number // HOSTS_PER_BLOCK}.{number % HOSTS_PER_BLOCK + 1}"


@contextmanager
def started(folder: Path, count: int) -> Iterator[list[Host]]:
    """Run the server; give the hosts, each with no logs yet. It is stopped afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    with served([sys.executable, __file__, str(folder), str(count)]) as port:
        yield [_host(folder, number, port) for number in range(count)]


@contextmanager
def served(command: Sequence[str]) -> Iterator[int]:
    """Run a server that prints its port and ends with its standard input; give the port."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None  # noqa: S101  # both are pipes
        assert server.stdout is not None  # noqa: S101
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()
            server.wait()


def with_logs(hosts: Sequence[Host], folder: Path, names: Sequence[str], content: bytes) -> list[Host]:
    """Give each host logs of its own with the same content."""
    equipped = []
    for host in hosts:
        logs = [folder / f"{host.name}-{name}" for name in names]
        for log in logs:
            log.write_bytes(content)
        equipped.append(replace(host, logs=tuple(map(str, logs))))
    return equipped


def append(hosts: Sequence[Host], new: bytes) -> None:
    """Write the same lines to all logs of the hosts."""
    for path in (path for host in hosts for path in host.logs):
        with Path(path).open("ab") as log:
            log.write(new)


def _host(folder: Path, number: int, port: int) -> Host:
    access = SshAccess(
        hostname=address(number),
        port=port,
        user="monitor",
        key=str(folder / "id_ed25519"),
        passphrase="",
        known_hosts=str(folder / "known_hosts"),
        connect_timeout=CONNECT_SECONDS,
        retries=(),
    )
    return Host(
        name=f"host{number}",
        transport=TransportKind.SFTP,
        ssh=access,
        site=None,
        tags=(),
        logs=(),
        probes=(),
        thresholds=Thresholds(),
        interval=3600.0,
        timeout=TIMEOUT_SECONDS,
        look_back=LOOK_BACK,
    )


async def serve(folder: Path, count: int) -> None:
    """Listen on all addresses, with one port, until the standard input ends."""
    host_key, client_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    client_key.write_private_key(folder / "id_ed25519")
    (folder / "id_ed25519").chmod(0o600)
    authorized = asyncssh.import_authorized_keys(client_key.export_public_key().decode())
    addresses = [address(number) for number in range(count)]
    options = asyncssh.SSHServerConnectionOptions(
        server_host_keys=[host_key], authorized_client_keys=authorized, sftp_factory=True, login_timeout=0
    )
    first = await asyncssh.listen(addresses[0], 0, options=options, backlog=count)
    port = first.get_port()
    others = [await asyncssh.listen(one, port, options=options, backlog=count) for one in addresses[1:]]
    public = host_key.export_public_key().decode().strip()
    (folder / "known_hosts").write_text("".join(f"[{one}]:{port} {public}\n" for one in addresses))
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for listener in (first, *others):
        listener.close()


if __name__ == "__main__":
    # a client that has what it wants is gone before its last answers: asyncio would warn of each
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
