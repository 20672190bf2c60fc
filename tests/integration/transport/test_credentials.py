"""What we log in with: keys of a host and of a site, certificates, an agent; and never a password."""

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import asyncssh
import pytest

from dthostmon.config import load
from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import Host
from dthostmon.transport import check_key, connect
from tests import parts
from tests.fixtures.sshd import SshServer, descendants, make_access, make_host, make_key, public_key

Sshd = Callable[..., SshServer]
LOGGED = ["LogLevel VERBOSE"]


def fingerprint(key: Path) -> str:
    return asyncssh.read_public_key(f"{key}.pub").get_fingerprint()


async def failure(host: Host) -> VisitError:
    with pytest.raises(VisitError) as caught:
        await connect(host)
    assert caught.value.kind is ErrorKind.AUTH
    return caught.value


async def reach(host: Host) -> None:
    await (await connect(host)).close()


def allow(server: SshServer, *keys: Path) -> None:
    (server.folder / "authorized_keys").write_text("".join(f"{public_key(key)}\n" for key in keys))


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return make_key(tmp_path / "authority")


@pytest.fixture
def certified(sshd: Sshd, authority: Path) -> SshServer:
    """A server that knows no key, only an authority."""
    server = sshd(options=[f"TrustedUserCAKeys {authority}.pub", *LOGGED])
    allow(server)
    return server


def sign(authority: Path, key: Path, *options: str, user: str = "root", valid: str = "-1h:+1h") -> Path:
    """Sign a public key; return the certificate, which lies beside it."""
    command = [parts.program("ssh-keygen"), "-q", "-s", str(authority), "-I", "test", "-n", user, "-V", valid]
    subprocess.run([*command, *options, f"{key}.pub"], check=True)
    return Path(f"{key}-cert.pub")


async def test_a_key_of_a_host_and_one_of_its_site_log_in(sshd: Sshd, tmp_path: Path) -> None:
    own, of_site, of_all = (make_key(tmp_path / name) for name in ("own", "site", "all"))
    server = sshd()
    place = f"hostname: {server.address}, port: {server.port}"
    (tmp_path / "dthostmon.yaml").write_text(
        f"ssh: {{user: {server.user}, key: {of_all}, known_hosts: {server.known_hosts}, retries: []}}\n"
        f"sites: {{a: {{key: {of_site}}}}}\n"
        f"hosts:\n  - {{name: all, {place}}}\n  - {{name: site, site: a, {place}}}\n"
        f"  - {{name: own, site: a, key: {own}, {place}}}\n"
    )
    hosts = {host.name: host for host in load(tmp_path / "dthostmon.yaml", {}).hosts}
    for name, key in (("all", of_all), ("site", of_site), ("own", own)):
        allow(server, key)
        session = await connect(hosts[name])
        assert session.key_fingerprints == (fingerprint(key),)
        await session.close()
        for other in hosts.keys() - {name}:
            assert f"{hosts[other].ssh.key} (" in (await failure(hosts[other])).message  # type: ignore[union-attr]  # it has one


async def test_no_password_is_ever_offered(sshd: Sshd, tmp_path: Path) -> None:
    options = ["PasswordAuthentication yes", "KbdInteractiveAuthentication yes", "PermitRootLogin yes"]
    server = sshd(options=[*options, "LogLevel DEBUG2"])
    error = await failure(make_host(server, key=str(make_key(tmp_path / "stranger"))))
    assert "the host refused the key" in error.message
    offered = re.findall(r"userauth-request for user \S+ service ssh-connection method (\S+)", server.log())
    assert set(offered) == {"none", "publickey"}


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_the_certificate_beside_a_key_logs_in(
    certified: SshServer, authority: Path, tmp_path: Path, kind: str
) -> None:
    key = make_key(tmp_path / "key", kind=kind)
    host = make_host(certified, key=str(key))
    await failure(host)
    sign(authority, key, user=certified.user)
    await reach(host)
    assert "Accepted certificate" in certified.log()


