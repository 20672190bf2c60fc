"""The file is replaced as a whole, by one that is right, or not at all."""

from pathlib import Path

import pytest

from dthostmon.config.rewriting import erase_host, write_host
from dthostmon.errors import ConfigurationError
from dthostmon.model import Host

TEXT = "\ufeffsites: {chicago: {}}\r\nhosts:\r\n  - name: web1\r\n    hostname: web1\r\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "dthostmon.yaml"
    path.write_bytes(TEXT.encode())
    return path


def agree(host: Host) -> None:
    """Approve every host."""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "web1", "hostname": "web2"}, "name: found 'web1', which the host in line 3 is called too"),
        ({"name": "-x", "hostname": "web2"}, "the new host: name: found '-x'"),
        ({"name": "web2", "hostname": "we b2"}, "the new host: hostname: found 'we b2'"),
        ({"name": "web2", "hostname": "web2", "site": "chicag"}, "the new host: site: .* did you mean 'chicago'"),
        ({"name": "web2", "hostname": "web2", "tags": ["a,b"]}, "the new host: tags"),
        ({"name": "web2", "hostname": "web2", "user": "a\u2028b"}, "the new host: user"),
    ],
)
def test_a_host_that_is_not_right_is_told_without_a_line_that_nobody_has_seen(
    file: Path, values: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        write_host(file, {}, values, agree)  # type: ignore[arg-type]  # as the command line makes them
    assert file.read_bytes() == TEXT.encode()


def test_the_byte_order_mark_and_the_line_ends_stay(file: Path) -> None:
    write_host(file, {}, {"name": "web2", "hostname": "web2"}, agree)
    assert file.read_bytes().decode() == TEXT + "  - name: web2\r\n    hostname: web2\r\n"
    assert erase_host(file, {}, "web2").name == "web2"
    assert file.read_bytes() == TEXT.encode()


def test_nothing_is_written_where_somebody_objects(file: Path) -> None:
    def object_to(host: Host) -> None:
        raise ConfigurationError([])

    with pytest.raises(ConfigurationError):
        write_host(file, {}, {"name": "web2", "hostname": "web2"}, object_to)
    assert file.read_bytes() == TEXT.encode()


def test_a_file_that_cannot_be_replaced_stays_and_leaves_no_draft(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ConfigurationError, match="not changed: No space left on device"):
        write_host(file, {}, {"name": "web2", "hostname": "web2"}, agree)
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert file.read_bytes() == TEXT.encode()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        write_host(tmp_path / "none" / "dthostmon.yaml", {}, {"name": "a"}, agree)
