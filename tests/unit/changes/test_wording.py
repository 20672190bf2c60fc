"""Changes as people read them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.changes.wording import MAX_SENTENCE_CHARACTERS, new_commands, wordings
from dthostmon.model import (
    AuthorizedKey,
    Boot,
    Certificate,
    Container,
    CronEntry,
    Difference,
    Group,
    Module,
    Mount,
    NameServers,
    Package,
    Port,
    Service,
    SetuidFile,
    ShellHistory,
    SudoRule,
    Thing,
    WatchedFile,
)
from tests.fixtures.things import EVE, NGINX, THINGS

WEB = Container("docker", "web", "nginx:1.24", "sha256:aa", "running", project="app", ports=("0.0.0.0:80->80/tcp",))
FILE = WatchedFile(
    "/opt/app/compose.yaml", 40, 0o644, "root", "root", "d1", "services:\n  web:\n    image: nginx:1.24\n"
)
ROOT = Mount("/", "/dev/sda1", "ext4", ("rw", "relatime"))
SERVICE = Service("nginx.service", "active", "enabled", 0)
KEY = AuthorizedKey("root", "/root/.ssh/authorized_keys", "SHA256:abc", "ssh-ed25519", comment="eve@home")


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (NGINX, replace(NGINX, version="1.26"), "nginx 1.24.0-1 → 1.26"),
        (None, Package("curl", "8.1"), "curl 8.1 installed"),
        (Package("curl", "8.1"), None, "curl 8.1 removed"),
        (None, EVE, "user eve added (uid 1001, gid 1001, /home/eve, /bin/bash)"),
        (EVE, replace(EVE, uid=0), "user eve: uid 1001 → 0"),
        (None, KEY, "a new key opens the account root: SHA256:abc eve@home"),
        (KEY, None, "a key opens the account root no more: SHA256:abc eve@home"),
        (
            None,
            SudoRule("/etc/sudoers.d/x", "eve ALL=(ALL) ALL"),
            "new sudo rule in /etc/sudoers.d/x: eve ALL=(ALL) ALL",
        ),
        (None, Port("tcp", "*", 4444, "nc", "eve"), "port 4444/tcp now open on *: nc as eve"),
        (
            None,
            CronEntry("/etc/cron.d/x", "root", "* * * * *", "/home/x/run"),
            "new cron entry in /etc/cron.d/x: * * * * * root /home/x/run",
        ),
        (SERVICE, replace(SERVICE, active="failed"), "nginx.service: active → failed"),
        (SERVICE, replace(SERVICE, restarts=4), "nginx.service was restarted by itself, 4 times in all"),
        (
            WEB,
            replace(WEB, image="nginx:1.26", digest="sha256:bb"),
            "container web: image nginx:1.24 → nginx:1.26",
        ),
        (WEB, replace(WEB, digest="sha256:bb"), "container web: a newer nginx:1.24"),
        (WEB, replace(WEB, state_word="restarting", restarts=7), "container web: running → restarting, restarts - → 7"),
        (
            FILE,
            replace(FILE, digest="d2", text="services:\n  web:\n    image: nginx:1.26\n"),
            "/opt/app/compose.yaml: image: nginx:1.24 → image: nginx:1.26",
        ),
        (
            FILE,
            replace(FILE, digest="d2", size=41),
            "/opt/app/compose.yaml: a secret or the end of a line in it changed",
        ),
        (FILE, replace(FILE, digest="d2", size=41, text=None), "/opt/app/compose.yaml: 40 → 41 bytes"),
        (FILE, replace(FILE, mode=0o600, owner="eve"), "/opt/app/compose.yaml: mode 0644 → 0600, owner root → eve"),
        (ROOT, replace(ROOT, options=("ro", "relatime")), "/ is read-only now"),
        (None, SetuidFile("/home/x/sh", "root", 0o104755), "/home/x/sh runs with the rights of root now"),
        (None, Module("rootkit", "OE"), "kernel module rootkit taints OE"),
        (Boot("a", "6.1"), Boot("b", "6.2"), "booted again, kernel 6.1 → 6.2"),
        (NameServers(("192.0.2.1",)), NameServers(("192.0.2.2",)), "dns name servers: servers 192.0.2.1 → 192.0.2.2"),
        (
            None,
            Certificate("/etc/x.pem", "CN=x", "CN=ca", "f", datetime(2027, 1, 2, tzinfo=UTC)),
            "new certificate at /etc/x.pem: CN=x, until 2027-01-02",
        ),
    ],
)
def test_a_change_reads_as_a_person_would_say_it(before: Thing | None, after: Thing | None, sentence: str) -> None:
    assert [one.sentence for one in wordings(Difference(before, after))] == [sentence]


def test_a_group_tells_who_came_and_who_went() -> None:
    before, after = Group("sudo", 27, ("bob", "carl")), Group("sudo", 27, ("carl", "eve"))
    assert [(one.before, one.after, one.sentence) for one in wordings(Difference(before, after))] == [
        (None, "eve", "user eve added to sudo"),
        ("bob", None, "user bob removed from sudo"),
    ]


def test_each_new_command_is_told_once() -> None:
    before = ShellHistory("/root/.bash_history", ("ls", "cd /", "ls"))
    after = ShellHistory("/root/.bash_history", ("ls", "rm -r x", "ls"))
    assert [one.sentence for one in wordings(Difference(before, replace(after, commands=("cd /", "ls", "rm x"))))] == [
        "/root/.bash_history: rm x"
    ]
    assert [one.after for one in wordings(Difference(before, after))] == ["rm -r x", "ls"]
    emptied = wordings(Difference(before, replace(before, commands=())))
    assert [one.sentence for one in emptied] == ["the history /root/.bash_history was emptied"]


def test_a_diff_shows_the_lines_around() -> None:
    now = replace(FILE, digest="d2", text="services:\n  web:\n    image: nginx:1.26\n")
    (told,) = wordings(Difference(FILE, now))
    assert told.diff.splitlines()[-2:] == ["-    image: nginx:1.24", "+    image: nginx:1.26"]


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("abcd"), max_size=6))
def test_commands_that_are_appended_are_the_new_ones(known: list[str], more: list[str]) -> None:
    before, after = tuple(known), (*known, *more)
    assert after[len(after) - len(new_commands(before, after)) :] == new_commands(before, after)
    assert len(new_commands(before, after)) <= len(more)


@given(st.none() | THINGS, st.none() | THINGS)
def test_any_difference_has_short_words(before: Thing | None, after: Thing | None) -> None:
    if (before is None and after is None) or (before and after and type(before) is not type(after)):
        return
    for told in wordings(Difference(before, after)):
        assert 0 < len(told.sentence) <= MAX_SENTENCE_CHARACTERS
