"""`dthostmon host add` and `host remove`: the file is edited in place, and only ever into one that is right."""

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import parts
from tests.fixtures.program import Program
from tests.fixtures.sshd import SshServer, make_key, public_key

Start = Callable[..., SshServer]

BEFORE = """\
# ours, with a comment
api: {listen:   "127.0.0.1:0"}  # a free port
sites: {chicago: {}}
hosts:
  # the first
  - name: 'here'
    transport: local  # this machine

# the end
"""


@pytest.fixture
def commented(program: Program) -> Program:
    program.configuration.write_text(BEFORE)
    program.configuration.chmod(0o640)
    return program


def said(program: Program, *arguments: str, code: int = 2) -> str:
    """What a refused command says; the file is as it was."""
    before = program.configuration.read_bytes()
    answer = program.run("host", *arguments, code=code).stderr.decode()
    assert program.configuration.read_bytes() == before
    return answer


def test_a_host_is_added_and_removed_and_all_else_stays(commented: Program) -> None:
    arguments = ("monitor@web1.example.org:2222", "--name", "web1", "--site", "chicago", "--tag", "web", "--tag", "12")
    document = commented.document("host", "add", *arguments)
    assert (document["name"], document["hostname"], document["transport"]) == ("web1", "web1.example.org", "ssh")
    assert (document["site"], document["tags"], document["status"]) == ("chicago", ["web", "12"], None)
    added = (
        "  - name: web1\n    hostname: web1.example.org\n    user: monitor\n    port: 2222\n"
        '    site: chicago\n    tags: [web, "12"]\n'
    )
    assert commented.configuration.read_text() == BEFORE.replace("machine\n", f"machine\n{added}")
    assert [host["name"] for host in commented.document("host", "list")] == ["here", "web1"]
    told = commented.run("host", "remove", "web1").stdout
    assert b"stay stored" in told
    assert commented.configuration.read_text() == BEFORE
    assert stat.S_IMODE(commented.configuration.stat().st_mode) == 0o640
    assert sorted(path.name for path in commented.folder.iterdir()) == ["dthostmon.db", "dthostmon.yaml"]


def test_a_host_that_was_added_can_be_set_up(sshd: Start, program: Program) -> None:
    server = sshd()
    log = server.root / "auth.log"
    log.write_text("Nov 23 06:00:00 web1 cron[1]: nothing\n")
    ssh = f'ssh: {{key: "{server.key}", known_hosts: "{server.known_hosts}"}}'
    program.configuration.write_text(f'{ssh}\nlogs: ["{log}"]\n')
    program.run("host", "add", f"{server.user}@127.0.0.1:{server.port}")
    assert program.document("setup")[0]["host"] == "127.0.0.1"


def test_what_is_not_right_is_told_and_not_written(commented: Program) -> None:
    assert "no port from 1 to 65535" in said(commented, "add", "web1:99999")
    assert "which the host in line 6 is called too" in said(commented, "add", "web1", "--name", "here")
    assert "leave one of the two out" in said(commented, "add", "web1", "--read-only", "--transport", "local")


def test_a_file_that_has_problems_already_is_not_edited(program: Program) -> None:
    program.configuration.write_text("monitoring: {interval: soon}\nhosts: []\n")
    assert "dthostmon.yaml:1:" in said(program, "add", "web1")


def test_a_host_that_is_not_there_cannot_be_removed(commented: Program) -> None:
    assert "did you mean 'here'" in said(commented, "remove", "her")


def test_hosts_from_the_environment_are_not_those_of_the_file(commented: Program) -> None:
    environment = {"DTHOSTMON__HOSTS": '[{"name": "other", "hostname": "other"}]'}
    done = commented.run("host", "add", "web1", code=2, **environment)
    assert b"DTHOSTMON__HOSTS" in done.stderr
    assert commented.configuration.read_text() == BEFORE


