"""Who may come in, from recorded files and from any bytes."""

from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts import users
from dthostmon.facts.authorized_keys import parse_keys
from dthostmon.facts.logins import parse_logins
from dthostmon.facts.sudoers import includes, parse_sudoers
from dthostmon.facts.users import mark_of, parse_users, users_probe
from dthostmon.model import AuthorizedKey, Group, Inventory, Login, SudoRule, ThingKind, User

DATA = Path(__file__).parents[2] / "testdata/facts/users"
PASSWD, GROUP, ROOT, UNPRIVILEGED = (
    (DATA / name).read_bytes() for name in ("passwd", "group", "accounts-root.txt", "accounts-unprivileged.txt")
)
# As `ssh-keygen -lf` shows them.
RSA = "SHA256:TcnAWDcE4bH3zlZLRFYCbmwXkEIpePyizf+FQsrfjQI"
ECDSA = "SHA256:stmnVQTI4i0P4P1BlJXEcCxIV1iUvyCwz2uQrGTUUr4"
ED25519 = "SHA256:mxtwONIOZNRYwapB4ECNeydghxtqmdbfoS2jKvasfHo"


def parsed(accounts: bytes = ROOT, passwd: bytes = PASSWD, group: bytes = GROUP) -> Inventory:
    return parse_users({"passwd": passwd, "group": group, "accounts": accounts})


def test_accounts_are_told_and_whether_a_password_opens_them() -> None:
    found = {user.name: user for user in parsed().things if isinstance(user, User)}
    assert found["ann"] == User("ann", 1001, 1001, "/home/ann", "/bin/bash", locked=False)
    assert found["bob"].locked is True
    assert found["eve"] == User("eve", 0, 0, "/root", "/bin/bash", locked=True)
    unprivileged = {user.name: user.locked for user in parsed(UNPRIVILEGED).things if isinstance(user, User)}
    assert unprivileged == {"systemd-journal-remote": None, "_chrony": None, "ann": None, "bob": None, "eve": True}


def test_groups_have_their_members_sorted() -> None:
    found = [group for group in parsed().things if isinstance(group, Group)]
    assert found[3:] == [Group("sudo", 27, ("ann", "bob")), Group("empty", 1005, ())]


def test_entries_of_sudoers_are_told_one_by_one() -> None:
    inventory = parsed()
    admins = "/etc/sudoers.d/admins"
    mysql = "/usr/bin/mysql -p[redacted: password]"
    assert [rule for rule in inventory.things if isinstance(rule, SudoRule)] == [
        SudoRule("/etc/sudoers", "Defaults env_reset"),
        SudoRule("/etc/sudoers", 'Defaults secure_path="/usr/sbin:/usr/bin"'),
        SudoRule("/etc/sudoers", "root ALL=(ALL:ALL) ALL"),
        SudoRule("/etc/sudoers", "%sudo ALL=(ALL:ALL) ALL"),
        SudoRule(admins, "User_Alias ADMINS = ann, bob"),
        SudoRule(admins, f"ADMINS ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx, {mysql}"),
        SudoRule(admins, "#1002 ALL=(ALL) ALL"),
    ]
    assert ThingKind.SUDO not in {*inventory.missing, *inventory.unseen}


def test_keys_have_the_fingerprints_of_ssh_keygen() -> None:
    inventory = parsed()
    ann = "/home/ann/.ssh/authorized_keys"
    restricted = 'from="192.0.2.0/24,!192.0.2.9",command="/usr/bin/rsync --server \\"a b\\"",no-pty'
    assert [key for key in inventory.things if isinstance(key, AuthorizedKey)] == [
        AuthorizedKey("ann", ann, ED25519, "ssh-ed25519", "", "ann@laptop ed25519"),
        AuthorizedKey("ann", ann, RSA, "ssh-rsa", restricted, "ann@laptop rsa"),
        AuthorizedKey("ann", ann, ECDSA, "ecdsa-sha2-nistp256", "cert-authority", "ann@laptop ecdsa"),
        AuthorizedKey("bob", "/srv/keys/bob", RSA, "ssh-rsa", "", "ann@laptop rsa"),
    ]
    assert not inventory.missing
    assert not inventory.unseen


