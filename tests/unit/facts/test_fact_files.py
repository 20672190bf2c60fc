"""Packages and accounts without a shell: what files tell, and what they cannot."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dthostmon.errors import FileUnreadableError
from dthostmon.facts import Wanted, gather
from dthostmon.facts.account_files import tell_accounts
from dthostmon.facts.packages import mark_of, packages_probe, parse_packages
from dthostmon.facts.sources import FactFiles
from dthostmon.facts.users import parse_users
from dthostmon.model import AuthorizedKey, Inventory, Package, SudoRule, ThingKind, Updates
from dthostmon.transport import DirectoryEntry, FileStat, FileSystemUsage

STATUS = b"Package: nginx\nStatus: install ok installed\nVersion: 1.24\nConffiles:\n /etc/nginx.conf %s\n\n" % (
    b"0" * 32
)
CLOCK = {"/proc/stat": b"cpu 1\nbtime 1000\n", "/proc/uptime": b"5000.00 1.00\n"}  # it is 6000 there
KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ann\n"


@dataclass
class Disk:
    """The files of a host by path, all of one time; `closed` are those that this user may not read."""

    contents: Mapping[str, bytes]
    closed: tuple[str, ...] = ()
    mtime: float = 5000.0
    times: Mapping[str, float] = field(default_factory=dict)  # of files that are not of that time
    modes: Mapping[str, int] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)

    async def read(self, path: str, offset: int, length: int) -> bytes:
        self.reads.append(path)
        if path in self.closed or path not in self.contents:
            raise FileUnreadableError(path, "permission denied")
        return self.contents[path][offset : offset + length]

    async def stat(self, path: str) -> FileStat | None:
        if path.startswith(self.closed) and path not in self.closed:
            raise FileUnreadableError(path, "permission denied")
        if any(name.startswith(f"{path}/") for name in self.contents):
            return FileStat(4096, self.mtime, regular=False, directory=True, inode=None)
        if path not in self.contents:
            return None
        return FileStat(len(self.contents[path]), self.mtime, regular=True, directory=False, inode=None)

    async def list(self, directory: str) -> list[DirectoryEntry]:
        if directory in self.closed:
            raise FileUnreadableError(directory, "permission denied")
        below = [path.removeprefix(f"{directory}/") for path in self.contents if path.startswith(f"{directory}/")]
        names = {name: f"{directory}/{name}" for name in dict.fromkeys(path.split("/")[0] for path in below)}
        return [DirectoryEntry(name, self._state(path), link=False) for name, path in names.items()]

    def _state(self, path: str) -> FileStat:
        time, mode = self.times.get(path, self.mtime), self.modes.get(path, 0o644)
        return FileStat(1, time, regular=True, directory=False, inode=None, mode=mode, uid=0)

    async def usage(self, path: str) -> FileSystemUsage | None:
        raise NotImplementedError

    async def link(self, path: str) -> str | None:  # noqa: ARG002  # the signature of Files
        return None


async def told(disk: Disk, before: str | None = None) -> dict[str, bytes]:
    return {"list": (await packages_probe((), before).files["list"](FactFiles(disk))).output}


async def test_the_status_of_dpkg_is_read_once_while_it_stays() -> None:
    disk = Disk({"/var/lib/dpkg/status": STATUS} | CLOCK)
    output = await told(disk)
    (package,) = parse_packages(output).things
    assert isinstance(package, Package)
    assert (package.name, package.version, package.owns) == ("nginx", "1.24", ("/etc/nginx.conf",))
    mark = mark_of(output)
    disk.reads.clear()
    assert mark_of(await told(disk, mark)) == mark
    assert "/var/lib/dpkg/status" not in disk.reads
    disk.mtime += 1
    assert mark_of(await told(disk, mark)) != mark


async def test_a_status_that_was_just_written_is_read_again() -> None:
    for clock in (CLOCK, {}):
        disk = Disk({"/var/lib/dpkg/status": STATUS} | clock, mtime=5999.0)
        mark = mark_of(await told(disk))
        disk.contents = {"/var/lib/dpkg/status": STATUS.replace(b"1.24", b"1.26")} | clock
        assert mark_of(await told(disk, mark)) != mark


async def test_what_takes_a_shell_is_missing() -> None:
    paths = ("/var/lib/rpm/rpmdb.sqlite", "/var/lib/flatpak/.changed", "/var/lib/snapd/snaps/x.snap")
    status = STATUS + STATUS.replace(b"Package: nginx", b"Package: dpkg")
    output = await told(Disk(dict.fromkeys(paths, b"x") | {"/var/lib/dpkg/status": status} | CLOCK))
    inventory = parse_packages(output)
    assert ThingKind.PACKAGE not in inventory.missing
    shell = "its list takes a shell, which the key does not give"
    assert inventory.unseen == {ThingKind.PACKAGE: {"rpm:": shell, "snap:": shell, "flatpak:": shell}}
    redhat = parse_packages(await told(Disk({"/var/lib/rpm/rpmdb.sqlite": b"x"} | CLOCK)))
    assert redhat.missing[ThingKind.PACKAGE] == shell
    assert mark_of(output).startswith("files ")  # it would not be told the next time either


async def test_a_database_that_cannot_be_read_is_missing() -> None:
    path = "/var/lib/dpkg/status"
    inventory = parse_packages(await told(Disk({path: STATUS} | CLOCK, closed=(path,))))
    assert inventory.missing[ThingKind.PACKAGE] == f"{path}: permission denied"


async def test_of_the_packages_that_came_last_the_files_are_told() -> None:
    lists = {
        "nginx": b"/.\n/etc\n/etc/nginx.conf\n/lib/systemd/system/nginx.service\n/usr/bin/nginx\n/bin/su\n/cut",
        "old": b"/etc/old.conf\n",
        "closed": b"/etc/closed.conf\n",
    }
    status = b"".join(STATUS.replace(b"nginx", name.encode()) for name in lists)
    paths = {name: f"/var/lib/dpkg/info/{name}.list" for name in lists}
    contents = {"/var/lib/dpkg/status": status, "/usr/bin/su": b"", "/usr/bin/nginx": b""} | CLOCK
    disk = Disk(
        contents | {paths[name]: text for name, text in lists.items()},
        closed=(paths["closed"],),
        mtime=500_000.0,
        times={paths["old"]: 400_000.0},
        modes={"/usr/bin/su": 0o4755},
    )
    owned = {thing.name: thing.owns for thing in parse_packages(await told(disk)).things if isinstance(thing, Package)}
    assert owned == {
        "nginx": (
            *("/bin/su", "/etc/nginx.conf", "/lib/systemd/system/nginx.service"),
            *("/usr/bin/su", "/usr/lib/systemd/system/nginx.service"),
        ),
        "old": ("/etc/old.conf",),
        "closed": ("/etc/closed.conf",),
    }
    assert paths["old"] not in disk.reads


async def test_apk_and_pacman_are_told_by_files() -> None:
    apk = b"P:musl\nV:1.2.5-r0\nF:lib\nR:libc.so\n\nP:shadow\nV:4.15-r0\nF:etc\nR:login.defs\n\n"
    inventory = parse_packages(await told(Disk({"/lib/apk/db/installed": apk} | CLOCK)))
    assert [(thing.subject, thing.state) for thing in inventory.things] == [
        ("musl", "1.2.5-r0"),
        ("shadow", "4.15-r0"),
    ]
    inventory = parse_packages(await told(Disk({"/var/lib/pacman/local/bash-5.2.026-2/desc": b"x"} | CLOCK)))
    assert [(thing.subject, thing.state) for thing in inventory.things] == [("bash", "5.2.026-2")]


async def test_files_tell_of_a_reboot() -> None:
    files = {
        "/run/reboot-required": b"*** System restart required ***\n",
        "/run/reboot-required.pkgs": b"libc6\n",
        "/proc/sys/kernel/osrelease": b"6.1.0-25-amd64\n",
        "/lib/modules/6.1.0-25-amd64/modules.builtin": b"x",
        "/lib/modules/6.1.0-28-amd64/modules.builtin": b"x",
        "/lib/modules/6.1.0-99-amd64/extra": b"a module that was built for a kernel that is gone",
    }
    inventory = parse_packages(await told(Disk({"/var/lib/dpkg/status": STATUS} | files | CLOCK)))
    assert Updates(None, ("libc6", "kernel 6.1.0-28-amd64")) in inventory.things


async def accounts(disk: Disk) -> Inventory:
    output = (await tell_accounts(FactFiles(disk))).output
    return parse_users({"passwd": disk.contents["/etc/passwd"], "group": b"", "accounts": output})


async def test_keys_and_rules_are_read_from_files() -> None:
    disk = Disk(
        {
            "/etc/passwd": b"ann:x:1:1::/home/ann:/bin/sh\nbob:x:2:2::/home/bob/:/bin/sh\n+nis::::::\n",
            "/etc/ssh/sshd_config": b"authorizedkeysfile=/keys/%u none %h/own\n",
            "/home/ann/.ssh/authorized_keys": KEY,
            "/home/bob/own": KEY,
            "/keys/bob": KEY.replace(b"AAA= ", b"AAB= "),
            "/etc/sudoers": b"root ALL=(ALL) ALL",
            "/etc/sudoers.d/ann": b"ann ALL=(ALL) \\\n ALL\n",
        }
    )
    inventory = await accounts(disk)
    keys = [(key.user, key.path) for key in inventory.things if isinstance(key, AuthorizedKey)]
    assert keys[0] == ("ann", "/home/ann/.ssh/authorized_keys")
    assert {user for user, _ in keys} == {"ann", "bob"}
    assert [rule.text for rule in inventory.things if isinstance(rule, SudoRule)] == [
        "root ALL=(ALL) ALL",
        "ann ALL=(ALL) ALL",
    ]
    assert ThingKind.KEY not in {*inventory.missing, *inventory.unseen}
    assert "shell" in inventory.missing[ThingKind.LOGIN]


async def test_what_is_closed_to_this_user_is_missing() -> None:
    disk = Disk(
        {"/etc/passwd": b"ann:x:1:1::/home/ann:/bin/sh\n", "/etc/sudoers": b"x ALL=ALL\n"},
        closed=("/home/ann", "/etc/sudoers", "/etc/sudoers.d"),
    )
    inventory = await accounts(disk)
    closed = "cannot be read, which takes root"
    assert inventory.unseen[ThingKind.KEY] == {"ann ": closed}
    assert inventory.unseen[ThingKind.SUDO] == {"/etc/sudoers: ": closed, "/etc/sudoers.d/": closed}


class Session:
    """A session without a shell."""

    shell = None
    client_address = None
    key_fingerprints = ()

    def __init__(self, files: Disk) -> None:
        self.files = files

    async def close(self) -> None:
        raise NotImplementedError

    def abort(self) -> None:
        raise NotImplementedError

    def rest(self) -> None:
        raise NotImplementedError


async def test_the_parts_that_were_not_seen_are_unknown_with_their_reason() -> None:
    names = [f"u{number}" for number in range(7)]
    passwd = "".join(f"{name}:x:1:1::/home/{name}:/bin/sh\n" for name in names).encode()
    disk = Disk({"/etc/passwd": passwd, "/etc/group": b"a:x:1:\n"}, closed=tuple(f"/home/{name}" for name in names))
    known = await gather(Session(disk), Wanted(("users",)))
    assert {name: reason for name, reason in known.unknown.items() if name.startswith("users.")} == {
        "users.key": "u0, u1, u2, u3, u4 and 2 more: cannot be read, which takes root",
        "users.login": "the logins take a shell, which the key does not give",
    }
