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
    Certificate,
    Change,
    ChangePolicy,
    Container,
    CronEntry,
    Difference,
    Evidence,
    Finding,
    FindingSource,
    Group,
    InterfaceAddress,
    Mount,
    Package,
    Port,
    Service,
    Severity,
    User,
    WatchedFile,
)
from tests.fixtures.things import EVE, NGINX, NOW, appeared

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