def test_logins_are_the_newest_of_each_user_at_each_terminal() -> None:
    found = [login for login in parsed().things if isinstance(login, Login)]
    assert [(login.user, login.terminal, login.origin) for login in found] == [
        ("ann", "pts/2", "192.0.2.9"),
        ("ev*[[31me", "pts/3", "x<b>"),
        ("ann", "pts/0", "192.0.2.7"),
        ("bob", "pts/0", "host.example.org"),
        ("averyveryverylongusername12345", "pts/1", "2001:db8::7"),
        ("root", "tty1", ""),
    ]
    assert found[2].at == datetime(2026, 11, 19, 12, 8, 20, tzinfo=UTC)
    on = b"ann      pts/2        2026-11-19T12:11:40+01:00   still logged in      192.0.2.9\n"
    (login,) = parse_logins(on)
    assert (login.is_on, login.origin) == (True, "192.0.2.9")


def test_logins_are_no_part_of_the_mark() -> None:
    mark = mark_of({"passwd": PASSWD, "group": GROUP, "accounts": ROOT})
    others = ROOT.replace(b"192.0.2.9 ", b"192.0.2.8 ").replace(b"192.0.2.9\n", b"192.0.2.8\n")
    assert others != ROOT
    assert mark_of({"passwd": PASSWD, "group": GROUP, "accounts": others}) == mark
    assert mark_of({"passwd": PASSWD, "group": GROUP, "accounts": ROOT.replace(b"NOPASSWD", b"PASSWD")}) != mark
    assert mark_of({"passwd": PASSWD + b"x:x:0:0::/:/bin/sh\n", "group": GROUP, "accounts": ROOT}) != mark


def test_what_takes_root_is_missing_and_says_so() -> None:
    inventory = parsed(UNPRIVILEGED)
    closed = "cannot be read, which takes root"
    assert not inventory.missing
    assert inventory.unseen == {
        ThingKind.SUDO: {"/etc/sudoers: ": closed, "/etc/sudoers.d/admins: ": closed},
        ThingKind.KEY: {"root ": closed, "_chrony ": closed, "bob ": closed, "eve ": closed},
    }
    assert [key.user for key in inventory.things if isinstance(key, AuthorizedKey)] == ["ann", "ann", "ann", "bob"]


def test_nothing_told_is_missing_and_not_empty() -> None:
    inventory = parse_users({})
    assert not inventory.things
    assert inventory.missing.keys() == users_probe((), None).kinds
    half = parsed(ROOT.partition(b"/proc/version")[0])
    assert half.missing.keys() == {ThingKind.SUDO, ThingKind.KEY, ThingKind.LOGIN}
    assert "last" in parsed(ROOT.removesuffix(b"=told\n")).missing[ThingKind.LOGIN]


def test_a_file_that_was_not_read_is_missing() -> None:
    output = b"=key ann:/large\n=sudo /etc/sudoers.d/large\n/proc/version:x\n=logins\n=told\n"
    unread = "cannot be read, or has more than 256 KiB"
    assert parsed(output).unseen == {
        ThingKind.SUDO: {"/etc/sudoers.d/large: ": unread},
        ThingKind.KEY: {"ann ": unread},
    }
    more = b"=sudo /etc/sudoers\n/proc/version:x\n/etc/sudoers:@include /opt/rules\n=logins\n=told\n"
    assert parsed(more).unseen == {ThingKind.SUDO: {"/opt/rules": "included by sudoers, and not read"}}


def test_a_second_account_of_a_name_is_shown_beside_the_first() -> None:
    found = [thing.subject for thing in parsed(passwd=b"a:x:1:1::/:/bin/sh\n" * 3).things if isinstance(thing, User)]
    assert found == ["a", "a (2)", "a (3)"]


def test_what_is_no_account_is_passed_over() -> None:
    lines = (
        b"+nis::::::\n-x:x:1:1:::\nshort:x:1\n\na:x:-1:1:::\nb:x:1e3:1:::\nc:x:99999999999:1:::\nd:x:4294967295:1:::\n"
    )
    assert [thing.subject for thing in parsed(passwd=lines).things if isinstance(thing, User)] == ["d"]


