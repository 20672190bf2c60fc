"""A day on a real host: what its administrators and its package manager change there is told, and nothing else is.

The same host is watched in three ways at once: as root, with a key that may read files alone, and as a user who is in
the groups adm and systemd-journal.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme

from dthostmon.config.models import ALL_PROBES
from dthostmon.transport.session import READ_ONLY_KEY_OPTIONS
from tests import parts
from tests.fixtures.deb import build_package
from tests.fixtures.program import Program
from tests.fixtures.sshd import make_key, public_key
from tests.fixtures.whole_host import WholeHost

WHOLE, FILES_ONLY, UNPRIVILEGED = "whole", "files-only", "unprivileged"
WATCHER = "dtwatch"
FILES = ["/etc/ssh/sshd_config", "/etc/shop/*", "/opt/*/compose.yaml", "/root/.bash_history"]

SERVICE = "[Unit]\nDescription=Shop\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
COMPOSE = "services:\n  app:\n    image: example.org/app:1\n"
EVE_MAY = "eve ALL=(ALL) NOPASSWD: ALL"
OLD_SETTINGS, NEW_SETTINGS = "workers = 2\n", "workers = 4\n"
MIGRATE, DELIVER = "/usr/libexec/shop-migrate", "/usr/libexec/shop-deliver"
UPGRADE = "shop 1.0 → 2.0"
CERTIFIED_UNTIL = datetime(2040, 1, 1, tzinfo=UTC)


BY_NAME = itemgetter(0, 1)


class Told(NamedTuple):
    """What is told of a change; `cause` is None where it was not to be expected."""

    kind: str
    subject: str
    before: str | None
    after: str | None
    cause: str | None = None


def state_of(text: str) -> str:
    """How a file of root's with this text is shown."""
    return f"{len(text)} bytes 0644 root:root {sha256(text.encode()).hexdigest()[:12]}"


