"""The file of trusted host keys: never absent, never all lost for one broken line, read again when it changes."""

from pathlib import Path

from dthostmon.model import SshAccess
from dthostmon.transport.known_hosts import load_known_hosts
from tests.fixtures.sshd import make_key, public_key


def access(hostname: str, port: int = 22) -> SshAccess:
    return SshAccess(hostname, port, "monitor", "key", "", "known_hosts", 10.0, ())


def test_a_missing_file_is_an_empty_list_with_a_reason(tmp_path: Path) -> None:
    known = load_known_hosts(str(tmp_path / "absent"))
    assert known.keys(access("web1")) == ()
    assert known.problem == f"{tmp_path / 'absent'} does not exist"


def test_a_folder_in_its_place_is_an_empty_list_with_a_reason(tmp_path: Path) -> None:
    known = load_known_hosts(str(tmp_path))
    assert known.keys(access("web1")) == ()
    assert known.problem is not None


def test_a_broken_line_costs_only_itself(tmp_path: Path) -> None:
    key = public_key(make_key(tmp_path / "key"))
    file = tmp_path / "known_hosts"
    file.write_bytes(
        b"broken\n@wrong-marker a b\n|1|broken|hash ssh-ed25519 AAAA\n\xff\xfe\n" + f"web1 {key}\n".encode()
    )
    assert len(load_known_hosts(str(file)).keys(access("web1"))) == 1


def test_a_port_of_its_own_is_looked_up_in_brackets(tmp_path: Path) -> None:
    key = public_key(make_key(tmp_path / "key"))
    file = tmp_path / "known_hosts"
    file.write_text(f"[web1]:2222 {key}\n")
    known = load_known_hosts(str(file))
    assert len(known.keys(access("web1", 2222))) == 1
    assert known.keys(access("web1")) == ()


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    key = public_key(make_key(tmp_path / "key"))
    file = tmp_path / "known_hosts"
    file.write_text(f"web1 {key}\n")
    first = load_known_hosts(str(file))
    assert load_known_hosts(str(file)) is first
    file.write_text(f"web1 {key}\nweb2 {key}\n")
    assert len(load_known_hosts(str(file)).keys(access("web2"))) == 1
