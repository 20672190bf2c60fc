"""The package probe for real: dpkg, rpm and pacman install into folders of their own, and the shell text lists them."""

import os
import stat
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dthostmon import facts
from dthostmon.facts.package_logs import installed_at
from dthostmon.facts.packages import mark_of, packages_probe, parse_packages
from dthostmon.model import Facts, Host, Inventory, Package, Thresholds, TransportKind
from dthostmon.transport import collector, connect
from dthostmon.transport.session import READ_ONLY_KEY_OPTIONS
from tests import parts
from tests.fixtures.sshd import SshServer, make_host

WITHOUT_SHELL = {"sftp": READ_ONLY_KEY_OPTIONS, "collector": f'restrict,command="{collector.PROGRAM}"'}
FOLDERS = (
    "/var/log/",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/usr/lib/sysimage/rpm",
    "/lib/apk",
    "/usr/lib/apk",
    "/var/lib/pacman",
)


def run(command: Sequence[str | Path], **environment: str) -> str:
    ran = subprocess.run(command, env=os.environ | environment, check=True, capture_output=True, text=True)
    return ran.stdout


class Listing:
    """Lists what is installed below a folder instead of in the system."""

    def __init__(self, root: Path, environment: Mapping[str, str] | None = None, shell: str = "sh") -> None:
        self.root = root
        self.environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"} | dict(environment or {})
        self.shell = shell

    def output(self, before: str | None = None) -> dict[str, bytes]:
        text = packages_probe((), before).commands["list"]
        for folder in FOLDERS:
            text = text.replace(folder, f"{self.root}{folder}").replace(f"/usr{self.root}", str(self.root))
        ran = subprocess.run([self.shell, "-c", text], env=self.environment, capture_output=True, check=False)
        return {"list": ran.stdout}

    def inventory(self) -> Inventory:
        return parse_packages(self.output())

    def versions(self) -> dict[str, str]:
        return {thing.name: thing.version for thing in self.inventory().things if isinstance(thing, Package)}


@pytest.fixture
def busybox(tmp_path: Path) -> dict[str, str]:
    tools = tmp_path / "tools"
    tools.mkdir()
    subprocess.run([parts.program("busybox"), "--install", "-s", str(tools)], check=True)
    return {"PATH": str(tools)}


def make_deb(folder: Path, name: str, version: str, architecture: str = "all") -> Path:
    tree = folder / f"{name}-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / f"etc/{name}").mkdir(parents=True)
    (tree / f"etc/{name}/{name}.conf").write_text(version)
    (tree / "DEBIAN/conffiles").write_text(f"/etc/{name}/{name}.conf\n")
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: x <x@example.org>\n"
        f"Description: made by a test\n Version: 9\n"
    )
    run([parts.program("dpkg-deb"), "--root-owner-group", "--build", tree, folder / f"{name}-{version}.deb"])
    return folder / f"{name}-{version}.deb"


@pytest.fixture
def dpkg(tmp_path: Path) -> Callable[..., str]:
    parts.root()
    program = parts.program("dpkg")
    root = tmp_path / "root"
    for folder in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    return lambda *arguments: run([program, f"--root={root}", f"--log={root}/dpkg.log", *arguments])


@pytest.mark.parametrize("shell", ["sh", "busybox"])
def test_what_dpkg_installs_upgrades_and_removes_is_told(
    tmp_path: Path, dpkg: Callable[..., str], busybox: dict[str, str], shell: str
) -> None:
    tools = busybox if shell == "busybox" else {}
    listing = Listing(tmp_path / "root", tools, f"{tools['PATH']}/sh" if tools else "sh")
    dpkg("-i", make_deb(tmp_path, "nginx", "1.24"), make_deb(tmp_path, "curl", "1:8.0-1"))
    first = listing.output()
    mark = mark_of(first)
    found = {thing.name: thing for thing in parse_packages(first).things if isinstance(thing, Package)}
    assert {name: package.version for name, package in found.items()} == {"curl": "1:8.0-1", "nginx": "1.24"}
    assert found["nginx"].owns == ("/etc/nginx/nginx.conf",)
    assert listing.output(mark) == {"list": f"=stamp {mark}\n".encode()}
    dpkg("-i", make_deb(tmp_path, "nginx", "1.26"))
    changed = listing.output(mark)
    assert mark_of(changed) != mark
    assert listing.versions() == {"curl": "1:8.0-1", "nginx": "1.26"}
    dpkg("-r", "nginx")
    assert listing.versions() == {"curl": "1:8.0-1"}
    dpkg("--unpack", make_deb(tmp_path, "nginx", "1.28"))
    assert listing.versions() == {"curl": "1:8.0-1", "nginx": "1.28 (unpacked)"}
    dpkg("-P", "nginx")
    with (tmp_path / "root/dpkg.log").open() as log:
        changed_at = installed_at("/var/log/dpkg.log", log, datetime.now().astimezone().tzinfo or UTC)
    assert abs(changed_at["nginx"] - datetime.now(UTC)) < timedelta(minutes=5)


SPEC = """Name: {name}
Version: {version}
Release: 1
Summary: made by a test
License: MIT
BuildArch: noarch
%description
made by a test
%install
mkdir -p %{{buildroot}}/etc %{{buildroot}}/usr/bin
echo x > %{{buildroot}}/etc/{name}.conf
echo x > %{{buildroot}}/usr/bin/{name}
%files
/etc/{name}.conf
%attr(4755,-,-) /usr/bin/{name}
"""


