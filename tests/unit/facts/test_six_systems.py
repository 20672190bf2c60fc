"""Whole hosts of six distributions: what each tells is known in full, and what none tells is not made up."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dthostmon import changes
from dthostmon.model import (
    AuthorizedKey,
    Certificate,
    ChangePolicy,
    Clock,
    CronEntry,
    Drive,
    Facts,
    Group,
    InterfaceAddress,
    Inventory,
    Login,
    Mount,
    NameServers,
    Package,
    Port,
    Route,
    Service,
    SetuidFile,
    ShellHistory,
    StorageArray,
    SudoRule,
    Thing,
    ThingKind,
    Timer,
    Updates,
    User,
    WatchedFile,
)
from tests.unit.facts.hosts import PROBES, SYSTEMS, facts_of, held_by, told_by
from tests.unit.facts.inventions import Told, inventions
from tests.unit.facts.recorded import assert_fit_to_show, nearly

DEBIAN, UBUNTU, ROCKY, ALPINE, SUSE, ARCH = SYSTEMS
KEY = "SHA256:mxtwONIOZNRYwapB4ECNeydghxtqmdbfoS2jKvasfHo"


@pytest.fixture(scope="module")
def facts() -> Mapping[str, Facts]:
    return {system: facts_of(system) for system in SYSTEMS}


def things(facts: Facts, kind: type[Thing]) -> dict[str, Thing]:
    return {
        thing.subject: thing
        for inventory in facts.inventories.values()
        for thing in inventory.things
        if isinstance(thing, kind)
    }


def states(facts: Facts, kind: type[Thing]) -> dict[str, str]:
    return {subject: thing.state for subject, thing in things(facts, kind).items()}


def assert_has(facts: Facts, *wanted: Thing) -> None:
    for thing in wanted:
        assert things(facts, type(thing)).get(thing.subject) == thing


# What is not known of each host, and why; of all else everything is.
ROOT_ALONE = "the rules of the packet filter are told to root alone"
UNKNOWN = {
    DEBIAN: {},
    UBUNTU: {
        "cron.cron": "only root may read /var/spool/cron/crontabs",
        "network.firewall": ROOT_ALONE,
        "users.key": "root, ubuntu: cannot be read, which takes root",
        "users.sudo": "/etc/sudoers, /etc/sudoers.d/README, /etc/sudoers.d/90-cloud-init-users: cannot be read,"
        " which takes root",
    },
    ROCKY: {},
    ALPINE: {"users.login": "`last` of util-linux is not there, or /var/log/wtmp cannot be read"},
    SUSE: {
        "cron.cron": "only root may read /var/spool/cron/tabs",
        "network.firewall": ROOT_ALONE,
        "users.key": "root: cannot be read, which takes root",
        "users.sudo": "/etc/sudoers, /etc/sudoers.d/: cannot be read, which takes root",
    },
    ARCH: {},
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_all_is_known_but_what_the_host_does_not_tell(facts: Mapping[str, Facts], system: str) -> None:
    assert facts[system].unknown == UNKNOWN[system]
    assert facts[system].inventories.keys() == {*PROBES} - {"metrics"}
    for inventory in facts[system].inventories.values():
        assert_fit_to_show(inventory)


@pytest.mark.parametrize(
    ("system", "os", "kernel", "zone", "cpus"),
    [
        (DEBIAN, "Debian GNU/Linux 12 (bookworm)", "6.1.0-25-amd64", "Etc/UTC", 2),
        (UBUNTU, "Ubuntu 24.04.1 LTS", "6.8.0-41-generic", "Europe/Berlin", 4),
        (ROCKY, "Rocky Linux 9.4 (Blue Onyx)", "5.14.0-427.13.1.el9_4.x86_64", "America/New_York", 4),
        (ALPINE, "Alpine Linux v3.20", "6.6.49-0-lts", "Europe/London", 2),
        (SUSE, "openSUSE Leap 15.6", "6.4.0-150600.23.17-default", "Europe/Prague", 2),
        (ARCH, "Arch Linux", "6.10.10-arch1-1", "Asia/Tokyo", 8),
    ],
)
def test_each_says_what_it_is(
    facts: Mapping[str, Facts], system: str, os: str, kernel: str, zone: str, cpus: int
) -> None:
    found = facts[system].identity
    assert (found.os, found.kernel, found.architecture) == (os, kernel, "x86_64")
    assert (found.timezone, found.cpus) == (zone, cpus)
    assert found.uptime is not None
    assert facts[system].client_address == (None if system == DEBIAN else "192.0.2.50")


@pytest.mark.parametrize(
    ("system", "memory", "swap", "disks"),
    [
        (DEBIAN, 4.9, None, {"/": ("ext4", 26.1, 3.4)}),
        (UBUNTU, 20.1, 0.0, {"/": ("ext4", 29.7, 5.4), "/boot": ("ext4", 15.2, 0.2), "/boot/efi": ("vfat", 0.6, None)}),
        (ROCKY, 20.3, 0.0, {"/": ("xfs", 25.9, 0.4), "/boot": ("xfs", 33.8, 0.1), "/boot/efi": ("vfat", 1.2, None)}),
        (ALPINE, 20.2, None, {"/": ("ext4", 10.9, 4.0), "/boot": ("ext4", 14.1, 0.0)}),
        (SUSE, 30.0, 10.0, {"/": ("btrfs", 32.7, None), "/boot/efi": ("vfat", 1.1, None)}),
        (ARCH, 14.2, 0.0, {"/": ("zfs", 2.8, 0.0), "/boot": ("vfat", 13.9, None), "/home": ("zfs", 2.3, 0.0)}),
    ],
)
def test_each_says_how_full_it_is(
    facts: Mapping[str, Facts], system: str, memory: float, swap: float | None, disks: object
) -> None:
    found = facts[system].metrics
    assert found is not None
    assert (found.memory_percent, found.swap_percent) == (memory, swap)
    assert {disk.mount: (disk.filesystem, disk.percent, disk.inodes_percent) for disk in found.disks} == disks
    assert found.cpu_percent is not None
    assert found.load15 is not None


def test_debian_12(facts: Mapping[str, Facts]) -> None:
    found = facts[DEBIAN]
    packages = states(found, Package)
    assert len(packages) == 42
    assert packages["libc6"] == "2.36-9+deb12u14"
    assert packages["procps"] == "2:4.0.2-3"
    sshd = things(found, Package)["openssh-server"]
    assert isinstance(sshd, Package)
    assert "/usr/lib/systemd/system/ssh.service" in sshd.owns
    assert_has(
        found,
        Updates(security=7),
        User("ann", 1001, 1001, "/home/ann", "/bin/bash", locked=False),
        User("_chrony", 103, 105, "/var/lib/chrony", "/usr/sbin/nologin", locked=True),
        Group("sudo", 27, ("ann", "bob")),
        SudoRule("/etc/sudoers", "%sudo ALL=(ALL:ALL) ALL"),
        Service("ssh.service", "active", "enabled"),
        Timer("apt-daily.timer", "apt-daily.service", active="active"),
        Port("tcp", "127.0.0.1", 5432, "postgres", "postgres"),
        CronEntry("/etc/cron.daily", "root", "daily", "dpkg"),
        SetuidFile("/usr/lib/openssh/ssh-keysign", "root", 0o4755),
        Mount("/", "/dev/vda", "ext4", ("rw", "relatime", "discard")),
        InterfaceAddress("eth0", "192.0.2.7/24"),
        NameServers(("192.0.2.53",)),
        Clock(is_synchronised=False),
    )


def test_ubuntu_24_04(facts: Mapping[str, Facts]) -> None:
    found = facts[UBUNTU]
    packages = things(found, Package)
    assert len(packages) == 31
    assert "linux-image-6.8.0-31-generic" not in packages
    assert packages["passwd"].state == "1:4.13+dfsg1-4ubuntu3"
    assert packages["snap:snapd"].state == "2.63 (21759)"
    server = packages["openssh-server"]
    assert isinstance(server, Package)
    assert server.installed_by == "unattended-upgrades"
    assert server.installed_at == datetime(2024, 10, 1, 4, 41, 20, tzinfo=UTC)
    assert_has(
        found,
        Updates(5, ("linux-image-6.8.0-45-generic", "linux-base", "kernel 6.8.0-45-generic")),
        User("ubuntu", 1000, 1000, "/home/ubuntu", "/bin/bash", locked=None),
        Group("sudo", 27, ("ubuntu",)),
        Group("adm", 4, ("monitor", "syslog", "ubuntu")),
        AuthorizedKey("monitor", "/home/monitor/.ssh/authorized_keys", KEY, "ssh-ed25519", "restrict", "dthostmon"),
        Login("ubuntu", "pts/0", "192.0.2.50"),
        Service("nginx.service", "failed", "enabled"),
        Service("ufw.service", "active", "enabled"),
        Service("ssh.service", None, "disabled"),  # its socket starts it
        Port("udp", "127.0.0.53", 53, "systemd-resolved.service", "systemd-resolve"),
        Port("tcp", "*", 80, "nginx.service", "root"),
        CronEntry(
            "/etc/cron.d/sysstat", "root", "5-55/10 * * * *", "command -v debian-sa1 > /dev/null && debian-sa1 1 1"
        ),
        Mount("/", "/dev/mapper/ubuntu--vg-ubuntu--lv", "ext4", ("rw", "relatime")),
        Route("default (IPv6)", "fe80::a", "enp1s0"),
        NameServers(("192.0.2.1",), ("example.org",)),
        ShellHistory("/home/ubuntu/.bash_history", ("sudo snap refresh", "sudo ufw status")),
        Drive("sda", "QEMU HARDDISK", "drive-scsi0"),
        Clock(is_synchronised=True),
    )
    login = things(found, Login)["ubuntu pts/0"]
    assert isinstance(login, Login)
    assert login.is_on
    assert login.at == datetime(2024, 10, 2, 9, 58, 3, tzinfo=timezone(timedelta(hours=2)))


def test_rocky_9(facts: Mapping[str, Facts]) -> None:
    found = facts[ROCKY]
    packages = things(found, Package)
    assert len(packages) == 37
    assert packages["bind-utils"].state == "32:9.16.23-18.el9_4.1"
    assert packages["kernel-core"].state == "5.14.0-427.13.1.el9_4, 5.14.0-427.18.1.el9_4"
    assert packages["gpg-pubkey"].state == "3228467c-613798eb, 350d275d-6279464b"
    assert packages["glibc.i686"].state == packages["glibc"].state == "2.34-100.el9"
    sudo, kernel = packages["sudo"], packages["kernel-core"]
    assert isinstance(sudo, Package)
    assert isinstance(kernel, Package)
    assert sudo.owns == ("/etc/sudoers", "/usr/bin/sudo")
    assert kernel.installed_at == datetime(2024, 6, 3, 14, 20, 3, tzinfo=UTC)
    assert_has(
        found,
        Updates(None, ("kernel 5.14.0-427.18.1.el9_4.x86_64",)),
        User("rocky", 1000, 1000, "/home/rocky", "/bin/bash", locked=False),
        User("apache", 48, 48, "/usr/share/httpd", "/sbin/nologin", locked=True),
        Group("wheel", 10, ("rocky",)),
        SudoRule("/etc/sudoers", "%wheel ALL=(ALL) ALL"),
        SudoRule("/etc/sudoers.d/deploy", "rocky ALL=(apache) NOPASSWD: /usr/bin/systemctl reload httpd"),
        Service("firewalld.service", "active", "enabled"),
        Service("kdump.service", "failed", "enabled"),
        Service("httpd.service", "active", "disabled"),
        Timer("dnf-makecache.timer", "dnf-makecache.service", active="active"),
        Port("tcp", "127.0.0.1", 9000, "php-fpm", "apache"),
        CronEntry("/etc/anacrontab", "root", "every 7 days", "nice run-parts /etc/cron.weekly"),
        CronEntry("/etc/anacrontab", "root", "@monthly", "nice run-parts /etc/cron.monthly"),
        CronEntry("/var/spool/cron/apache", "apache", "*/5 * * * *", "/usr/bin/php /var/www/app/cron.php"),
        SetuidFile("/usr/bin/sudo", "root", 0o4111),
        InterfaceAddress("ens192", "192.0.2.20/24"),
        Drive("sdb", "ST2000NM0008-2F3100", "ZDHB01CD", "PASSED", ("8 reallocated",)),
        StorageArray("md127", "md", "clean", ("sdb1", "sdc1")),
        Clock(is_synchronised=True),
    )
    home = things(found, Mount)["/home"]
    assert home.state == (
        "nas.example.org:/export/home nfs4 rw,seclabel,relatime,vers=4.2,hard,proto=tcp,sec=sys,local_lock=none"
    )
    assert states(found, Mount)["/"].startswith("/dev/mapper/rl-root xfs rw,seclabel,relatime,attr2,inode64")


def test_alpine(facts: Mapping[str, Facts]) -> None:
    found = facts[ALPINE]
    packages = things(found, Package)
    assert len(packages) == 28
    assert packages["openssh-server"].state == "9.7_p1-r4"
    assert packages["busybox"].state == "1.36.1-r29"
    suid = packages["busybox-suid"]
    assert isinstance(suid, Package)
    assert suid.owns == ("/bin/bbsuid",)
    assert_has(
        found,
        Updates(None, ("kernel 6.6.52-0-lts",)),
        User("alp", 1000, 1000, "/home/alp", "/bin/sh", locked=False),
        Group("wheel", 10, ("alp", "root")),
        SudoRule("/etc/sudoers", "%wheel ALL=(ALL:ALL) ALL"),
        Service("crond", "active", "enabled"),
        Service("nginx", "failed", "enabled"),
        Service("modloop", "inactive", "enabled"),
        Service("backupd", "active", "disabled", 2),
        Service("localmount", "active", "disabled"),
        Port("tcp", "*", 22, "", "root"),
        Port("udp", "*", 123, "", "root"),
        CronEntry("/etc/crontabs/root", "root", "0 3 * * 6", "run-parts /etc/periodic/weekly"),
        CronEntry("/etc/crontabs/alp", "alp", "30 1 * * *", "/home/alp/report.sh"),
        CronEntry("/etc/periodic/daily", "root", "daily", "apk-update"),
        SetuidFile("/bin/bbsuid", "root", 0o4111),
        Mount("/srv/my data", "/dev/vdb1", "ext4", ("ro", "relatime")),
        InterfaceAddress("eth0", "192.0.2.60/24"),
        ShellHistory("/root/.ash_history", ("apk upgrade", "rc-service nginx restart")),
        Drive("vdb", "", "DATA0001"),
        StorageArray("tank", "zfs", "ONLINE"),
        Clock(is_synchronised=True),
    )
    assert not things(found, Timer)


def test_opensuse(facts: Mapping[str, Facts]) -> None:
    found = facts[SUSE]
    packages = things(found, Package)
    assert len(packages) == 33
    assert packages["aaa_base"].state == "84.87+git20180409.04c9dae-150300.10.20.2"
    assert packages["kernel-default"].state == "6.4.0-150600.23.14.2, 6.4.0-150600.23.17.1"
    assert packages["openSUSE-release"].state == "15.6-lp156.417.5"
    library = packages["libopenssl3"]
    assert isinstance(library, Package)
    assert library.installed_at == datetime(2024, 9, 18, 7, 10, 55, tzinfo=UTC)
    assert_has(
        found,
        Updates(None, ("/run/reboot-needed",)),
        User("geeko", 1000, 100, "/home/geeko", "/bin/bash", locked=None),
        Group("wheel", 493, ("geeko",)),
        Service("btrfs-balance.service", "failed", "static"),
        Service("wicked.service", "active", "enabled"),
        Service("firewalld.service", None, "disabled"),
        Service("backup.service", None, "static"),
        Timer("snapper-timeline.timer", "snapper-timeline.service", active="active"),
        Port("tcp", "::1", 25, "postfix.service", "root"),
        CronEntry(
            "/etc/crontab",
            "root",
            "*/15 * * * *",
            "test -x /usr/lib/cron/run-crons && /usr/lib/cron/run-crons >/dev/null 2>&1",
        ),
        CronEntry("/etc/cron.d/backup", "root", "30 2 * * sat", "/usr/local/bin/backup --target=nas.example.org"),
        SetuidFile("/usr/bin/crontab", "root", 0o4750),
        Mount("/home", "/dev/sda2", "btrfs", ("rw", "relatime", "space_cache=v2", "subvol=/@/home")),
        NameServers(("192.0.2.53",), ("example.net",)),
        StorageArray("5f0e1c2d-3b4a-4c5d-8e6f-7a8b9c0d1e2f", "btrfs", "clean", ("sda2",)),
        Clock(is_synchronised=False),
    )
    assert len(things(found, Mount)) == 9


def test_arch(facts: Mapping[str, Facts]) -> None:
    found = facts[ARCH]
    packages = things(found, Package)
    assert len(packages) == 37
    assert packages["docker"].state == "1:27.3.1-1"
    assert packages["gcc-libs"].state == "14.2.1+r134+gab884fffe3fc-1"
    assert packages["lib32-glibc"].state == "2.40+r16+gaa533d58ff-2"
    openssh = packages["openssh"]
    assert isinstance(openssh, Package)
    assert openssh.owns == ("/etc/ssh/sshd_config", "/usr/lib/systemd/system/sshd.service")
    assert openssh.installed_at == datetime(2024, 9, 28, 2, 11, 3, tzinfo=UTC)
    assert_has(
        found,
        Updates(None, ()),
        User("archie", 1000, 1000, "/home/archie", "/bin/zsh", locked=False),
        User("http", 33, 33, "/srv/http", "/usr/bin/nologin", locked=True),
        Group("wheel", 998, ("archie",)),
        SudoRule("/etc/sudoers.d/pacman", "archie ALL=(root) NOPASSWD: /usr/bin/pacman -Syu"),
        Service("docker.service", "failed", "enabled", 3),
        Service("nftables.service", "active", "enabled"),
        Service("systemd-networkd.service", "active", "enabled"),
        Timer("fstrim.timer", "fstrim.service", is_overdue=True, active="active"),
        Port("udp", "192.0.2.80", 68, "systemd-network", "systemd-network"),
        CronEntry("/etc/anacrontab", "root", "every 1 days", "nice run-parts /etc/cron.daily"),
        CronEntry("/var/spool/cron/archie", "archie", "@daily", "borg create /backup::now /home/archie"),
        SetuidFile("/usr/bin/unix_chkpwd", "root", 0o6755),
        Mount("/", "zroot/ROOT/default", "zfs", ("rw", "relatime", "xattr", "posixacl", "casesensitive")),
        ShellHistory("/home/archie/.zsh_history", ("sudo pacman -Syu", "systemctl status docker")),
        Drive("nvme0n1", "Samsung SSD 980 PRO 1TB", "S5GXNX0T000001", "PASSED", ("at least 90% worn",)),
        StorageArray("zroot", "zfs", "DEGRADED"),
        Clock(is_synchronised=True),
    )


@pytest.mark.parametrize(
    ("system", "name", "rules"),
    [(DEBIAN, "nftables", 5), (ROCKY, "nftables", 10), (ALPINE, "nftables", 0), (ARCH, "nftables", 9)],
)
def test_root_is_told_the_rules(facts: Mapping[str, Facts], system: str, name: str, rules: int) -> None:
    [found] = [thing for thing in facts[system].inventories["network"].things if thing.kind == ThingKind.FIREWALL]
    assert (found.subject, found.state.startswith(f"{rules} rules" if rules else "no rules")) == (name, True)


@pytest.mark.parametrize(
    ("system", "path", "name"),
    [
        (DEBIAN, "/etc/ssl/certs/ssl-cert-snakeoil.pem", "web.debian.example"),
        (UBUNTU, "/etc/letsencrypt/live/www.ubuntu.example/cert.pem", "www.ubuntu.example"),
        (ROCKY, "/etc/pki/tls/certs/localhost.crt", "app.rocky.example"),
        (ALPINE, "/etc/nginx/ssl/site.crt", "lan.alpine.example"),
        (SUSE, "/etc/postfix/mail.pem", "mail.suse.example"),
        (ARCH, "/etc/ssl/home.crt", "home.arch.example"),
    ],
)
def test_certificates_are_found_where_each_keeps_them(
    facts: Mapping[str, Facts], system: str, path: str, name: str
) -> None:
    [found] = facts[system].inventories["certificates"].things
    assert (found.subject, found.state) == (path, f"{name}, until 2034-01-01")


@pytest.mark.parametrize("system", SYSTEMS)
def test_nothing_of_a_whole_host_is_made_up(facts: Mapping[str, Facts], system: str) -> None:
    told = Told(*told_by(system).values())
    for name, inventory in facts[system].inventories.items():
        if name not in {"files", "certificates"}:  # read from files of the host itself
            assert {thing.subject: made for thing in inventory.things if (made := inventions(thing, told))} == {}


HOSTILE = (
    b"\x1b[31m",
    b"\xff\xfe",
    b"\n",
    b"\0",
    b"<script>",
    b"\xe2\x80\xae",
    b"=end",
    b":",
    b"|",
    b"9" * 40,
    b"-1 nan",
)


# What tells most, so it is damaged more often than the rest.
TELLING = ("packages.list", "users.accounts", "users.passwd", "services.units", "ports.sockets", "cron.tables")


@st.composite
def damaged(draw: st.DrawFn, output: bytes) -> bytes:
    """Draw an output with some pieces cut out, doubled or put in: mostly short ones, of a field or a line."""
    if draw(st.integers(0, 3)) == 0:
        return draw(nearly(output))
    for _ in range(draw(st.integers(1, 12))):
        start = draw(st.integers(0, len(output)))
        end = min(len(output), start + draw(st.integers(0, 40)))
        middle = draw(st.sampled_from((b"", b"", output[start:end] * 2, *HOSTILE)))
        output = output[:start] + middle + output[end:]
    return output


@pytest.mark.parametrize("system", SYSTEMS)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_damaged_outputs_are_read_without_invention(system: str, data: st.DataObject) -> None:
    whole = told_by(system)
    part = data.draw(st.sampled_from(TELLING) | st.sampled_from(sorted(whole)))
    told = {**whole, part: data.draw(damaged(whole[part]))}
    probes = [part.partition(".")[0]] if not part.startswith("users.") else ["users", "ports", "files"]
    found = facts_of(system, told, [name for name in probes if name in PROBES])
    words = Told(*(output for name, output in told.items() if name.partition(".")[0] in {*probes, "users", "identity"}))
    for inventory in found.inventories.values():
        assert_fit_to_show(inventory)
        assert {thing.subject: made for thing in inventory.things if (made := inventions(thing, words))} == {}
    identity = (found.identity.os, found.identity.kernel, found.identity.architecture, found.identity.timezone)
    assert all(words.holds(text) for text in identity if text)
    for disk in found.metrics.disks if found.metrics else ():
        assert words.holds(disk.mount)
        assert words.holds(disk.device)


@pytest.mark.parametrize("system", SYSTEMS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_without_invention(system: str, data: st.DataObject) -> None:
    whole = held_by(system)
    path = data.draw(st.sampled_from(sorted(whole)))
    held = {**whole, path: data.draw(damaged(whole[path]))}
    found = facts_of(system, probes=("files", "certificates"), held=held)
    words = Told(*held.values(), told_by(system)["files.setuid"], told_by(system)["users.passwd"])
    for inventory in found.inventories.values():
        assert_fit_to_show(inventory)
        assert {thing.subject: made for thing in inventory.things if (made := inventions(thing, words))} == {}
        assert {thing.where for thing in inventory.things if isinstance(thing, Certificate)} <= held.keys()
    for file in things(found, WatchedFile).values():
        assert isinstance(file, WatchedFile)
        assert file.digest == sha256(held[file.path]).hexdigest()
        assert file.text is None or words.holds_words(file.text)
    for history in things(found, ShellHistory).values():
        assert isinstance(history, ShellHistory)
        assert history.path in held
        assert all(words.holds_words(command) for command in history.commands)


def upgraded(system: str, part: str, before: bytes, after: bytes) -> tuple[Inventory, Inventory]:
    told = told_by(system)
    changed = {**told, part: told[part].replace(before, after)}
    assert changed != told
    probe = part.partition(".")[0]
    return facts_of(system).inventories[probe], facts_of(system, changed).inventories[probe]


@pytest.mark.parametrize(
    ("system", "name", "before", "after"),
    [
        (DEBIAN, "openssl", b"Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}", "+x"),
        (UBUNTU, "nginx", b"Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}", ".1"),
        (ROCKY, "httpd", b"P\thttpd\t{}\tx86_64", "_4.1"),
        (ALPINE, "nginx", b"P:nginx\nV:{}\n", "1"),
        (SUSE, "zypper", b"P\tzypper\t{}\tx86_64", ".1"),
        (ARCH, "curl", b"\ncurl-{}\n", ".1"),
    ],
)
def test_an_upgrade_of_one_package_is_one_change(
    facts: Mapping[str, Facts], system: str, name: str, before: bytes, after: str
) -> None:
    version = things(facts[system], Package)[name].state
    old, new = (before.replace(b"{}", text.encode()) for text in (version, version + after))
    known, found = upgraded(system, "packages.list", old, new)
    [difference] = changes.differences(known, found)
    assert difference.before is not None
    assert difference.after is not None
    assert (difference.thing.subject, difference.before.state, difference.after.state) == (
        name,
        version,
        version + after,
    )


def test_an_upgrade_changes_nothing_else_of_a_whole_host(facts: Mapping[str, Facts]) -> None:
    told = told_by(DEBIAN)
    before, after = (
        b"Package: logrotate\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n" % version
        for version in (b"3.21.0-1", b"3.21.0-2")
    )
    found = facts_of(DEBIAN, {**told, "packages.list": told["packages.list"].replace(before, after)})
    [change] = [
        one.change
        for name, known in facts[DEBIAN].inventories.items()
        for one in changes.tell(
            changes.differences(known, found.inventories[name]), (), ChangePolicy(), datetime(2026, 11, 27, tzinfo=UTC)
        )
    ]
    assert (change.kind, change.subject, change.before, change.after) == (
        ThingKind.PACKAGE,
        "logrotate",
        "3.21.0-1",
        "3.21.0-2",
    )
    assert change.sentence == "logrotate 3.21.0-1 → 3.21.0-2"
