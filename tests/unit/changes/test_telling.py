"""How much changes matter, and which were to be expected."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from dthostmon.changes import ToldChange, entries, tell
from dthostmon.changes.table import Entry
from dthostmon.config.change_ids import ChangeId
from dthostmon.model import (
    AuthorizedKey,
    ChangePolicy,
    Container,
    CronEntry,
    Difference,
    Expectation,
    Firewall,
    Group,
    Module,
    Mount,
    Package,
    Port,
    Service,
    SetuidFile,
    Severity,
    SudoRule,
    Thing,
    ThingKind,
    Timer,
    User,
    WatchedFile,
)
from tests.fixtures.things import EVE, NGINX, NOW, appeared, gone

NO_LOGIN = User("eve", 1001, 1001, "/home/eve", "/usr/sbin/nologin")
DOCUMENTED = (Path(__file__).parents[3] / "docs" / "changes.md").read_text(encoding="utf-8")
KEY = AuthorizedKey("eve", "/home/eve/.ssh/authorized_keys", "SHA256:abc", "ssh-ed25519")
NGINX_SERVICE = Service("nginx.service", "active", "enabled", 0)
CONTAINER = Container("docker", "web", "nginx:1", "d", "running", project_files=("/opt/app/compose.yaml",))
COMPOSE = WatchedFile("/opt/app/compose.yaml", 4, digest="a", text="a: 1\n")
UPGRADE = Difference(NGINX, replace(NGINX, version="1.26"))
ROOT = Mount("/", "/dev/sda1", "ext4", ("rw",))


def told(*differences: Difference, policy: ChangePolicy | None = None) -> list[ToldChange]:
    return list(tell(differences, (), policy or ChangePolicy(), NOW))


@pytest.mark.parametrize(
    ("difference", "entry", "severity"),
    [
        (appeared(replace(EVE, uid=0)), "user.all-rights", Severity.CRITICAL),
        (Difference(EVE, replace(EVE, uid=0)), "user.all-rights", Severity.CRITICAL),
        (appeared(EVE), "user.added", Severity.WARN),
        (Difference(NO_LOGIN, EVE), "user.shell-given", Severity.WARN),
        (Difference(replace(EVE, locked=True), replace(EVE, locked=False)), "user.unlocked", Severity.WARN),
        (Difference(Group("sudo", 27, ()), Group("sudo", 27, ("eve",))), "group.rights-given", Severity.WARN),
        (appeared(SudoRule("/etc/sudoers.d/x", "eve ALL=(ALL) ALL")), "sudo.given", Severity.WARN),
        (appeared(KEY), "key.added", Severity.WARN),
        (appeared(replace(KEY, user="root")), "key.root", Severity.CRITICAL),
        (appeared(Port("tcp", "*", 4444, "nc")), "port.opened", Severity.WARN),
        (Difference(Port("tcp", "*", 80, "nginx"), Port("tcp", "*", 80, "nc")), "port.other-program", Severity.WARN),
        (appeared(SetuidFile("/usr/bin/x", "root", 0o104755)), "setuid.added", Severity.WARN),
        (appeared(SetuidFile("/home/eve/x", "root", 0o104755)), "setuid.writable-place", Severity.CRITICAL),
        (Difference(Firewall("nftables", 9, "a"), Firewall("nftables", 0, "b")), "firewall.open", Severity.CRITICAL),
        (gone(Firewall("nftables", 9, "a")), "firewall.gone", Severity.CRITICAL),
        (Difference(Firewall("nftables", 9, "a"), Firewall("nftables", 8, "b")), "firewall.changed", Severity.WARN),
        (appeared(Module("x", "OE")), "module.foreign", Severity.WARN),
        (Difference(NGINX_SERVICE, replace(NGINX_SERVICE, active="failed")), "service.failed", Severity.WARN),
        (Difference(NGINX_SERVICE, replace(NGINX_SERVICE, restarts=3)), "service.restarts", Severity.WARN),
        (gone(Service("ufw.service", "active")), "service.guard-gone", Severity.WARN),
        (
            Difference(Service("ufw.service", "active"), Service("ufw.service", "inactive")),
            "service.guard-off",
            Severity.WARN,
        ),
        (Difference(Timer("a.timer", "a"), Timer("a.timer", "a", is_overdue=True)), "timer.overdue", Severity.WARN),
        (Difference(CONTAINER, replace(CONTAINER, state_word="restarting")), "container.restarting", Severity.WARN),
        (Difference(CONTAINER, replace(CONTAINER, state_word="exited")), "container.trouble", Severity.WARN),
        (Difference(CONTAINER, replace(CONTAINER, health="unhealthy")), "container.unhealthy", Severity.WARN),
        (appeared(CronEntry("/etc/cron.d/x", "root", "@daily", "x")), "cron.root", Severity.WARN),
        (Difference(ROOT, replace(ROOT, options=("ro",))), "mount.read-only-root", Severity.CRITICAL),
        (gone(replace(ROOT, path="/data")), "mount.gone", Severity.WARN),
        (
            Difference(
                WatchedFile("/etc/ssh/sshd_config", 1, digest="a"), WatchedFile("/etc/ssh/sshd_config", 2, digest="b")
            ),
            "file.rights",
            Severity.WARN,
        ),
        (gone(Package("fail2ban", "1")), "package.guard-removed", Severity.WARN),
    ],
)
def test_what_matters_is_a_finding(difference: Difference, entry: str, severity: Severity) -> None:
    (one,) = told(difference)
    assert (one.change.severity, one.change.expected) == (severity, False)
    assert one.finding is not None
    assert (one.finding.kind, one.finding.severity, one.finding.rule) == (entry, severity, f"change.{entry}")
    assert one.finding.recommended_action


@pytest.mark.parametrize(
    "difference",
    [
        UPGRADE,
        Difference(EVE, User("eve", 1001, 1001, "/home/eve", "/bin/zsh")),
        appeared(User("_chrony", 115, 120, "/var/lib/chrony", "/usr/sbin/nologin")),
        appeared(Port("tcp", "127.0.0.1", 5432, "postgres")),
        appeared(Module("overlay")),
        Difference(COMPOSE, replace(COMPOSE, digest="b")),
        Difference(NGINX_SERVICE, replace(NGINX_SERVICE, enabled="disabled")),
        Difference(replace(NGINX_SERVICE, active="failed"), NGINX_SERVICE),
        gone(EVE),
        gone(KEY),
        Difference(replace(ROOT, options=("ro",)), ROOT),
    ],
)
def test_what_needs_nobody_is_a_note(difference: Difference) -> None:
    (one,) = told(difference)
    assert (one.change.severity, one.finding) == (Severity.INFO, None)


@pytest.mark.parametrize(
    "difference",
    [
        appeared(WatchedFile("/etc/nginx/nginx.conf", 1, digest="a")),
        Difference(NGINX_SERVICE, replace(NGINX_SERVICE, enabled="disabled")),
        appeared(NGINX_SERVICE),
        appeared(User("nginx", 115, 120, "/var/lib/nginx", "/bin/sh")),
        appeared(User("www", 116, 120, "/var/www", "/usr/sbin/nologin")),
        appeared(Group("nginx", 120, ())),
    ],
)
def test_an_upgrade_explains_what_comes_with_the_package(difference: Difference) -> None:
    upgrade, one = told(UPGRADE, difference)
    assert one.change.expected
    assert one.change.cause == upgrade.change.sentence == "nginx 1.24.0-1 → 1.26"
    assert one.finding is None
    (later,) = tell([difference], [upgrade.change], ChangePolicy(), NOW)
    assert later.change.cause == upgrade.change.sentence


def test_an_upgrade_explains_each_of_many_files_and_those_that_go_with_the_old_version() -> None:
    paths = [f"/etc/apache2/mods-available/module{number}.conf" for number in range(300)]
    old = Package("apache2", "2.4.1", owns=(*paths, "/usr/lib/systemd/system/apache-htcacheclean.service"))
    upgrade = Difference(old, replace(old, version="2.4.2", owns=tuple(paths)))
    differences = [appeared(WatchedFile(path, 1)) for path in paths]
    differences.append(gone(Service("apache-htcacheclean.service", path=old.owns[-1])))
    first, *others = told(upgrade, *differences)
    assert all(other.change.expected for other in others)
    assert all(one.change.expected for one in tell(differences, [first.change], ChangePolicy(), NOW))


@pytest.mark.parametrize(
    "difference",
    [
        Difference(NGINX_SERVICE, replace(NGINX_SERVICE, active="failed")),
        Difference(NGINX_SERVICE, replace(NGINX_SERVICE, restarts=2)),
        appeared(EVE),
        appeared(User("nginx", 0, 0, "/root", "/bin/sh")),
        appeared(KEY),
        appeared(Port("tcp", "*", 4444, "nginx")),
        appeared(Group("sudo", 27, ("eve",))),
        appeared(WatchedFile("/etc/passwd", 1)),
    ],
)
def test_an_upgrade_does_not_explain_trouble(difference: Difference) -> None:
    _, one = told(UPGRADE, difference)
    assert not one.change.expected


def test_what_came_by_itself_was_to_be_expected() -> None:
    (one,) = told(Difference(NGINX, replace(NGINX, version="1.26", installed_by="unattended-upgrades")))
    assert (one.change.expected, one.change.cause) == (True, "unattended-upgrades")


def test_a_compose_file_explains_its_containers() -> None:
    edit = Difference(COMPOSE, replace(COMPOSE, digest="b", text="a: 2\n"))
    _, one = told(edit, Difference(CONTAINER, replace(CONTAINER, image="nginx:2", digest="e")))
    assert one.change.cause == "/opt/app/compose.yaml: a: 1 → a: 2"
    _, other = told(edit, appeared(replace(CONTAINER, project_files=("/opt/b/compose.yaml",))))
    assert not other.change.expected


def test_a_file_that_only_names_a_compose_file_explains_no_container() -> None:
    script = WatchedFile("/usr/local/bin/deploy", 4, digest="a", text="")
    named = replace(script, digest="b", text="docker compose -f /opt/app/compose.yaml up\n")
    [edit] = told(Difference(script, named))
    assert "/opt/app/compose.yaml" in edit.change.words
    newer = Difference(CONTAINER, replace(CONTAINER, image="nginx:2"))
    [container] = tell([newer], [edit.change], ChangePolicy(), NOW)
    assert not container.change.expected


def test_a_configuration_says_what_is_expected_and_what_matters() -> None:
    expectation = Expectation(ThingKind.PORT, "*:44*", "the test server")
    policy = ChangePolicy({"user.added": Severity.CRITICAL}, (expectation,))
    user, port = told(appeared(EVE), appeared(Port("tcp", "*", 4444, "nc")), policy=policy)
    assert user.finding is not None
    assert user.finding.severity is Severity.CRITICAL
    assert (port.change.expected, port.change.cause, port.finding) == (True, "the test server", None)


def test_a_time_the_host_tells_is_told_and_none_that_is_to_come() -> None:
    then = NOW.replace(hour=3)
    (one,) = told(appeared(replace(COMPOSE, modified_at=then)))
    assert (one.change.happened_at, one.change.seen_at) == (then, NOW)
    (other,) = told(appeared(replace(COMPOSE, modified_at=NOW.replace(hour=9))))
    assert other.change.happened_at is None


def test_a_file_that_was_made_before_the_visit_before_was_not_changed_then() -> None:
    edit = Difference(COMPOSE, replace(COMPOSE, digest="b", modified_at=NOW.replace(hour=3)))
    (one,) = tell([edit], (), ChangePolicy(), NOW, known_at=NOW.replace(hour=3, microsecond=500))
    assert one.change.happened_at == NOW.replace(hour=3)
    (other,) = tell([edit], (), ChangePolicy(), NOW, known_at=NOW.replace(hour=4))
    assert (other.change.happened_at, other.change.seen_at) == (None, NOW)


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.id)
def test_each_entry_of_the_table_says_why_and_what_to_do(entry: Entry) -> None:
    assert entry.reason
    assert entry.action or entry.severity is Severity.INFO
    assert entry.id.startswith(f"{entry.kind}.")


def test_no_two_entries_have_one_id() -> None:
    assert len({entry.id for entry in entries()}) == len(entries())


def test_hostile_names_are_filled_in_as_they_are() -> None:
    thing: Thing = replace(EVE, name="{0.__class__}{uid}")
    (one,) = told(appeared(thing))
    assert one.change.sentence.startswith("user {0.__class__}{uid} added")


def test_a_configuration_may_name_each_entry_of_the_table() -> None:
    assert {entry.id for entry in entries()} == set(get_args(ChangeId))


@pytest.mark.parametrize(
    "entry", [entry for entry in entries() if entry.severity > Severity.INFO], ids=lambda one: one.id
)
def test_the_documentation_has_each_entry_of_the_table(entry: Entry) -> None:
    assert f"| `{entry.id}` | {entry.severity} | {entry.reason} |" in DOCUMENTED
