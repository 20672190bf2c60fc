"""The user probe for real: accounts below a folder of their own, with keys that ssh-keygen made."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dthostmon import facts
from dthostmon.facts.users import mark_of, parse_users, users_probe
from dthostmon.model import (
    AuthorizedKey,
    Facts,
    Group,
    Host,
    Inventory,
    SudoRule,
    Thing,
    ThingKind,
    Thresholds,
    TransportKind,
    User,
)
from dthostmon.transport import collector, connect
from dthostmon.transport.session import READ_ONLY_KEY_OPTIONS
from tests import parts
from tests.fixtures.sshd import SshServer, make_host

WITHOUT_SHELL = {"sftp": READ_ONLY_KEY_OPTIONS, "collector": f'restrict,command="{collector.PROGRAM}"'}
NOBODY = 65534


@dataclass
class Accounts:
    """A host's accounts below a folder."""

    root: Path
    shell: str
    path: str

    def output(self, uid: int | None = None) -> dict[str, bytes]:
        text = users_probe((), None).commands["accounts"].replace("/etc/", f"{self.root}/etc/")
        environment = {"PATH": self.path, "LC_ALL": "C"}
        ran = subprocess.run(
            [self.shell, "-c", text.replace(f"/usr{self.root}", f"{self.root}/usr")],
            env=environment,
            capture_output=True,
            check=False,
            timeout=30,
            user=uid,
            group=uid,
            extra_groups=None if uid is None else (),
        )
        passwd, group = ((self.root / "etc" / name).read_bytes() for name in ("passwd", "group"))
        return {"passwd": passwd, "group": group, "accounts": ran.stdout}

    def inventory(self, uid: int | None = None) -> Inventory:
        return parse_users(self.output(uid))

    def add(self, name: str, uid: int, home: str) -> Path:
        with (self.root / "etc/passwd").open("a") as passwd:
            passwd.write(f"{name}:x:{uid}:{uid}::{self.root}/{home}:/bin/sh\n")
        keys = self.root / home / ".ssh/authorized_keys"
        keys.parent.mkdir(parents=True)
        return keys


@pytest.fixture(params=["dash", "bash", "busybox"])
def accounts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    root = tmp_path_factory.mktemp("host")
    for folder in (root, *root.parents):
        if folder.name.startswith(("pytest-", "popen-", "host")):
            folder.chmod(0o755)  # pytest's folders are closed to others
    for folder in ("etc/ssh", "etc/sudoers.d"):
        (root / folder).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n+nis::::::\n")
    (root / "etc/group").write_text("sudo:x:27:eve,ann\n")
    if request.param != "busybox":
        return Accounts(root, parts.program(request.param), os.environ["PATH"])
    tools = root / "tools"
    tools.mkdir()
    subprocess.run([parts.program("busybox"), "--install", "-s", str(tools)], check=True)
    return Accounts(root, f"{tools}/sh", str(tools))


def make_key(folder: Path, algorithm: str) -> tuple[str, str]:
    """Make a key; return its public line and its fingerprint as ssh-keygen shows it."""
    path = folder / f"key-{algorithm}"
    keygen = parts.program("ssh-keygen")
    subprocess.run([keygen, "-q", "-t", algorithm, "-N", "", "-C", "of ann", "-f", path], check=True)
    shown = subprocess.run([keygen, "-lf", path], check=True, capture_output=True, text=True).stdout
    return Path(f"{path}.pub").read_text(), shown.split()[1]


def keys_of(inventory: Inventory) -> list[AuthorizedKey]:
    return [thing for thing in inventory.things if isinstance(thing, AuthorizedKey)]


def test_keys_are_found_where_sshd_looks_for_them(accounts: Accounts, tmp_path: Path) -> None:
    lines = {algorithm: make_key(tmp_path, algorithm) for algorithm in ("rsa", "ecdsa", "ed25519")}
    accounts.add("ann", 1001, "home/an n").write_text(f"no-pty {lines['rsa'][0]}\n# end")
    accounts.add("bob", 1002, "home/bob/").with_name("authorized_keys2").write_text(lines["ecdsa"][0])
    (accounts.root / "keys").mkdir()
    (accounts.root / "keys/ann").write_text(lines["ed25519"][0])
    pattern = f'AuthorizedKeysFile .ssh/authorized_keys "{accounts.root}/keys/%u" # not.this'
    (accounts.root / "etc/ssh/sshd_config").write_text(f"Port 22\n  {pattern}\n")
    found = {(key.user, key.fingerprint, key.options) for key in keys_of(accounts.inventory())}
    assert found == {
        ("ann", lines["rsa"][1], "no-pty"),
        ("ann", lines["ed25519"][1], ""),
        ("bob", lines["ecdsa"][1], ""),
    }


