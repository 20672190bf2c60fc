"""Watched files and certificates as they are read: their bytes, owner and mode, and what is left out and why."""

import os
import ssl
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import pytest
import trustme

from dthostmon.errors import FileUnreadableError
from dthostmon.facts import certificates, watched
from dthostmon.facts.certificates import kept_in, parse_certificates
from dthostmon.facts.files import parse_files
from dthostmon.facts.sources import FactFiles
from dthostmon.model import Certificate, Inventory, ShellHistory, ThingKind, WatchedFile
from dthostmon.transport import DirectoryEntry, connect
from dthostmon.transport.local import LocalFiles
from tests.fixtures.sshd import SshServer
from tests.integration.transport.conftest import HOSTS


class Counted(LocalFiles):
    """This machine's files, and what was read of them."""

    def __init__(self) -> None:
        self.read_bytes = 0
        self.paths: list[str] = []

    async def read(self, path: str, offset: int, length: int) -> bytes:
        found = await super().read(path, offset, length)
        self.read_bytes += len(found)
        self.paths.append(path)
        return found


async def look(patterns: Sequence[str], files: LocalFiles | None = None) -> Inventory:
    told = await watched.watched(patterns)(FactFiles(files or LocalFiles()))
    return parse_files({"watched": told.output, "setuid": b"end", "users": Path("/etc/passwd").read_bytes()})


def files_of(known: Inventory) -> dict[str, WatchedFile]:
    return {Path(thing.path).name: thing for thing in known.things if isinstance(thing, WatchedFile)}


async def test_globs_lead_to_the_content_behind_links_and_open_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "compose.yaml").write_text("image: nginx:1.24\n")
    (tmp_path / "app" / "compose.yaml").chmod(0o600)
    (tmp_path / "link.yaml").symlink_to("app/compose.yaml")
    (tmp_path / "lost.yaml").symlink_to("nowhere")
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "folder.yaml").mkdir()
    known = await look(
        [f"{tmp_path}/*.yaml", f"{tmp_path}/*/compose.yaml", f"{tmp_path}/absent", f"{tmp_path}/fifo.yaml"]
    )
    found = files_of(known)
    assert found.keys() == {"compose.yaml", "link.yaml"}
    for file in found.values():
        assert (file.text, file.mode, file.size) == ("image: nginx:1.24\n", 0o600, 18)
        assert file.digest == sha256(b"image: nginx:1.24\n").hexdigest()
    assert known.missing == {}


async def test_a_changed_secret_is_a_change_and_is_not_shown(tmp_path: Path) -> None:
    found = []
    for password in ("hunter2hunter2", "hunter3hunter3"):
        (tmp_path / "app.env").write_text(f"DB_PASSWORD={password}\n")
        [file] = files_of(await look([f"{tmp_path}/app.env"])).values()
        found.append(file)
    assert found[0].digest != found[1].digest
    assert found[0].text == found[1].text == "DB_PASSWORD=[redacted: password]\n"


async def test_a_long_file_is_watched_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(os.urandom(5 * 1024 * 1024))
    files, digests = Counted(), []
    for change in (
        lambda: None,
        lambda: None,
        lambda: os.utime(path, (1, 1)),
        lambda: path.write_bytes(path.read_bytes() + b"x"),
    ):
        change()
        [file] = files_of(await look([str(path)], files)).values()
        assert file.text is None
        digests.append(file.digest)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert all(digest.startswith("parts:") for digest in digests)
    assert files.read_bytes == 4 * 2 * watched.END_BYTES


async def test_more_than_is_watched_is_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "MAX_FILES", 3)
    monkeypatch.setattr(watched, "MAX_BYTES", 250)
    for number in range(5):
        (tmp_path / str(number)).write_bytes(b"x" * 100)
    files = Counted()
    known = await look([f"{tmp_path}/*"], files)
    assert files_of(known).keys() == {"0", "1"}
    assert "match 5 files" in known.missing[ThingKind.FILE]
    assert "1 files not read" in known.missing[ThingKind.FILE]
    assert files.read_bytes == 200


async def test_texts_beyond_what_is_kept_have_their_digest_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "TEXT_BYTES", 150)
    for number in range(2):
        (tmp_path / str(number)).write_bytes(b"x" * 100)
    found = files_of(await look([f"{tmp_path}/*"]))
    assert [found[name].text is None for name in "01"] == [False, True]
    assert all(file.digest for file in found.values())


