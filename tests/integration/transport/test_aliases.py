"""Hosts that an ssh_config describes, reached as it says."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from dthostmon.config import load
from dthostmon.errors import ErrorKind, VisitError
from dthostmon.transport import connect
from tests.fixtures.program import Program
from tests.fixtures.sshd import SshServer, make_access, make_host, public_key

Sshd = Callable[..., SshServer]
ROOT = Path(__file__).parents[3]
LOGGED = ["LogLevel INFO"]


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


async def test_an_alias_leads_through_its_bastion_with_the_keys_of_both(sshd: Sshd, tmp_path: Path) -> None:
    bastion, server = sshd("bastion", address="127.0.0.2", options=LOGGED), sshd(options=LOGGED)
    known = tmp_path / "known"
    known.write_text(f"gate {public_key(bastion.folder / 'host_key')}\n{server.known_hosts.read_text()}")
    config = write(
        tmp_path / "config",
        f"Host gate\n HostName 127.0.0.2\n Port {bastion.port}\n IdentityFile {bastion.key}\n HostKeyAlias gate\n"
        f"Host web\n HostName 127.0.0.1\n Port {server.port}\n IdentityFile {server.key}\n ProxyJump gate\n"
        f"Host *\n User {server.user}\n UserKnownHostsFile {known}\n",
    )
    ours = write(
        tmp_path / "dthostmon.yaml",
        f"ssh: {{config: {config}, key: /nowhere/key, known_hosts: /nowhere/hosts, retries: []}}\n"
        "hosts: [{name: web1, hostname: web}]\n",
    )
    (host,) = load(ours, {}).hosts
    session = await connect(host)
    assert await session.files.stat("/etc/passwd") is not None
    await session.close()
    assert bastion.log().count("Accepted publickey") == 1


async def test_a_key_under_an_alias_is_added_under_that_alias(sshd: Sshd) -> None:
    server = sshd()
    server.known_hosts.write_text("")
    with pytest.raises(VisitError) as caught:
        await connect(make_host(server, host_key_alias="web"))
    assert caught.value.kind is ErrorKind.HOST_KEY_UNKNOWN
    scan = f"ssh-keyscan -p {server.port} {server.address} | sed 's/^[^ ]*/web/' >> {server.known_hosts}"
    assert f"`{scan}`" in caught.value.fix
    server.known_hosts.write_text(f"web {public_key(server.folder / 'host_key')}\n")
    await (await connect(make_host(server, host_key_alias="web"))).close()


def test_the_program_visits_a_bastion_and_what_is_behind_it(sshd: Sshd, program: Program) -> None:
    bastion, server = sshd("bastion", address="127.0.0.2", options=LOGGED), sshd()
    log = server.root / "log"
    log.write_bytes(b"line\n")
    program.add_host(bastion, log)
    program.add_host(server, log, more=", jump: bastion")
    program.configure()
    runs = {run["host"]: run for run in program.document("monitor")["runs"]}
    assert {name: run["status"] for name, run in runs.items()} == {"bastion": "ok", "web1": "ok"}
    assert bastion.log().count("Accepted publickey") == 2  # its own visit, and the tunnel
    bastion.key.chmod(0o644)
    checked = program.run("config", "check", code=2).stderr.decode()
    assert f"Through 127.0.0.2:{bastion.port}: The key {bastion.key} can be read by others" in checked


def test_every_configuration_in_the_documentation_is_one(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs" / "ssh.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        assert load(write(tmp_path / "dthostmon.yaml", block), {"SSH_AUTH_SOCK": "/run/agent"}).hosts


async def test_a_bastion_needs_to_allow_no_more_than_to_forward(sshd: Sshd) -> None:
    server = sshd()
    there = f'permitopen="{server.address}:{server.port}"'
    bastion = sshd(
        "bastion", address="127.0.0.2", key_options=f'restrict,port-forwarding,{there},command="/usr/sbin/nologin"'
    )
    session = await connect(make_host(server, jump=(make_access(bastion),)))
    assert await session.files.stat("/etc/passwd") is not None
    await session.close()
    with pytest.raises(VisitError, match="does not forward connections there"):
        await connect(make_host(sshd("other"), jump=(make_access(bastion),)))
