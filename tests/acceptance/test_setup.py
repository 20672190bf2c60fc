"""`dthostmon setup` against real servers: every layer fails once, and what it offers to do is done."""

import json
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.transport.installation import install_key
from tests import parts
from tests.fixtures.program import Program
from tests.fixtures.sshd import SshServer, make_access, make_key, public_key, trust
from tests.fixtures.terminal import run_on_terminal

Start = Callable[..., SshServer]

PASSWORD = "correct horse"  # noqa: S105  # of an account that only this test's sshd sees
PASSWORD_HASH = "$6$dthostmon$/ci9cu5bjtLywKssxRdQjU96etCoWgsgt1CwyA1aml5bTt5Gw4TjTccWb.FLLMKYUX4HKq6sGnGbon/Mb/thT0"  # noqa: S105
LINE = "Nov 23 06:00:00 web1 cron[1]: nothing\n"


def make_log(server: SshServer, name: str = "auth.log") -> Path:
    log = server.root / name
    log.write_text(LINE)
    return log


def layers(tested: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The layers of a host by their name, or by their subject where they have one."""
    return {layer["subject"] or layer["layer"]: layer for layer in tested["layers"]}


def statuses(tested: dict[str, Any]) -> dict[str, str]:
    return {name: layer["status"] for name, layer in layers(tested).items()}


def failures(tested: dict[str, Any]) -> list[str]:
    return [layer["layer"] for layer in tested["layers"] if layer["status"] == "failed"]


def setup(program: Program, *arguments: str, code: int) -> dict[str, dict[str, Any]]:
    return {tested["host"]: tested for tested in program.document("setup", *arguments, code=code)}


def test_a_good_host_tells_every_layer(sshd: Start, program: Program) -> None:
    server = sshd()
    log = make_log(server)
    make_log(server, "other.log")
    program.add_host(server, log, server.root / "*.log", server.root / "absent")
    program.configure()
    tested = setup(program, code=0)["web1"]
    assert (tested["address"], tested["is_good"]) == ("127.0.0.1", True)
    assert [layer["layer"] for layer in tested["layers"]] == [
        *("dns", "tcp", "host key", "auth", "sftp", "shell"),
        *("log", "log", "log", "probe"),
    ]
    told = layers(tested)
    assert told["dns"]["detail"] == "127.0.0.1"
    assert told["host key"]["detail"].startswith("ssh-ed25519 SHA256:")
    assert told[str(log)]["detail"] == f"1 file, {len(LINE)} B"
    assert told[str(server.root / "*.log")]["detail"] == f"2 files, {2 * len(LINE)} B"
    assert (told[str(server.root / "absent")]["status"], told["metrics"]["status"]) == ("missing", "ok")
    assert not (program.folder / "dthostmon.db").exists()


def test_each_layer_fails_for_itself_and_ends_no_other_test(sshd: Start, program: Program) -> None:
    sftp_only = 'restrict,command="internal-sftp"'
    down, unknown, changed, refused = (sshd(name=name) for name in ("down", "unknown", "changed", "refused"))
    nosftp, noshell = sshd(name="nosftp", sftp=None), sshd(name="noshell", key_options=sftp_only)
    for server in (down, unknown, changed, refused, noshell):
        program.add_host(server, make_log(server))
    program.add_host(nosftp, make_log(nosftp), more=", transport: sftp")
    program.hosts.append(f"  - {{name: nowhere, hostname: {64 * 'a'}.example.org}}")
    program.add_this_machine(make_log(down))
    program.configure()
    down.stop()
    unknown.known_hosts.unlink()
    trust(changed, make_key(changed.folder / "another"))
    (refused.folder / "authorized_keys").write_text("")
    tested = setup(program, code=1)
    failed = {
        name: [layer["layer"] for layer in one["layers"] if layer["status"] == "failed"] for name, one in tested.items()
    }
    assert failed == {
        "down": ["tcp"],
        "unknown": ["host key"],
        "changed": ["host key"],
        "refused": ["auth"],
        "nosftp": ["sftp"],
        "noshell": ["shell"],
        "nowhere": ["dns"],
        "here": [],
    }
    assert all(layer["fix"] for one in tested.values() for layer in one["layers"] if layer["status"] == "failed")
    assert set(list(statuses(tested["refused"]).values())[:3]) == {"ok"}
    assert set(list(statuses(tested["refused"]).values())[4:]) == {"skipped"}
    assert "`dthostmon setup refused --push-key`" in layers(tested["refused"])["auth"]["fix"]
    assert list(statuses(tested["nosftp"]).values())[4:] == ["failed", "not wanted", "skipped", "skipped"]
    assert list(statuses(tested["noshell"]).values())[4:] == ["ok", "failed", "ok", "skipped"]
    assert statuses(tested["here"])["auth"] == "not wanted"


def test_text_has_a_line_for_each_host_and_the_fix_in_one_line(sshd: Start, program: Program) -> None:
    good, refused = sshd(name="good"), sshd(name="refused")
    for server in (good, refused):
        program.add_host(server, make_log(server))
    program.configure()
    (refused.folder / "authorized_keys").write_text("")
    shown = program.run("setup", code=1).stdout.decode().splitlines()
    assert shown[1].split() == ["good", "127.0.0.1", "ok:", "1", "log;", "metrics"]
    assert [line for line in shown if line.startswith("      fix: Run `dthostmon setup refused --push-key`")]
    assert not [line for line in shown if line.startswith("good (")]
    assert "  not tested: sftp, shell, log, probe" in shown
    verbose = program.run("setup", "-v", "good").stdout.decode().splitlines()
    assert [line.split()[0] for line in verbose[4:12]] == [
        "dns",
        "tcp",
        "host",
        "auth",
        "sftp",
        "shell",
        "log",
        "probe",
    ]


def test_a_directory_is_no_log(sshd: Start, program: Program) -> None:
    server = sshd()
    program.add_host(server, make_log(server), server.root)
    program.configure()
    told = layers(setup(program, code=1)["web1"])[str(server.root)]
    assert (told["status"], told["detail"]) == ("failed", "is a directory")


def test_a_log_that_the_user_may_not_read_fails_with_the_command_that_lets_it(
    sshd: Start, program: Program, tmp_path: Path
) -> None:
    parts.root()
    folder = tmp_path / "sshd-0-web1"
    folder.mkdir()
    make_key(folder / "id_ed25519")
    mounts = "mount -t tmpfs tmpfs /mnt && echo secret >/mnt/secret.log && chmod 600 /mnt/secret.log && chmod 755 /mnt"
    server = with_account(
        sshd,
        folder,
        "reader:x:54321:54321::/mnt:/bin/sh",
        options=["AuthorizedKeysFile /mnt/keys", "SetEnv HOME=/mnt"],
        mounts=f'{mounts} && cp "$1/id_ed25519.pub" /mnt/keys',
    )
    program.add_host(server, "/mnt/secret.log", "/proc/meminfo")
    program.configure()
    told = layers(setup(program, code=1)["web1"])
    assert (told["/mnt/secret.log"]["status"], told["/proc/meminfo"]["status"]) == ("failed", "ok")
    assert "permission denied" in told["/mnt/secret.log"]["detail"]
    assert "`usermod -aG adm reader`" in told["/mnt/secret.log"]["fix"]
    assert "`setfacl -m u:reader:r /mnt/secret.log`" in told["/mnt/secret.log"]["fix"]


def test_no_log_at_all_fails(sshd: Start, program: Program) -> None:
    server = sshd()
    program.add_host(server, server.root / "absent", server.root / "*.log")
    program.configure()
    tested = setup(program, code=1)["web1"]
    assert [layer["status"] for layer in tested["layers"] if layer["layer"] == "log"] == ["failed", "failed"]
    assert "logs" in layers(tested)[str(server.root / "absent")]["fix"]


def test_our_own_key_fails_at_auth_and_what_is_below_it_was_looked_at(sshd: Start, program: Program) -> None:
    server, unknown, down = sshd(name="web1"), sshd(name="unknown"), sshd(name="down")
    for one in (server, unknown, down):
        program.add_host(one, make_log(one))
        one.key.chmod(0o644)
    program.configure()
    unknown.known_hosts.write_text("")
    down.stop()
    tested = setup(program, code=1)
    assert (statuses(tested["web1"])["host key"], statuses(tested["web1"])["auth"]) == ("ok", "failed")
    assert "chmod 600" in layers(tested["web1"])["auth"]["fix"]
    assert statuses(tested["unknown"])["host key"] == "failed"
    assert statuses(tested["down"])["tcp"] == "failed"


def test_a_port_that_speaks_no_ssh_fails_at_the_host_key(sshd: Start, program: Program) -> None:
    server = sshd()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        program.hosts.append(
            f"  - {{name: silent, hostname: 127.0.0.1, port: {silent.getsockname()[1]}, key: {server.key}}}"
        )
        program.configure("ssh: {retries: [], connect_timeout: 1s}")
        tested = setup(program, code=1)["silent"]
    assert (statuses(tested)["tcp"], statuses(tested)["host key"]) == ("ok", "failed")


def test_a_host_that_takes_too_long_fails_where_it_was(sshd: Start, program: Program) -> None:
    server = sshd()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        program.hosts.append(
            f"  - {{name: silent, hostname: 127.0.0.1, port: {port}, key: {server.key}, host_timeout: 1s}}"
        )
        program.configure()
        tested = setup(program, code=1)["silent"]
    assert (statuses(tested)["dns"], statuses(tested)["tcp"]) == ("ok", "failed")


def test_an_unknown_key_is_shown_and_trusted_when_it_is_answered_with_yes(sshd: Start, program: Program) -> None:
    server = sshd()
    program.add_host(server, make_log(server))
    program.configure()
    before = "other.example.org ssh-ed25519 AAAA this line is somebody's"
    server.known_hosts.write_text(before)
    server.known_hosts.chmod(0o640)
    told = layers(setup(program, code=1)["web1"])["host key"]
    assert "--accept-host-keys" in told["fix"]
    question = [("Trust web1 by them from now on? [y/N]:", "")]
    shown = run_on_terminal(program, "setup", "--accept-host-keys", answers=question)
    assert (shown.code, server.known_hosts.read_text()) == (1, before)
    shown = run_on_terminal(program, "setup", "--accept-host-keys", "--json", answers=[(question[0][0], "y")])
    assert (shown.code, json.loads(shown.stdout)[0]["is_good"]) == (0, True)
    assert told["detail"].split()[-1] in shown.screen
    added = " ".join(public_key(server.folder / "host_key").split()[:2])
    assert server.known_hosts.read_text() == f"{before}\n[127.0.0.1]:{server.port} {added}\n"
    assert stat.S_IMODE(server.known_hosts.stat().st_mode) == 0o640


def test_without_a_terminal_keys_are_trusted_only_with_yes(sshd: Start, program: Program) -> None:
    server = sshd()
    program.add_host(server, make_log(server))
    program.add_host(server, make_log(server), name="again")
    folder = server.folder / "new" / ".ssh"
    program.hosts = [host.replace(str(server.known_hosts), str(folder / "known_hosts")) for host in program.hosts]
    program.configure()
    assert b"no terminal" in program.run("setup", "--accept-host-keys", code=2).stderr
    assert b"--accept-host-keys" in program.run("setup", "--yes", code=2).stderr
    assert b"no terminal" in program.run("setup", "--push-key", code=2).stderr
    assert not folder.exists()
    program.run("setup", "--accept-host-keys", "--yes")
    known = folder / "known_hosts"
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(known.stat().st_mode)) == (0o700, 0o600)
    assert len(known.read_text().splitlines()) == 1


def test_every_kind_of_key_that_a_host_offers_is_trusted_but_no_revoked_one(sshd: Start, program: Program) -> None:
    ecdsa, rsa = "ecdsa", "rsa"
    keys = sshd().folder
    for kind in (ecdsa, rsa):
        make_key(keys / kind, kind=kind)
    server = sshd(name="many", options=[f"HostKey {keys / kind}" for kind in (ecdsa, rsa)])
    program.add_host(server, make_log(server))
    program.configure()
    revoked = f"@revoked [127.0.0.1]:{server.port} {public_key(keys / rsa)}\n"
    server.known_hosts.write_text(revoked)
    program.run("setup", "--accept-host-keys", "--yes")
    added = server.known_hosts.read_text().removeprefix(revoked).splitlines()
    assert [line.split()[1] for line in added] == ["ssh-ed25519", "ecdsa-sha2-nistp256"]


def test_a_host_behind_a_jump_host_is_trusted_with_the_command_that_is_told(sshd: Start, program: Program) -> None:
    bastion, server = sshd(name="bastion", address="127.0.0.2"), sshd()
    program.add_host(bastion, make_log(bastion))
    program.add_host(server, make_log(server), more=", jump: bastion")
    program.configure()
    server.known_hosts.write_text("")
    told = program.run("setup", "web1", "--accept-host-keys", "--yes", code=1).stderr.decode()
    assert "web1 is behind a jump host, so its keys cannot be asked for from here" in told
    assert f"`ssh -i {server.key} -J {bastion.user}@127.0.0.2:{bastion.port} -o UserKnownHostsFile=" in told


def test_a_bastion_that_only_forwards_is_passed_through_and_not_watched(sshd: Start, program: Program) -> None:
    forwards = 'restrict,port-forwarding,command="/usr/sbin/nologin"'
    bastion, server = sshd(name="bastion", address="127.0.0.2", key_options=forwards), sshd()
    program.add_host(bastion, make_log(bastion), more=", jump: none, enabled: false")
    program.add_host(server, make_log(server), more=", jump: bastion")
    program.configure()
    assert [*setup(program, code=0)] == ["web1"]
    assert program.document("monitor")["runs"][0]["status"] == "ok"
    assert failures(setup(program, "bastion", code=1)["bastion"]) != []


def test_a_jump_host_that_does_not_resolve_is_named_with_the_key_that_names_it(sshd: Start, program: Program) -> None:
    server = sshd()
    nowhere = f"{64 * 'a'}.example.org"
    program.add_host(server, make_log(server), more=f", jump: {nowhere}")
    program.configure()
    told = layers(setup(program, code=1)["web1"])["dns"]
    assert told["detail"].startswith(f"through {nowhere}: the name {nowhere} cannot be resolved")
    assert told["fix"].startswith("`jump` leads to")
    assert "`jump` leads to" in json.dumps(program.document("monitor", code=1))


def test_a_changed_key_is_never_trusted(sshd: Start, program: Program) -> None:
    server = sshd()
    program.add_host(server, make_log(server))
    program.configure()
    trust(server, make_key(server.folder / "another"))
    before = server.known_hosts.read_text()
    shown = program.run("setup", "--accept-host-keys", "--yes", code=1).stdout.decode()
    assert "CRITICAL: THE HOST KEY CHANGED" in shown
    assert shown.count("SHA256:") == 2
    assert "ssh-keygen -R" in shown
    assert server.known_hosts.read_text() == before


def with_account(sshd: Start, folder: Path, line: str, options: Sequence[str], mounts: str = "true") -> SshServer:
    """Start a server that has one more account, which exists for it alone: it has an /etc of its own.

    Its /etc/passwd alone would not do: when the system replaces that file, what is mounted over it is gone.
    """
    user = line.partition(":")[0]
    etc = folder / "etc"
    etc.mkdir()
    for file in ("passwd", "shadow", "group", "nsswitch.conf", "ld.so.cache"):
        if (real := Path("/etc", file)).exists():
            (etc / file).write_bytes(real.read_bytes())
    for file, own in (("passwd", line), ("shadow", f"{user}:{PASSWORD_HASH}:19000:0:99999:7:::")):
        (etc / file).write_text(f"{own}\n{(etc / file).read_text()}")
    script = f'mount --bind "$1/etc" /etc && {mounts} && shift && exec "$@"'
    wrapper = [parts.program("unshare"), "--mount", "sh", "-c", script, "sh", str(folder)]
    return sshd(user=user, options=options, wrapper=wrapper)


@pytest.fixture
def with_password(sshd: Start, tmp_path: Path) -> Callable[..., SshServer]:
    """A factory of servers where root's account `visitor` logs in by password."""
    parts.root()

    def start(name: str = "web1", options: Sequence[str] = ()) -> SshServer:
        folder = tmp_path / f"account-{name}"
        home = folder / "home"
        home.mkdir(mode=0o755, parents=True)
        options = [
            *options,
            "PasswordAuthentication yes",
            "PermitRootLogin yes",
            "StrictModes yes",
            "AuthorizedKeysFile .ssh/authorized_keys",
            f"SetEnv HOME={home}",
        ]
        server = with_account(partial(sshd, name), folder, f"visitor:x:0:0::{home}:/bin/sh", options)
        server.home = home
        return server

    return start


def test_the_key_is_pushed_with_one_password_and_kept_nowhere(
    with_password: Callable[..., SshServer], program: Program
) -> None:
    servers = [with_password("web1"), with_password("web2")]
    for server in servers:
        program.add_host(server, make_log(server))
    program.configure()
    told = [
        ("Password of visitor on web1 (127.0.0.1) [Enter: leave it out]: ", PASSWORD),
        ("Password of visitor on web2 (127.0.0.1) [Enter: the one before]: ", ""),
    ]
    shown = run_on_terminal(program, "--log-level", "debug", "setup", "--push-key", answers=told)
    assert shown.code == 0, shown.screen
    assert PASSWORD not in shown.screen + shown.stdout
    for server in servers:
        keys = server.home / ".ssh" / "authorized_keys"
        assert keys.read_text() == f"{' '.join(public_key(server.key).split()[:2])} dthostmon\n"
        assert (stat.S_IMODE(keys.parent.stat().st_mode), stat.S_IMODE(keys.stat().st_mode)) == (0o700, 0o600)
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in program.folder.iterdir())