def test_too_many_of_a_kind_are_said_to_be_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "MOST_THINGS", 2)
    inventory = parsed()
    assert sum(isinstance(thing, User) for thing in inventory.things) == 2
    assert inventory.missing[ThingKind.USER] == "there are more than 2"


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("#comment", []),
        ("# 12 is a number", []),
        ("#12 ALL=ALL", ["#12 ALL=ALL"]),
        ("a ALL=ALL # why", ["a ALL=ALL"]),
        ("#includedir /etc/sudoers.d", []),
        ("@include /x", []),
        ("Defaults\t\tx,   y", ["Defaults x, y"]),
    ],
)
def test_comments_and_includes_are_no_entries(line: str, texts: list[str]) -> None:
    assert [rule.text for rule in parse_sudoers("/etc/sudoers", [line.encode()])] == texts


def test_old_and_new_spellings_of_includes_are_known() -> None:
    lines = [b"#includedir /a", b'@include "/b"', b"#include /c", b"# include /d"]
    assert list(includes(lines)) == ["/a", "/b", "/c"]


def key_line(algorithm: bytes, before: bytes = b"") -> bytes:
    blob = len(algorithm).to_bytes(4, "big") + algorithm + b"\0\0\0\x20" + bytes(32)
    return before + algorithm + b" " + b64encode(blob) + b" c\x1b[31m"


@pytest.mark.parametrize(
    ("line", "options"),
    [
        (key_line(b"ssh-ed25519"), ""),
        (key_line(b"ssh-ed25519", b"restrict "), "restrict"),
        (key_line(b"ssh-ed25519", b'command="a \\" b c" \t'), 'command="a \\" b c"'),
        (key_line(b"ssh-ed25519", b'environment="API_TOKEN=0123456789abcdef" '), 'environment="API_TOKEN=[redacted'),
    ],
)
def test_options_stand_before_a_key(line: bytes, options: str) -> None:
    (key,) = parse_keys("ann", "/k", [line])
    assert key.options.startswith(options)
    assert bool(key.options) is bool(options)
    assert "0123456789" not in key.options
    assert key.comment == "c?[31m"


@pytest.mark.parametrize(
    "line",
    [
        key_line(b"ssh-ed25519", b'command="unclosed '),
        key_line(b"ssh-ed25519").replace(b"ssh-ed25519 ", b"ssh-rsa "),
        b"ssh-ed25519 AAAA",
        key_line(b"ssh-ed25519").replace(b"AAAA c", b" c"),
        b"ssh-ed25519 " + b"A" * 30_000,
        b"ssh-ed25519 !!!!",
        b"root:$y$j9T$abc:19000:0:99999:7:::",
        b'"' * 10_000,
    ],
)
def test_a_line_that_is_no_key_opens_nothing(line: bytes) -> None:
    assert not list(parse_keys("ann", "/k", [line]))


@pytest.mark.parametrize("whole", [ROOT, UNPRIVILEGED])
@given(data=st.data())
def test_any_damage_is_read_without_invention(whole: bytes, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(whole)), st.integers(0, len(whole)))))
    output = whole[:start] + data.draw(st.binary(max_size=40)) + whole[end:]
    inventory = parsed(output, data.draw(st.just(PASSWD) | st.binary(max_size=80)))
    subjects = [(thing.kind, thing.subject) for thing in inventory.things]
    assert len(subjects) == len(set(subjects))
    assert all(subject.isprintable() for _, subject in subjects)
    keys = [thing for thing in inventory.things if isinstance(thing, AuthorizedKey)]
    assert len(keys) <= output.count(b"AAAA")


@given(st.binary(), st.binary(), st.binary())
def test_any_bytes_are_read(accounts: bytes, passwd: bytes, group: bytes) -> None:
    parsed(accounts, passwd, group)
    mark_of({"accounts": accounts})


@given(st.lists(st.sampled_from([*ROOT.split(b"\n"), b"=logins", b"=told", b"=refused key x"]) | st.binary()))
def test_any_lines_are_read(lines: list[bytes]) -> None:
    parsed(b"\n".join(lines))
