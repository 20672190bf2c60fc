"""What changed before it broke: the true cause stands before what merely happened at the same time."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.changes import tell, with_changes
from dthostmon.changes.relation import MAX_SHOWN, WINDOW
from dthostmon.model import (
    AuthorizedKey,
    Boot,
    Certificate,
    Change,
    ChangePolicy,
    Container,
    CronEntry,
    Difference,
    Evidence,
    Finding,
    FindingSource,
    Firewall,
    Group,
    InterfaceAddress,
    Mount,
    NameServers,
    Package,
    Port,
    PriorChange,
    Service,
    Severity,
    ShellHistory,
    User,
    WatchedFile,
)
from tests.fixtures.things import EVE, NGINX, NOW, appeared, gone

DECOYS = (
    Difference(Package("tzdata", "1"), Package("tzdata", "2")),
    Difference(Package("libssl3", "3.0"), Package("libssl3", "3.1")),
    appeared(WatchedFile("/etc/motd", 3)),
    appeared(Port("udp", "*", 5353, "avahi-daemon")),
    appeared(Group("games", 60, ())),
    appeared(InterfaceAddress("eth0", "192.0.2.7/24")),
    Difference(Service("cups.service", "active"), Service("cups.service", "inactive")),
    Difference(
        Container("docker", "db", "postgres:15", "a", "running"),
        Container("docker", "db", "postgres:16", "b", "running"),
    ),
    appeared(CronEntry("/etc/cron.d/e2scrub_all", "root", "30 3 * * 0", "/sbin/e2scrub_all")),
)
CONFIG = WatchedFile("/etc/nginx/nginx.conf", 9, digest="a", text="a;\n")
COMPOSE = WatchedFile("/opt/shop/compose.yaml", 9, digest="a", text="image: shop:1\n")


def changes(*differences: Difference) -> list[Change]:
    return [one.change for one in tell(differences, (), ChangePolicy(), NOW)]


def finding(title: str, *lines: str, rule: str | None = None, **fields: str) -> Finding:
    evidence = tuple(Evidence("/var/log/syslog", line) for line in lines)
    return Finding(
        "x", Severity.WARN, title, FindingSource.RULE, rule, evidence=evidence, fields=fields, first_seen=NOW
    )


@pytest.mark.parametrize(
    ("cause", "broken"),
    [
        (
            Difference(CONFIG, replace(CONFIG, digest="b", text="b;\n")),
            finding(
                "nginx.service failed",
                "systemd[1]: nginx.service: Failed with result 'exit-code'.",
                unit="nginx.service",
            ),
        ),
        (
            Difference(NGINX, replace(NGINX, version="1.26")),
            finding(
                "A program crashes",
                "kernel: nginx[77]: segfault at 0 ip 0 sp 0 error 4",
                rule="kernel.segfault",
                program="nginx",
            ),
        ),
        (
            Difference(
                Container("docker", "shop", "shop:1", "a", "running"),
                Container("docker", "shop", "shop:2", "b", "running"),
            ),
            finding("container shop restarts again and again", "shop exited with code 1", container="shop"),
        ),
        (
            Difference(COMPOSE, replace(COMPOSE, digest="b", text="image: shop:2\n")),
            finding("container shop restarts again and again", container="shop"),
        ),
        (
            appeared(AuthorizedKey("eve", "/home/eve/.ssh/authorized_keys", "SHA256:x", "ssh-ed25519")),
            finding(
                "eve logged in from a new network",
                "sshd[9]: Accepted publickey for eve",
                rule="sshd.new-network",
                user="eve",
            ),
        ),
        (appeared(EVE), finding("eve used sudo", "sudo: eve : COMMAND=/bin/sh", rule="sudo.command", user="eve")),
        (
            Difference(
                Certificate("/etc/ssl/web.pem", "CN=web", "CN=ca", "f", NOW),
                Certificate("/etc/ssl/web.pem", "CN=web", "CN=ca", "g", NOW),
            ),
            finding("a certificate is refused", "nginx: cannot load certificate /etc/ssl/web.pem"),
        ),
        (
            appeared(Mount("/data", "/dev/sdb1", "ext4", ("rw",))),
            finding("I/O errors on a disk", "kernel: EXT4-fs error (device sdb1): /data", device="/dev/sdb1"),
        ),
        (
            appeared(Port("tcp", "*", 4444, "nc")),
            finding("a program listens", "kernel: UFW BLOCK DPT=4444", port="4444"),
        ),
        (
            appeared(CronEntry("/etc/cron.d/backup", "root", "0 * * * *", "/usr/local/bin/backup.sh")),
            finding("a job fails", "CRON[5]: (root) CMD (/usr/local/bin/backup.sh)", "backup.sh: no space left"),
        ),
        (
            Difference(User("app", 1002, 1002, "/srv/app", "/bin/sh"), User("app", 1003, 1002, "/srv/app", "/bin/sh")),
            finding("permission denied", "app: open /srv/app/data: permission denied", user="app"),
        ),
        (
            Difference(Package("php8.2-fpm", "8.2.1"), Package("php8.2-fpm", "8.2.9")),
            finding("php-fpm stops", "php8.2-fpm: ERROR: unable to bind", unit="php8.2-fpm.service"),
        ),
    ],
)
def test_the_true_cause_comes_first(cause: Difference, broken: Finding) -> None:
    (told,) = with_changes([broken], changes(*DECOYS, cause), NOW)
    (true,) = changes(cause)
    assert told.changes[0].sentence == true.sentence
    assert told.changes[0].relation
    assert len(told.changes) == MAX_SHOWN


def test_what_has_nothing_in_common_is_ordered_by_nearness() -> None:
    near, far = changes(DECOYS[2])[0], changes(DECOYS[3])[0]
    old = replace(far, happened_at=NOW - timedelta(hours=20))
    (told,) = with_changes([finding("the load is high")], [old, near], NOW)
    assert [one.sentence for one in told.changes] == [near.sentence, far.sentence]
    assert [one.relation for one in told.changes] == ["", ""]


def test_what_lies_outside_of_the_window_is_left_out() -> None:
    (change,) = changes(appeared(EVE))
    long_ago = replace(change, seen_at=NOW - WINDOW - timedelta(minutes=1))
    (told,) = with_changes([finding("eve used sudo", user="eve")], [long_ago], NOW)
    assert told.changes == ()


def test_a_finding_about_a_change_is_not_its_own_cause() -> None:
    told = tell([appeared(EVE), appeared(Group("eve", 1001, ()))], (), ChangePolicy(), NOW)
    (one,) = [each.finding for each in told if each.finding]
    (related,) = with_changes([one], [each.change for each in told], NOW)
    assert [each.kind for each in related.changes] == ["group"]


@given(st.text(max_size=80), st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3))
def test_any_finding_gets_its_changes(text: str, fields: dict[str, str]) -> None:
    odd = replace(finding(text, text), fields=fields)
    (told,) = with_changes([odd], changes(*DECOYS), NOW)
    assert len(told.changes) == MAX_SHOWN


def first_three(cause: Difference, broken: Finding, *others: Finding) -> list[str]:
    """Return the sentences of the first changes of a finding, among the others of that day."""
    told = with_changes([broken, *others], changes(*DECOYS, cause), NOW)[0].changes
    return [one.sentence for one in told[:3] if one.relation]


def first(*causes: Difference, broken: Finding, others: tuple[Finding, ...] = ()) -> PriorChange:
    """Return the change that comes first for a finding, among the others of that day."""
    return with_changes([broken, *others], changes(*DECOYS, *causes), NOW)[0].changes[0]


@pytest.mark.parametrize(
    ("cause", "line"),
    [
        (
            Difference(NameServers(("192.0.2.1",)), NameServers(("192.0.2.9",))),
            "app[7]: Temporary failure in name resolution",
        ),
        (
            Difference(Firewall("nftables", 3, "a"), Firewall("nftables", 9, "b")),
            "app[7]: connection to 192.0.2.20 failed: Connection timed out",
        ),
        (gone(User("app", 998, 998, "/srv/app", "/bin/sh")), "systemd[1]: x.service: status=217/USER"),
        (gone(Mount("/srv/data", "/dev/sdb1", "ext4", ("rw",))), "app[7]: /srv/data/a/b: No such file or directory"),
        (Difference(Boot("a", "6.1.0-1"), Boot("b", "6.1.0-2")), "modprobe[7]: FATAL: Module zfs not found"),
    ],
)
def test_a_symptom_leads_to_what_it_comes_of(cause: Difference, line: str) -> None:
    (true,) = changes(cause)
    assert true.sentence in first_three(cause, finding("it does not work", line))


def test_what_changed_lines_of_a_file_name_relates_it() -> None:
    pool = WatchedFile("/etc/php/www.conf", 9, digest="a", text="listen = /run/php.sock\n")
    moved = Difference(pool, replace(pool, digest="b", text="listen = 127.0.0.1:9000\n"))
    cause = first(moved, broken=finding("nginx does not reach it", "connect() to unix:/run/php.sock failed"))
    assert (cause.subject, cause.relation) == ("/etc/php/www.conf", "/run/php.sock")


def test_a_full_disk_is_related_to_what_names_a_path_on_it() -> None:
    logging = WatchedFile("/etc/app.ini", 9, digest="a", text="")
    more = Difference(logging, replace(logging, digest="b", text="file = /var/log/app/debug.log\n"))
    full = finding("Disk /var at 97.0%", mount="/var")
    assert first(more, broken=replace(full, kind="disk-full")).subject == "/etc/app.ini"
    assert first(more, broken=replace(full, kind="disk-full", fields={"mount": "/"})).relation == ""


def test_what_broke_is_not_what_broke_it() -> None:
    failed = Difference(Service("nginx.service", "active"), Service("nginx.service", "failed"))
    edited = Difference(CONFIG, replace(CONFIG, digest="b", text="b;\n"))
    (change,) = changes(edited)
    long_ago = replace(change, happened_at=NOW - timedelta(hours=20))
    (told,) = with_changes([finding("nginx.service failed", unit="nginx.service")], [*changes(failed), long_ago], NOW)
    assert [one.kind for one in told.changes] == ["file", "service"]


def test_what_happened_later_comes_after_what_was_there_before() -> None:
    one, other = changes(*DECOYS[:2])
    later, before = (replace(each, happened_at=NOW + timedelta(minutes=m)) for each, m in ((one, 5), (other, -300)))
    (told,) = with_changes([finding("it does not work")], [later, before], NOW + timedelta(minutes=9))
    assert [each.subject for each in told.changes] == [before.subject, later.subject]


def test_another_finding_about_the_same_unit_tells_of_the_cause() -> None:
    removed = gone(User("app", 998, 998, "/srv/app", "/bin/sh"))
    state = finding("worker.service: failed", subject="worker.service")
    said = finding("x", "systemd[1]: worker.service: Failed at step USER", unit="worker.service")
    of_another = finding("x", "systemd[1]: other.service: Failed at step USER", unit="other.service")
    (true,) = changes(removed)
    assert true.sentence in first_three(removed, state, said)
    assert true.sentence not in first_three(removed, state, of_another)


def test_a_line_of_the_failed_program_tells_of_the_cause() -> None:
    upgraded = Difference(Package("libicu72", "72.1"), Package("libicu72", "72.2"))
    said = finding("a library is missing", "indexer[7]: libicuuc.so.72: cannot open shared object file")
    cause = first(upgraded, broken=finding("indexer.service failed", unit="indexer.service"), others=(said,))
    assert cause.relation == "library"


def test_a_command_of_a_history_is_related_by_what_it_names() -> None:
    history = ShellHistory("/root/.bash_history", ("ls",))
    typed = Difference(history, replace(history, commands=("ls", "umount /srv/data")))
    assert first(typed, broken=finding("app fails", "app[7]: cannot write /srv/data/x")).kind == "history"