def test_a_pushed_key_leaves_the_other_keys_as_they_are(
    with_password: Callable[..., SshServer], program: Program
) -> None:
    server = with_password()
    program.add_host(server, make_log(server))
    program.configure()
    keys = server.home / ".ssh" / "authorized_keys"
    keys.parent.mkdir(mode=0o755)
    ours = " ".join(public_key(server.key).split()[:2])
    keys.write_text(f"# {ours}\nssh-ed25519 AAAA somebody")
    answers = [("[Enter: leave it out]: ", PASSWORD)]
    assert run_on_terminal(program, "setup", "--push-key", answers=answers).code == 0
    after = f"# {ours}\nssh-ed25519 AAAA somebody\n{ours} dthostmon\n"
    assert (keys.read_text(), stat.S_IMODE(keys.parent.stat().st_mode)) == (after, 0o700)
    keys.chmod(0o666)  # which StrictModes refuses
    shown = run_on_terminal(program, "setup", "--push-key", answers=answers)
    assert (shown.code, keys.read_text()) == (0, after)
    assert "already" in shown.screen


def test_a_host_without_a_shell_gets_a_key_that_may_only_read(
    with_password: Callable[..., SshServer], program: Program
) -> None:
    server = with_password()
    program.add_host(server, make_log(server), more=", transport: sftp, probes: []")
    program.configure()
    shown = run_on_terminal(program, "setup", "--push-key", "--json", answers=[("[Enter: leave it out]: ", PASSWORD)])
    assert shown.code == 0, shown.screen
    assert statuses(json.loads(shown.stdout)[0])["shell"] == "not wanted"
    line = (server.home / ".ssh" / "authorized_keys").read_text()
    assert line.startswith('restrict,command="internal-sftp -R" ssh-ed25519 ')