def test_what_rpm_installs_is_told_and_asking_changes_no_stamp(tmp_path: Path) -> None:
    rpm, rpmbuild = parts.program("rpm"), parts.program("rpmbuild")
    database = tmp_path / "root/var/lib/rpm"
    database.mkdir(parents=True)
    home = {"HOME": str(tmp_path)}
    (tmp_path / ".rpmmacros").write_text(f"%_dbpath {database}\n%_topdir {tmp_path}/top\n")

    def install(name: str, version: str) -> None:
        (tmp_path / f"{name}.spec").write_text(SPEC.format(name=name, version=version))
        run([rpmbuild, "-bb", tmp_path / f"{name}.spec"], **home)
        built = tmp_path / f"top/RPMS/noarch/{name}-{version}-1.noarch.rpm"
        run([rpm, "-i", "--justdb", "--nodeps", "--force", built], **home)

    install("nginx", "1.24")
    listing = Listing(tmp_path / "root", home)
    first = listing.output()
    assert listing.versions() == {"nginx": "1.24-1"}
    assert [thing.owns for thing in parse_packages(first).things if isinstance(thing, Package)] == [
        ("/etc/nginx.conf", "/usr/bin/nginx")
    ]
    mark = mark_of(first)
    assert listing.output(mark) == {"list": f"=stamp {mark}\n".encode()}
    install("nginx", "1.26")
    assert mark_of(listing.output(mark)) != mark
    assert listing.versions() == {"nginx": "1.24-1, 1.26-1"}


def test_what_pacman_installs_is_told(tmp_path: Path) -> None:
    parts.root()
    pacman = parts.program("pacman")
    database = tmp_path / "root/var/lib/pacman"
    database.mkdir(parents=True)
    (tmp_path / "pacman.conf").write_text("[options]\nArchitecture = auto\nLocalFileSigLevel = Never\n")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nginx.conf").write_text("x")
    (tmp_path / ".PKGINFO").write_text(
        "pkgname = nginx\npkgver = 1:1.24.0-1\npkgdesc = x\nurl = x\nbuilddate = 1700000000\npackager = x\nsize = 1\n"
        "arch = any\n"
    )
    with tarfile.open(tmp_path / "nginx.tar", "w") as package:
        for name in (".PKGINFO", "etc"):
            package.add(tmp_path / name, name)
    where = ["--root", tmp_path / "root", "--dbpath", database, "--logfile", tmp_path / "pacman.log"]
    run([pacman, "--config", tmp_path / "pacman.conf", *where, "--noconfirm", "--dbonly", "-U", tmp_path / "nginx.tar"])
    listing = Listing(tmp_path / "root")
    (package_found,) = [thing for thing in listing.inventory().things if isinstance(thing, Package)]
    assert package_found == Package("nginx", "1:1.24.0-1")
    assert package_found.owns == ("/etc/nginx.conf",)
    with (tmp_path / "pacman.log").open() as log:
        assert installed_at("/var/log/pacman.log", log, UTC).keys() == {"nginx"}


def test_what_apk_has_is_told_with_tools_of_busybox(tmp_path: Path, busybox: dict[str, str]) -> None:
    folder = tmp_path / "root/lib/apk/db"
    folder.mkdir(parents=True)
    (folder / "installed").write_text(
        "C:Q1x=\nP:shadow\nV:4.15-r0\nA:x86_64\nT:text\nF:etc\nR:login.defs\nZ:Q1y=\nF:etc/pam.d\nR:su\nF:usr/bin\n"
        "R:chage\nR:passwd\na:0:0:4755\nZ:Q1z=\nF:var\nM:0:0:1777\n\nC:Q1a=\nP:musl\nV:1.2.5-r0\nF:lib\nR:libc.so\n\n"
    )
    listing = Listing(tmp_path / "root", busybox, f"{busybox['PATH']}/sh")
    found = {thing.name: thing for thing in listing.inventory().things if isinstance(thing, Package)}
    assert found == {"shadow": Package("shadow", "4.15-r0"), "musl": Package("musl", "1.2.5-r0")}
    assert found["shadow"].owns == ("/etc/login.defs", "/etc/pam.d/su", "/usr/bin/passwd")


async def gather_from(host: Host, marks: Mapping[str, str] | None = None) -> Facts:
    session = await connect(host)
    try:
        return await facts.gather(session, facts.Wanted(("packages",), marks=marks or {}))
    finally:
        await session.close()


HERE = Host("here", TransportKind.LOCAL, None, None, (), (), ("packages",), Thresholds(), 60, 30, 0)


def packages_of(known: Facts) -> set[Package]:
    return {thing for thing in known.inventories["packages"].things if isinstance(thing, Package)}


async def test_this_machine_tells_its_packages_once() -> None:
    parts.program("dpkg-query")
    known = await gather_from(HERE)
    told = run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n"]).splitlines()
    installed = {tuple(line.split()[1:]) for line in told if line.startswith("installed ")}
    assert {(package.name, package.version) for package in packages_of(known) if ":" not in package.name} == installed
    again = await gather_from(HERE, known.marks)
    assert not again.inventories
    assert again.marks == known.marks
    owned = {path for package in packages_of(known) for path in package.owns}
    setuid = [path for path in map(Path, ("/usr/bin/passwd", "/usr/bin/su")) if path.stat().st_mode & stat.S_ISUID]
    assert {str(path) for path in setuid} <= owned


@pytest.mark.parametrize("kind", WITHOUT_SHELL)
async def test_without_a_shell_the_databases_tell_the_same(sshd: Callable[..., SshServer], kind: str) -> None:
    parts.program("dpkg-query")
    host = replace(make_host(sshd(key_options=WITHOUT_SHELL[kind])), transport=TransportKind.SFTP)
    known = await gather_from(host)
    assert packages_of(known) == packages_of(await gather_from(HERE))
    assert known.inventories["packages"].kinds
    again = await gather_from(host, known.marks)
    assert not again.inventories
