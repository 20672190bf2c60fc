"""Private keys that can be used, and each way in which one cannot."""

from pathlib import Path

import asyncssh
import pytest

from dthostmon.errors import ErrorKind
from dthostmon.model import SshAccess
from dthostmon.transport import check_key, keys
from tests.fixtures.sshd import make_key


def access(key: Path, passphrase: str = "") -> SshAccess:
    return SshAccess("web1", 22, "monitor", str(key), passphrase, "known_hosts", 10.0, ())


def refused(key: Path, passphrase: str = "") -> tuple[str, str]:
    error = check_key(access(key, passphrase))
    assert error is not None
    assert error.kind is ErrorKind.AUTH
    assert str(key) in str(error)
    return str(error), error.fix


def test_a_key_that_only_its_owner_can_read_is_used(tmp_path: Path) -> None:
    assert check_key(access(make_key(tmp_path / "key"))) is None


def test_a_missing_key_is_an_auth_failure(tmp_path: Path) -> None:
    message, fix = refused(tmp_path / "absent")
    assert "does not exist" in message
    assert f"ssh-keygen -t ed25519 -f {tmp_path / 'absent'}" in fix


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    key = make_key(tmp_path / "key")
    key.chmod(mode)
    message, fix = refused(key)
    assert f"{mode:04o}" in message
    assert f"chmod 600 {key}" in fix
    key.chmod(0o600)
    assert check_key(access(key)) is None


def test_an_encrypted_key_wants_its_passphrase(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key", passphrase="open sesame")  # noqa: S106  # it opens nothing but this test
    message, fix = refused(key)
    assert "encrypted" in message
    assert "ssh.passphrase" in fix
    assert "passphrase is wrong" in refused(key, "open barley")[0]
    assert check_key(access(key, "open sesame")) is None


@pytest.mark.parametrize("content", [b"", b"not a key", b"\xff\0\xfe", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    key = tmp_path / "key"
    key.write_bytes(content)
    key.chmod(0o600)
    assert "cannot be used" in refused(key)[0]


def test_a_folder_is_no_key(tmp_path: Path) -> None:
    assert "is not a private key" in refused(tmp_path)[0]


def test_a_public_key_named_by_mistake_is_refused(tmp_path: Path) -> None:
    public = Path(f"{make_key(tmp_path / 'key')}.pub")
    public.chmod(0o600)
    assert "cannot be used" in refused(public)[0]


def test_a_home_folder_that_does_not_exist_is_an_auth_failure() -> None:
    assert "cannot be read" in refused(Path("~nobody-here/.ssh/id_ed25519"))[0]


def test_many_hosts_share_one_parsed_key_until_the_file_changes(tmp_path: Path) -> None:
    key = make_key(tmp_path / "key")
    first = keys.load_key(access(key))
    assert keys.load_key(access(key)) is first
    other = asyncssh.generate_private_key("ssh-ed25519", comment="a longer comment than before")
    key.write_bytes(other.export_private_key())
    assert keys.load_key(access(key)).public_data == other.public_data


def test_the_passphrase_is_in_no_message(tmp_path: Path) -> None:
    message, _ = refused(make_key(tmp_path / "key", "one"), "hunter2-secret")
    assert "hunter2" not in message