def test_no_password_is_asked_for_where_the_agent_is_at_fault(
    sshd: Start, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = sshd()
    program.add_host(server, make_log(server), more=", agent: true")
    program.configure()
    socket_path = tmp_path / "agent"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket_path))
    assert_agent_fix(program, "`ssh-add -l`")
    agent = subprocess.Popen([parts.program("ssh-agent"), "-D", "-a", str(socket_path)], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if socket_path.exists():
                break
            time.sleep(0.02)
        assert_agent_fix(program, f"`ssh-add {server.key}`")
    finally:
        agent.kill()
        agent.wait()


def assert_agent_fix(program: Program, command: str) -> None:
    shown = run_on_terminal(program, "setup", "--push-key", "--json", answers=[])
    [tested] = json.loads(shown.stdout)
    told = statuses(tested)
    assert (told["tcp"], told["host key"], told["auth"]) == ("ok", "ok", "failed")
    assert "Password" not in shown.screen
    assert "push-key" not in layers(tested)["auth"]["fix"]
    assert command in layers(tested)["auth"]["fix"]


@pytest.mark.parametrize("command", ["setup", "monitor"])
def test_a_host_that_shall_give_no_shell_is_never_sent_a_key_that_does(
    sshd: Start, program: Program, command: str
) -> None:
    server = sshd()
    program.add_host(server, make_log(server), more=", transport: sftp, probes: []")
    program.configure()
    (server.folder / "authorized_keys").write_text("")
    told = json.dumps(program.document(command, code=1)).replace('\\"', '"')
    line = f'restrict,command="internal-sftp -R" {" ".join(public_key(server.key).split()[:2])} dthostmon'
    assert f"Add this line to ~{server.user}/.ssh/authorized_keys there: {line}" in told.replace("\\", "")
    assert "ssh-copy-id" not in told


def test_a_key_that_was_pushed_and_is_still_refused_is_not_to_be_pushed_again(
    with_password: Callable[..., SshServer], program: Program
) -> None:
    server = with_password(options=["AuthorizedKeysFile none"])
    program.add_host(server, make_log(server))
    program.configure()
    answers = [("[Enter: leave it out]: ", PASSWORD)]
    shown = run_on_terminal(program, "setup", "--push-key", "--json", answers=answers)
    fix = layers(json.loads(shown.stdout)[0])["auth"]["fix"]
    assert "AuthorizedKeysFile" in fix
    assert "journalctl -u ssh" in fix
    assert "push-key" not in fix


def test_a_wrong_password_and_none_change_nothing(with_password: Callable[..., SshServer], program: Program) -> None:
    server = with_password()
    program.add_host(server, make_log(server))
    program.configure()
    for word in ("wrong", ""):
        shown = run_on_terminal(program, "setup", "--push-key", answers=[("[Enter: leave it out]: ", word)])
        assert shown.code == 1
        assert ("refused the password" in shown.screen) is bool(word)
        assert not (server.home / ".ssh").exists()


def test_no_password_goes_to_a_host_that_is_not_trusted(
    with_password: Callable[..., SshServer], program: Program
) -> None:
    server = with_password()
    program.add_host(server, make_log(server))
    program.configure()
    trust(server, make_key(server.folder / "another"))
    shown = run_on_terminal(program, "setup", "--push-key", answers=[])
    assert (shown.code, "Password" in shown.screen) == (1, False)


async def test_a_password_is_not_sent_to_a_host_whose_key_changed_meanwhile(sshd: Start) -> None:
    server = sshd(options=["PasswordAuthentication yes", "LogLevel DEBUG"])
    trust(server, make_key(server.folder / "another"))
    with pytest.raises(VisitError, match="no password was sent") as caught:
        await install_key(make_access(server), "web1", PASSWORD, "ssh-ed25519 AAAA", "ssh-ed25519 AAAA dthostmon")
    assert caught.value.kind is ErrorKind.HOST_KEY_CHANGED
    assert PASSWORD not in str(caught.value)
    assert "userauth-request" not in server.log()