async def test_a_named_certificate_logs_in(certified: SshServer, authority: Path, tmp_path: Path) -> None:
    certificate = sign(authority, certified.key, user=certified.user).rename(tmp_path / "elsewhere")
    await failure(make_host(certified))
    await reach(make_host(certified, certificate=str(certificate)))


async def test_a_key_that_a_host_knows_opens_it_although_its_certificate_is_refused(
    sshd: Sshd, authority: Path
) -> None:
    server = sshd()
    sign(authority, server.key, user="somebody-else")
    await reach(make_host(server))
    sign(authority, server.key, valid="-2h:-1h")
    await reach(make_host(server))


def test_every_certificate_that_cannot_be_used_is_refused_with_the_step_that_mends_it(
    certified: SshServer, authority: Path, tmp_path: Path
) -> None:
    def refused(certificate: Path) -> VisitError:
        error = check_key(make_access(certified, certificate=str(certificate)))
        assert error is not None
        assert error.kind is ErrorKind.AUTH
        assert str(certificate) in error.message
        return error

    expired = refused(sign(authority, certified.key, valid="-2h:-1h"))
    assert "has expired" in expired.message
    assert "signed anew" in expired.fix
    early = refused(sign(authority, certified.key, valid="+1h:+2h"))
    assert "not yet valid" in early.message
    assert "clock" in early.fix
    assert "for hosts" in refused(sign(authority, certified.key, "-h")).message
    foreign = refused(sign(authority, make_key(tmp_path / "other")))
    assert "does not belong to the key" in foreign.message
    assert "ssh-keygen -Lf" in foreign.fix
    assert "does not exist" in refused(tmp_path / "absent").message
    (tmp_path / "junk").write_bytes(b"\xff\0junk")
    assert "is no certificate" in refused(tmp_path / "junk").message
    assert "is no certificate" in refused(Path(f"{certified.key}.pub")).message
    assert "is no certificate" in refused(tmp_path).message
    looped = tmp_path / "looped"
    looped.symlink_to(looped)
    assert "cannot be read" in refused(looped).message


async def test_a_refused_certificate_tells_what_to_look_at(certified: SshServer, authority: Path) -> None:
    certificate = sign(authority, certified.key, user="somebody-else")
    error = await failure(make_host(certified))
    assert f"with its certificate {certificate}" in error.message
    assert "TrustedUserCAKeys" in error.fix
    assert f"ssh-keygen -Lf {certificate}` lists {certified.user}" in error.fix


async def test_an_expired_certificate_beside_a_refused_key_is_named(certified: SshServer, authority: Path) -> None:
    certificate = sign(authority, certified.key, user=certified.user, valid="-2h:-1h")
    error = await failure(make_host(certified))
    assert f"The certificate {certificate} has expired." in error.message
    assert "signed anew" in error.fix
    sign(authority, certified.key, user=certified.user)
    await reach(make_host(certified))


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    """The socket of an ssh-agent without keys."""
    socket = tmp_path / "agent"
    command = [parts.program("ssh-agent"), "-D", "-a", str(socket)]
    environment = os.environ | {"SSH_ASKPASS": "/bin/false"}  # nobody is asked on a screen
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    process.stdout.readline()
    yield str(socket)
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=5)


def add(agent: str, *keys: Path, options: Sequence[str] = ("-q",)) -> None:
    environment = os.environ | {"SSH_AUTH_SOCK": agent}
    subprocess.run([parts.program("ssh-add"), *options, *map(str, keys)], check=True, env=environment)


async def test_the_key_that_an_agent_holds_logs_in_without_its_file(sshd: Sshd, agent: str) -> None:
    server = sshd()
    add(agent, server.key)
    server.key.unlink()
    await failure(make_host(server))
    session = await connect(make_host(server, agent=agent))
    assert session.key_fingerprints == (fingerprint(server.key),)
    assert await session.files.stat("/etc/passwd") is not None
    await session.close()


