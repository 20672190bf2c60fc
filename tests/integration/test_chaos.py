"""The relay of the fault tests passes on what it shall, to a real ssh client, and breaks what it is told to break."""

import hashlib
import os
import socket
import subprocess
import time
from collections.abc import Callable

import pytest

from tests import parts
from tests.fixtures.chaos import ChaosRelay, Faults
from tests.fixtures.sshd import SshServer

Start = Callable[..., SshServer]
Chaos = Callable[..., ChaosRelay]

PAYLOAD = 3_000_000


def run_ssh(server: SshServer, port: int, command: str, data: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run a command through the port of a relay."""
    trusted = server.folder / "trusted-there"
    trusted.write_text(f"[127.0.0.1]:{port} {(server.folder / 'host_key.pub').read_text()}")
    options = ["BatchMode=yes", f"UserKnownHostsFile={trusted}", "IdentitiesOnly=yes", "ConnectTimeout=5"]
    words = [word for option in options for word in ("-o", option)]
    login = ["-F", "none", "-p", str(port), "-i", str(server.key), f"{server.user}@127.0.0.1"]
    return subprocess.run(
        [parts.program("ssh"), *words, *login, command], input=data, capture_output=True, check=False, timeout=30
    )


def hello(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall(b"SSH-2.0-test\r\n")
    return connection


def everything(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def test_without_faults_every_byte_passes_both_ways(sshd: Start, chaos: Chaos) -> None:
    server = sshd()
    relay = chaos(server)
    data = os.urandom(PAYLOAD)
    done = run_ssh(server, relay.port, "cat", data)
    assert (done.returncode, hashlib.sha256(done.stdout).digest()) == (0, hashlib.sha256(data).digest())
    assert relay.passed > PAYLOAD
    assert (relay.connections, relay.most) == (1, 1)
    assert run_ssh(server, relay.port, "exit 7").returncode == 7


def test_latency_and_a_slow_line_delay_and_change_nothing(sshd: Start, chaos: Chaos) -> None:
    server = sshd()
    relay = chaos(server, Faults(latency=0.01, rate=100_000))
    begin = time.monotonic()
    done = run_ssh(server, relay.port, "head -c 50000 /dev/zero")
    assert done.stdout == bytes(50000)
    assert time.monotonic() - begin > 0.5


@pytest.mark.parametrize("faults", [Faults(cut=200_000), Faults(reset=200_000), Faults(garbage=200_000, seed=3)])
def test_a_broken_connection_is_a_failure_for_ssh(sshd: Start, chaos: Chaos, faults: Faults) -> None:
    server = sshd()
    relay = chaos(server, faults, healthy_after=1)
    assert run_ssh(server, relay.port, f"head -c {PAYLOAD} /dev/zero").returncode == 255
    assert run_ssh(server, relay.port, f"head -c {PAYLOAD} /dev/zero").stdout == bytes(PAYLOAD)


def test_a_cut_passes_so_many_bytes_and_then_the_end(sshd: Start, chaos: Chaos) -> None:
    with hello(chaos(sshd(), Faults(cut=10)).port) as connection:
        assert everything(connection) == b"SSH-2.0-Op"


def test_a_reset_is_one(sshd: Start, chaos: Chaos) -> None:
    with hello(chaos(sshd(), Faults(reset=10)).port) as connection, pytest.raises(ConnectionResetError):
        everything(connection)


def test_a_silent_host_keeps_the_connection_open(sshd: Start, chaos: Chaos) -> None:
    with hello(chaos(sshd(), Faults(silence=0)).port) as connection:
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_flood_comes_before_the_banner(sshd: Start, chaos: Chaos) -> None:
    with hello(chaos(sshd(), Faults(flood=100_000, cut=8)).port) as connection:
        received = everything(connection)
    assert 100_000 < len(received) < 100_200
    assert received.endswith(b"\nSSH-2.0-")