async def test_a_history_is_read_from_its_end(tmp_path: Path) -> None:
    (tmp_path / ".bash_history").write_bytes(b"echo 1\n" * 100_000 + b"last\n")
    files = Counted()
    [history] = (await look([f"{tmp_path}/.*_history"], files)).things
    assert isinstance(history, ShellHistory)
    assert (len(history.commands), history.commands[-1]) == (500, "last")
    assert files.read_bytes == watched.LONGEST_TEXT


class Refusing(LocalFiles):
    """As an unprivileged user sees it; root is refused nothing."""

    def __init__(self, *refused: Path) -> None:
        self.refused = refused

    async def read(self, path: str, offset: int, length: int) -> bytes:
        self._check(path)
        return await super().read(path, offset, length)

    async def list(self, directory: str) -> Sequence[DirectoryEntry]:
        self._check(directory)
        return await super().list(directory)

    def _check(self, path: str) -> None:
        if Path(path) in self.refused:
            raise FileUnreadableError(path, "permission denied")


async def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    for name in ("app.conf", ".bash_history"):
        (tmp_path / name).write_text("x\n")
    files = Refusing(tmp_path / "closed", tmp_path / "app.conf", tmp_path / ".bash_history")
    patterns = [
        f"{tmp_path}/app.conf",
        f"{tmp_path}/.bash_history",
        f"{tmp_path}/closed/*.conf",
        f"{tmp_path}/closed/*_history",
    ]
    known = await look(patterns, files)
    [file] = known.things
    assert isinstance(file, WatchedFile)
    assert (file.size, file.digest, file.text, file.mode is None) == (2, "", None, False)
    assert known.missing == {
        ThingKind.FILE: f"{tmp_path}/closed: permission denied",
        ThingKind.HISTORY: f"{tmp_path}/.bash_history: permission denied; {tmp_path}/closed: permission denied",
    }
    told = await watched.watched(patterns)(FactFiles(files))
    assert f"{tmp_path}/app.conf: permission denied" in str(told.unknown)


@pytest.mark.parametrize("way", HOSTS)
async def test_each_way_to_files_tells_the_same(sshd: Callable[..., SshServer], way: str, tmp_path: Path) -> None:
    (tmp_path / "app.conf").write_text("a = 1\n")
    (tmp_path / "app.conf").chmod(0o4711)
    session = await connect(HOSTS[way](sshd))
    try:
        told = await watched.watched([f"{tmp_path}/app.*"])(FactFiles(session.files))
    finally:
        await session.close()
    [file] = parse_files({"watched": told.output, "setuid": b"end"}).things
    assert isinstance(file, WatchedFile)
    assert (file.mode, file.digest) == (0o4711, sha256(b"a = 1\n").hexdigest())
    assert (file.owner, file.group) == (str(os.getuid()), str((tmp_path / "app.conf").stat().st_gid))


async def test_certificates_of_globs_and_of_settings_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issued = trustme.CA().issue_cert("web1.example.org")
    combined = tmp_path / "combined.pem"
    combined.write_bytes(issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes())
    (tmp_path / "named").write_bytes(issued.cert_chain_pems[0].bytes())
    (tmp_path / "store.pem").write_bytes(issued.cert_chain_pems[0].bytes() * 11)
    (tmp_path / "binary.crt").write_bytes(ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode()))
    (tmp_path / "secret.key").write_bytes(issued.private_key_pem.bytes())
    (tmp_path / "plain.crt").write_text("no certificate\n")
    (tmp_path / "site.conf").write_text(
        f"  ssl_certificate {tmp_path}/named;\n ssl_certificate_key {tmp_path}/key;\nssl_certificate $unknown;\n"
        f"  SSLCertificateFile {tmp_path}/gone\n"
    )
    monkeypatch.setattr(certificates, "SETTINGS", (f"{tmp_path}/*.conf",))
    files = Counted()
    monkeypatch.setattr(certificates, "USUAL_PLACES", (f"{tmp_path}/*",))
    told = await kept_in([f"{tmp_path}/*.pem", f"{tmp_path}/*.yaml"])(FactFiles(files))
    known = parse_certificates({"kept": told.output})
    found = {Path(thing.where).name for thing in known.things if isinstance(thing, Certificate)}
    assert found == {"combined.pem", "named", "binary.crt"}
    assert known.missing == {}
    assert b"PRIVATE" not in told.output
    assert f"{tmp_path}/secret.key" not in files.paths