@dataclass
class Day:
    """The host, the program that watches it, and the documents of each visit, by host. `changes` and `unknown` kinds
    are what is told at the end, `stored` the rows after each visit, `states` what only the host's tools could say.
    """

    host: WholeHost
    program: Program
    runs: list[Mapping[str, Any]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    stored: list[Sequence[Any]] = field(default_factory=list)
    changes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    unknown: dict[str, set[str]] = field(default_factory=dict)

    def visit(self) -> None:
        """Check the host in each of the three ways."""
        told = self.program.document("monitor")
        self.runs.append({run["host"]: run for run in told["runs"]})
        for run in told["runs"]:
            assert (run["status"], run["error"]) == ("ok", None)
        with sqlite3.connect(self.program.folder / "dthostmon.db") as database:
            tables = ("host_inventories", "inventories", "changes")
            rows = [database.execute(f"SELECT * FROM {table}").fetchall() for table in tables]  # noqa: S608  # our own
            self.stored.append(rows)

    def told(self, name: str) -> list[Told]:
        """Return what the table of a day has of each change of a host, sorted."""
        for change in (told := self.changes[name]):
            assert change["expected"] == (change["cause"] is not None)
        return sorted((Told(*(change[column] for column in Told._fields)) for change in told), key=BY_NAME)

    def fifteen(self) -> dict[str, Told]:
        """Return what changed that day, by a name for each."""
        states = self.states
        return {
            "user": Told("user", "eve", None, "uid 4444, gid 100, /home/eve, /bin/bash, locked"),
            "member": Told("group", "sudo", None, "eve"),
            "key": Told("key", f"eve {states['key']}", None, "ssh-ed25519 eve@home"),
            "rule": Told("sudo", f"/etc/sudoers.d/eve: {EVE_MAY}", None, EVE_MAY),
            "cron": Told("cron", "/etc/cron.d/backup: /usr/local/bin/backup", None, "0 3 * * * root"),
            "package": Told("package", "shop", "1.0", "2.0"),
            "its settings": Told(
                "file", "/etc/shop/shop.conf", state_of(OLD_SETTINGS), state_of(NEW_SETTINGS), UPGRADE
            ),
            "its program": Told("setuid", DELIVER, None, "4755 root", UPGRADE),
            "its user": Told("user", "shop", None, f"{states['shop']}, locked", UPGRADE),
            "its group": Told("group", "shop", None, states["shop group"], UPGRADE),
            "its service": Told("service", "shop-legacy.service", "active, enabled", "inactive, disabled", UPGRADE),
            "port": Told("port", "*:4545/tcp", None, "nc as root"),
            "compose": Told(
                "file", "/opt/app/compose.yaml", state_of(COMPOSE), state_of(COMPOSE.replace("app:1", "app:2"))
            ),
            "sshd": Told("file", "/etc/ssh/sshd_config", states["sshd before"], states["sshd after"]),
            "certificate": Told(
                "certificate", "/etc/ssl/shop.crt", None, f"shop.example.org, until {CERTIFIED_UNTIL:%Y-%m-%d}"
            ),
        }


def build_shop(folder: Path, version: str) -> Path:
    """Build a version of a package: the second brings other settings, an account, a setuid program, a migration."""
    units = {"/lib/systemd/system/shop.service": SERVICE, "/lib/systemd/system/shop-legacy.service": SERVICE}
    if version == "1.0":
        started = "systemctl daemon-reload\nsystemctl --quiet enable --now shop.service shop-legacy.service\n"
        files = {"/etc/shop/shop.conf": OLD_SETTINGS, **units}
        return build_package(folder, "shop", version, files, postinst=started, modes={})
    postinst = (
        "useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin shop\n"
        "systemctl daemon-reload\nsystemctl restart shop.service\n"
    )
    migrate = "#!/bin/sh\nsystemctl --quiet disable --now shop-legacy.service\n"
    files = {"/etc/shop/shop.conf": NEW_SETTINGS, MIGRATE: migrate, DELIVER: "#!/bin/sh\n", **units}
    modes = {MIGRATE: 0o755, DELIVER: 0o4755}
    return build_package(folder, "shop", version, files, postinst=postinst, modes=modes)


def prepare(host: WholeHost, folder: Path, program: Program) -> None:
    """Give the host what is there before the day begins, and the program its three ways in."""
    for version in ("1.0", "2.0"):
        build_shop(folder, version).rename(host.folder / f"root/shop-{version}.deb")
    host.exec("dpkg -i /root/shop-1.0.deb && mkdir -p /opt/app /etc/ssl /etc/cron.d")
    host.exec(f"mkdir -p /etc/sudoers.d && chmod 750 /etc/sudoers.d && ln -s {parts.program('busybox')} /opt/nc")
    host.exec(f"useradd -m -g users -p '*' -G adm,systemd-journal {WATCHER}")
    (host.folder / "opt/app/compose.yaml").write_text(COMPOSE)
    (host.folder / "root/.bash_history").write_text("ls\n")
    keys = host.folder / "root/.ssh/authorized_keys"
    reading, own = make_key(folder / "reading"), make_key(folder / "own")
    keys.write_text(f"{keys.read_text()}{READ_ONLY_KEY_OPTIONS} {public_key(reading)}\n")
    home = host.folder / "home" / WATCHER / ".ssh"
    home.mkdir()
    (home / "authorized_keys").write_text(f"{public_key(own)}\n")
    host.exec(f"chown -R {WATCHER}: /home/{WATCHER}/.ssh")
    log = "/var/log/dpkg.log"
    program.add_host(host, log, name=WHOLE)
    program.add_host(replace(host, key=reading), log, name=FILES_ONLY, more=", transport: sftp")
    program.add_host(replace(host, key=own, user=WATCHER), log, name=UNPRIVILEGED)
    configure(program)


def configure(program: Program) -> None:
    """Write the configuration: all probes, which the tests else do without."""
    program.configure(f"files: {json.dumps(FILES)}\nprobes: {json.dumps(ALL_PROBES)}")


def spend(day: Day) -> None:
    """Make the changes of the day, between visits."""
    day.visit()
    day.host.exec("useradd -K HOME_MODE=0755 -m -g users -u 4444 -s /bin/bash eve && usermod -aG sudo eve")
    day.visit()
    let_in(day)
    day.visit()
    day.host.exec("dpkg -i /root/shop-2.0.deb")
    uid, gid = (day.host.exec(f"id -{number} shop").decode().strip() for number in "ug")
    day.states["shop"] = f"uid {uid}, gid {gid}, /nonexistent, /usr/sbin/nologin"
    day.states["shop group"] = f"gid {gid}"
    day.visit()
    day.host.exec(MIGRATE)
    work(day)
    day.visit()
    day.visit()


def let_in(day: Day) -> None:
    """Give an account a key and rights, and root more to do."""
    host = day.host
    host.exec("install -d -o eve -g users -m 700 /home/eve/.ssh")
    host.exec("ssh-keygen -q -t ed25519 -N '' -C eve@home -f /root/key")
    host.exec("install -o eve -g users -m 600 /root/key.pub /home/eve/.ssh/authorized_keys")
    day.states["key"] = host.exec("ssh-keygen -lf /root/key.pub").decode().split()[1]
    host.exec(f"echo '{EVE_MAY}' >/etc/sudoers.d/eve && chmod 440 /etc/sudoers.d/eve")
    host.exec("echo '0 3 * * * root /usr/local/bin/backup' >/etc/cron.d/backup")


def work(day: Day) -> None:
    """Open a port, edit two files, and put a certificate in its place."""
    host = day.host
    host.exec("setsid /opt/nc -l -p 4545 </dev/null >/dev/null 2>&1 &")
    host.exec("until ss -Hltn | grep -q :4545; do sleep 0.05; done")
    host.exec("sed -i s/app:1/app:2/ /opt/app/compose.yaml")
    settings = host.folder / "etc/ssh/sshd_config"
    day.states["sshd before"] = state_of(settings.read_text())
    host.exec("sed -i 's/X11Forwarding no/X11Forwarding yes/' /etc/ssh/sshd_config")
    day.states["sshd after"] = state_of(settings.read_text())
    made = trustme.CA().issue_cert("shop.example.org", common_name="shop.example.org", not_after=CERTIFIED_UNTIL)
    made.cert_chain_pems[0].write_to_path(str(host.folder / "etc/ssl/shop.crt"))


@pytest.fixture(scope="module")
def day(whole_host: WholeHost, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """The host at the end of the day."""
    folder = tmp_path_factory.mktemp("day")
    (folder / "dthostmon").mkdir()
    program = Program(folder / "dthostmon")
    prepare(whole_host, folder, program)
    made = Day(whole_host, program)
    spend(made)
    told = program.document("changes")
    for name in (WHOLE, FILES_ONLY, UNPRIVILEGED):
        made.changes[name] = [change for change in told if change["host"] == name]
        facts = program.document("host", "show", name)["facts"].values()
        made.unknown[name] = {kind for inventory in facts for kind in inventory["missing"]}
    return made


def test_the_fifteen_changes_of_the_day_are_told_and_no_other(day: Day) -> None:
    fifteen = day.fifteen().values()
    assert (len(fifteen), sum(change.cause == UPGRADE for change in fifteen)) == (15, 5)
    assert len({change.kind for change in fifteen}) >= 10
    assert day.told(WHOLE) == sorted(fifteen, key=BY_NAME)


@pytest.mark.parametrize("name", [WHOLE, FILES_ONLY])
def test_each_visit_tells_what_changed_since_the_one_before(day: Day, name: str) -> None:
    seen = [[change["subject"] for change in run[name]["changes"]] for run in day.runs]
    assert [len(subjects) for subjects in seen] == [0, 2, 3, 5, 5, 0]
    assert "shop-legacy.service" in seen[4]  # the upgrade was seen by the visit before


def test_what_an_upgrade_explains_alarms_nobody(day: Day) -> None:
    for name in (WHOLE, FILES_ONLY, UNPRIVILEGED):
        expected = {change["sentence"] for change in day.changes[name] if change["expected"]}
        found = {finding["title"] for run in day.runs for finding in run[name]["findings"]}
        assert not expected & found
        assert "port 4545/tcp now open on *: " in " ".join(found)


def test_a_change_is_dated_between_two_visits_or_not_at_all(day: Day) -> None:
    for before, run in zip(day.runs, day.runs[1:], strict=False):
        for change in run[WHOLE]["changes"]:
            last_second = before[WHOLE]["started_at"][:19]
            assert last_second <= (change["happened_at"] or change["seen_at"]) <= change["seen_at"]
    dated = {change["subject"] for change in day.changes[WHOLE] if change["happened_at"]}
    assert dated == {"shop", "/etc/ssh/sshd_config", "/opt/app/compose.yaml"}  # dpkg keeps the times of its files


def test_an_idle_visit_stores_nothing_new(day: Day) -> None:
    assert day.stored[-1] == day.stored[-2]
    assert all(run["facts"]["unknown"] == {} for run in day.runs[-1].values())


def without_root(told: dict[str, Told]) -> dict[str, Told]:
    """Leave out what root's shell alone tells: whether a password is locked, and whose a socket is."""
    users = {
        name: told[name]._replace(after=(told[name].after or "")[: -len(", locked")]) for name in ("user", "its user")
    }
    return told | users | {"port": told["port"]._replace(after="unknown program as root")}


def test_files_alone_tell_of_the_day_what_they_can(day: Day) -> None:
    told = without_root(day.fifteen())
    told["its service"] = told["its service"]._replace(before="enabled", after="not enabled")
    assert day.told(FILES_ONLY) == sorted(told.values(), key=BY_NAME)


def test_what_files_cannot_tell_is_unknown(day: Day) -> None:
    unknown = {"clock", "container", "firewall", "login", "service", "timer", "updates"}
    assert day.unknown[FILES_ONLY] == unknown
    assert day.unknown[WHOLE] <= {"clock", "login", "updates"}  # nobody keeps this host's clock


def test_a_user_without_rights_is_told_the_rest(day: Day) -> None:
    told = without_root(day.fifteen())
    for hidden in ("key", "rule", "its service"):  # systemd is asked over D-Bus, which this host has not
        del told[hidden]
    assert day.told(UNPRIVILEGED) == sorted(told.values(), key=BY_NAME)
    assert {"key", "sudo", "service", "timer", "firewall"} <= day.unknown[UNPRIVILEGED]


def test_setup_says_what_takes_root_and_the_visits_do_not(day: Day) -> None:
    [tested] = day.program.document("setup", UNPRIVILEGED)
    said = {layer["subject"]: layer["detail"] for layer in tested["layers"] if layer["status"] == "missing"}
    assert tested["is_good"]
    assert "no key: root, eve: cannot be read, which takes root" in said["users"]
    assert "no sudo: /etc/sudoers.d/: cannot be read, which takes root" in said["users"]
    assert "root alone" in said["network"]
    assert "/root" in said["files"]
    for run in day.runs[1:]:
        titles = {finding["title"] for finding in run[UNPRIVILEGED]["findings"]}
        assert titles <= {change["sentence"] for change in run[UNPRIVILEGED]["changes"]}


def test_who_sees_more_from_now_on_is_told_what_is_new_alone(day: Day) -> None:
    program = day.program
    program.hosts.clear()
    for name in (FILES_ONLY, UNPRIVILEGED):
        program.add_host(day.host, "/var/log/dpkg.log", name=name)
    configure(program)
    told = {run["host"]: run for run in program.document("monitor")["runs"]}
    assert [change["subject"] for change in told[FILES_ONLY]["changes"]] == []
    # her home could be seen into when she had none; it was closed since
    assert [change["subject"] for change in told[UNPRIVILEGED]["changes"]] == [f"eve {day.states['key']}"]
    for run in told.values():
        assert not {"service", "firewall", "key", "sudo"} & {name.partition(".")[2] for name in run["facts"]["unknown"]}