def test_files_that_are_traps_are_not_read(accounts: Accounts, tmp_path: Path) -> None:
    os.mkfifo(accounts.add("fifo", 1001, "home/fifo"))
    accounts.add("zero", 1002, "home/zero").symlink_to("/dev/zero")
    large = accounts.add("large", 1003, "home/large")
    with large.open("w") as file:
        file.truncate(2**40)
    line, fingerprint = make_key(tmp_path, "ed25519")
    accounts.add("ann", 1004, "home/ann").write_text(line)
    inventory = accounts.inventory()
    assert [key.fingerprint for key in keys_of(inventory)] == [fingerprint]
    assert inventory.unseen[ThingKind.KEY] == {"large ": "cannot be read, or has more than 256 KiB"}


def test_rules_and_accounts_are_told(accounts: Accounts) -> None:
    sudoers = accounts.root / "etc/sudoers"
    sudoers.write_text("root ALL=(ALL) ALL\n@includedir /etc/sudoers.d\n")
    (accounts.root / "etc/sudoers.d/eve").write_text("eve ALL=(ALL) NOPASSWD: ALL\n")
    accounts.add("eve", 1001, "home/eve")
    (accounts.root / "etc/shadow").write_text("root:*:19000::::::\neve:$y$abc:19000::::::\n")
    output = accounts.output()
    assert b"$y$abc" not in b"".join(output.values())
    inventory = parse_users(output)
    told: list[Thing] = [thing for thing in inventory.things if not isinstance(thing, AuthorizedKey | Group)]
    rules = [(rule.path, rule.text) for rule in told if isinstance(rule, SudoRule)]
    assert rules == [
        (str(sudoers), "root ALL=(ALL) ALL"),
        (f"{accounts.root}/etc/sudoers.d/eve", "eve ALL=(ALL) NOPASSWD: ALL"),
    ]
    assert {user.name: user.locked for user in told if isinstance(user, User)} == {"root": True, "eve": False}
    assert Group("sudo", 27, ("ann", "eve")) in inventory.things
    mark = mark_of(output)
    assert mark_of(accounts.output()) == mark
    (accounts.root / "etc/sudoers.d/eve").write_text("eve ALL=(ALL) ALL\n")
    assert mark_of(accounts.output()) != mark


def test_what_is_closed_to_a_user_is_missing(accounts: Accounts, tmp_path: Path) -> None:
    parts.root()
    line, fingerprint = make_key(tmp_path, "ed25519")
    accounts.add("ann", 1001, "home/ann").write_text(line)
    accounts.add("eve", 1002, "home/eve").write_text(line)
    (accounts.root / "home/eve").chmod(0o700)
    accounts.add("new", 1003, "home/new")
    (accounts.root / "etc/sudoers").write_text("root ALL=(ALL) ALL\n")
    (accounts.root / "etc/sudoers").chmod(0o440)
    (accounts.root / "etc/sudoers.d").chmod(0o750)
    inventory = accounts.inventory(NOBODY)
    assert [(key.user, key.fingerprint) for key in keys_of(inventory)] == [("ann", fingerprint)]
    closed = "cannot be read, which takes root"
    assert inventory.unseen[ThingKind.KEY] == {"eve ": closed}
    rules = {part for part in inventory.unseen[ThingKind.SUDO] if part.startswith(f"{accounts.root}/etc")}
    assert rules == {f"{accounts.root}/etc/sudoers: ", f"{accounts.root}/etc/sudoers.d/"}
    assert {user.name: user.locked for user in inventory.things if isinstance(user, User)}["ann"] is None


async def gather_from(host: Host) -> Facts:
    session = await connect(host)
    try:
        return await facts.gather(session, facts.Wanted(("users",)))
    finally:
        await session.close()


HERE = Host("here", TransportKind.LOCAL, None, None, (), (), ("users",), Thresholds(), 60, 30, 0)


def told_of(known: Facts, *kinds: ThingKind) -> list[tuple[str, str]]:
    things = known.inventories["users"].things
    return sorted((thing.subject, thing.state.removesuffix(", locked")) for thing in things if thing.kind in kinds)


@pytest.mark.parametrize("kind", WITHOUT_SHELL)
async def test_without_a_shell_files_tell_the_same(sshd: Callable[..., SshServer], kind: str) -> None:
    kinds = (ThingKind.USER, ThingKind.GROUP, ThingKind.KEY, ThingKind.SUDO)
    here = await gather_from(HERE)
    known = await gather_from(replace(make_host(sshd(key_options=WITHOUT_SHELL[kind])), transport=TransportKind.SFTP))
    assert told_of(known, *kinds) == told_of(here, *kinds)
    assert known.inventories["users"].missing[ThingKind.LOGIN] == (
        "the logins take a shell, which the key does not give"
    )