async def test_an_agent_offers_only_the_key_whose_public_half_is_there(sshd: Sshd, agent: str, tmp_path: Path) -> None:
    server = sshd(options=LOGGED)
    others = [make_key(tmp_path / f"other{number}") for number in range(7)]
    add(agent, *others, server.key)
    await reach(make_host(server, agent=agent))
    assert server.log().count("Failed publickey") == 0
    allow(server, others[0])
    error = await failure(make_host(server, agent=agent))
    assert f"refused the ssh-agent's key ({fingerprint(server.key)}) for {server.user}" in error.message
    assert f"ssh-copy-id -i {server.key}.pub -p {server.port}" in error.fix


async def test_an_agent_offers_five_keys_at_most(sshd: Sshd, agent: str, tmp_path: Path) -> None:
    server = sshd(options=[*LOGGED, "MaxAuthTries 6"])
    keys = [make_key(tmp_path / f"key{number}") for number in range(7)]
    add(agent, *keys)
    allow(server, keys[4])
    await reach(make_host(server, agent=agent, key=str(tmp_path / "absent")))
    allow(server, keys[5])
    error = await failure(make_host(server, agent=agent, key=str(tmp_path / "absent")))
    assert fingerprint(keys[4]) in error.message
    assert fingerprint(keys[5]) not in error.message
    assert f"`ssh-copy-id -p {server.port} {server.user}@{server.address}`" in error.fix


async def test_a_key_in_an_agent_may_have_a_certificate(certified: SshServer, authority: Path, agent: str) -> None:
    add(agent, certified.key)
    await failure(make_host(certified, agent=agent))
    sign(authority, certified.key, user=certified.user)
    await reach(make_host(certified, agent=agent))


async def test_a_bastion_and_a_host_behind_it_ask_the_same_agent(sshd: Sshd, agent: str) -> None:
    bastion, server = sshd("bastion", address="127.0.0.2"), sshd()
    add(agent, bastion.key, server.key)
    for key in (bastion.key, server.key):
        key.unlink()
    await reach(make_host(server, agent=agent, jump=(make_access(bastion, agent=agent),)))


async def test_an_agent_that_cannot_help_says_why(sshd: Sshd, agent: str, tmp_path: Path) -> None:
    server = sshd()
    nowhere = await failure(make_host(server, agent=""))
    assert "SSH_AUTH_SOCK names no agent" in nowhere.message
    assert check_key(make_access(server, agent="")) is not None
    assert check_key(make_access(server, agent=agent)) is None
    absent = await failure(make_host(server, agent=str(tmp_path / "absent")))
    assert f"The ssh-agent at {tmp_path / 'absent'} cannot be asked" in absent.message
    empty = await failure(make_host(server, agent=agent))
    assert f"does not hold the key of {server.key}.pub" in empty.message
    assert f"ssh-add {server.key}" in empty.fix
    assert "holds no key" in (await failure(make_host(server, agent=agent, key=str(tmp_path / "none")))).message
    Path(f"{server.key}.pub").write_text("junk")
    assert f"The public key {server.key}.pub cannot be used" in (await failure(make_host(server, agent=agent))).message


async def test_an_agent_that_refuses_to_sign_is_a_refused_key(sshd: Sshd, agent: str) -> None:
    server = sshd()
    add(agent, server.key, options=("-q", "-c"))  # each use wants a confirmation that nobody gives
    assert "refused the ssh-agent's key" in (await failure(make_host(server, agent=agent))).message
    await reach(make_host(server))


async def test_a_cancelled_login_with_an_agent_leaves_no_connection(sshd: Sshd, agent: str) -> None:
    server = sshd()
    add(agent, server.key)
    for steps in range(0, 60, 4):
        opening = asyncio.create_task(connect(make_host(server, agent=agent)))
        await asyncio.sleep(steps * 0.0005)
        opening.cancel()
        await asyncio.wait([opening])
        if not opening.cancelled():
            await opening.result().close()
    for _ in range(200):
        if not descendants(server.pid):
            return
        await asyncio.sleep(0.02)
    pytest.fail("the server still has connections")