def test_without_a_file_the_way_to_one_is_told(program: Program) -> None:
    assert b"config init" in program.run("host", "add", "web1", code=2).stderr


def test_a_link_stays_a_link_and_its_owner_the_owner(commented: Program) -> None:
    parts.root()
    real = commented.folder / "real.yaml"
    commented.configuration.rename(real)
    os.chown(real, 1234, 2345)
    commented.configuration.symlink_to("real.yaml")
    commented.run("host", "add", "web1")
    assert commented.configuration.is_symlink()
    assert (real.stat().st_uid, real.stat().st_gid, real.read_text().count("web1")) == (1234, 2345, 2)


def test_many_edits_at_one_moment_all_count(commented: Program) -> None:
    names = [f"web{number}" for number in range(4)]
    for process in [commented.start("host", "add", name) for name in names]:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, (out, err)
    commented.run("config", "show")
    text = commented.configuration.read_text()
    assert all(f"- name: {name}\n" in text for name in names)


def test_a_read_only_host_gets_its_line_for_authorized_keys(commented: Program, tmp_path: Path) -> None:
    key = make_key(tmp_path / "id_ed25519")
    commented.configuration.write_text(f"ssh: {{key: {key}}}\n{BEFORE}")
    line = f'restrict,command="internal-sftp -R" {" ".join(public_key(key).split()[:2])} dthostmon'
    Path(f"{key}.pub").unlink()  # derived from the private half
    shown = commented.run("host", "add", "me@web1.example.org", "--read-only").stdout.decode()
    assert line in shown.splitlines()
    assert "On web1.example.org" in shown
    assert "~me/.ssh/authorized_keys" in shown
    document = commented.document("host", "add", "web2", "--read-only")
    assert (document["transport"], document["authorized_keys"]) == ("sftp", line)


def test_the_public_file_tells_where_the_private_half_is_locked(commented: Program, tmp_path: Path) -> None:
    key = make_key(tmp_path / "id_ed25519", passphrase="secret words")  # noqa: S106  # of this test's key alone
    commented.configuration.write_text(f"ssh: {{key: {key}}}\n{BEFORE}")
    assert public_key(key).split()[1] in commented.document("host", "add", "web1", "--read-only")["authorized_keys"]
    Path(f"{key}.pub").unlink()
    assert "SSH_PASSPHRASE" in said(commented, "add", "web2", "--read-only")


def test_a_read_only_host_without_a_key_is_not_written(commented: Program, tmp_path: Path) -> None:
    commented.configuration.write_text(f"ssh: {{key: {tmp_path / 'none'}}}\n{BEFORE}")
    answer = said(commented, "add", "web1", "--read-only")
    assert f"ssh-keygen -t ed25519 -f {tmp_path / 'none'}" in answer


def test_the_printed_line_lets_the_monitor_read_and_nothing_else(sshd: Start, program: Program) -> None:
    server = sshd()
    log = server.root / "auth.log"
    log.write_text("Nov 23 06:00:00 web1 cron[1]: nothing\n")
    ssh = f'ssh: {{key: "{server.key}", known_hosts: "{server.known_hosts}", retries: []}}'
    program.configuration.write_text(f'{ssh}\nlogs: ["{log}"]\nprobes: []\n')
    document = program.document("host", "add", f"{server.user}@127.0.0.1:{server.port}", "--read-only")
    (server.folder / "authorized_keys").write_text(document["authorized_keys"] + "\n")
    tested = program.document("setup")[0]
    assert {layer["layer"]: layer["status"] for layer in tested["layers"]}["shell"] == "not wanted"
    batch = ["-o", f"UserKnownHostsFile={server.known_hosts}", "-o", "BatchMode=yes", "-i", str(server.key)]
    place = ["-p", str(server.port), f"{server.user}@127.0.0.1"]
    done = subprocess.run(["ssh", *batch, *place, "touch", str(server.root / "written")], check=False, timeout=20)
    assert (done.returncode != 0, (server.root / "written").exists()) == (True, False)
