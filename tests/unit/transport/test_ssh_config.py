"""What an ssh_config says of a host, held against what ssh itself makes of it; and what is never done for it."""

import os
import pwd
import subprocess
import sys
import textwrap
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dthostmon.errors import ErrorKind, VisitError
from dthostmon.model import SshAccess
from dthostmon.transport import check_key
from dthostmon.transport.ssh_config import resolve
from tests import parts

USER = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


def write(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text))
    path.chmod(0o600)
    return path


def access(alias: str, config: Path | None, **changes: object) -> SshAccess:
    made = SshAccess(
        alias, 22, USER, "/k/ours", "", "/k/known_hosts", 10.0, (1.0,), config=str(config) if config else None
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the caller names fields of SshAccess


def resolved(made: SshAccess) -> SshAccess:
    """Return an access as it is when nothing in its ssh_config applied."""
    return replace(made, config=None, explicit=frozenset())


def refused(made: SshAccess) -> VisitError:
    with pytest.raises(VisitError) as caught:
        resolve(made)
    assert caught.value.kind is ErrorKind.AUTH
    assert caught.value.fix
    return caught.value


CONFIG = """\
    # Comments, blank lines and any indentation

    Host quoted # a comment at the end
      HostName="192.0.2.9"
      IdentityFile "/k/with space"
      User = 'ada'
    Host web* !web9 db?
        Port 2222
        User ops
        ProxyJump gate@bastion:2200
    Host web1
        HostName %h.example.org
        User never-this-one
        IdentityFile /k/%h-%p-%r-%n
        HostKeyAlias one
    Host nojump
        ProxyJump none
    Match originalhost web2 user ops
        HostName second.example.org
    Match host second.example.org,third.* !localuser nobody
        Port 1
        CertificateFile /k/cert
    Match host nothing.example.org exec "exit 0"
        User nobody
    Match all
        UserKnownHostsFile /k/hosts /k/hosts2
    include {folder}/more/*.conf
    Host inner
        Port 9
    Match final host last
        User at-last
    Host *
        User {user}
        IdentityFile /k/general
    """
ALIASES = [
    "quoted",
    "web1",
    "web2",
    "web9",
    "web",
    "db1",
    "db12",
    "nojump",
    "plain",
    "inner",
    "included",
    "last",
]


def ssh_says(config: Path, alias: str) -> dict[str, str]:
    """Ask ssh itself what it makes of an alias; of a list the first value."""
    done = subprocess.run(
        [parts.program("ssh"), "-G", "-F", str(config), alias], check=True, capture_output=True, text=True
    )
    said: dict[str, str] = {}
    for line in done.stdout.splitlines():
        keyword, _, value = line.partition(" ")
        said.setdefault(keyword, value)
    return said


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_means_what_ssh_makes_of_it(config: Path, alias: str) -> None:
    (config.parent / "more" / "folder.conf").mkdir(parents=True)
    write(config.parent / "more" / "a.conf", "Host included\n  HostName in.example.org\n  Port 77\n")
    write(config.parent / "more" / "b.conf", "Port 10022\n")
    write(config, textwrap.dedent(CONFIG).format(folder=config.parent, user=USER))
    said, made = ssh_says(config, alias), resolve(access(alias, config))
    assert made.hostname.lower() == said["hostname"]
    assert (str(made.port), made.user) == (said["port"], said["user"])
    assert made.known_hosts == said["userknownhostsfile"].split()[0]
    assert made.host_key_alias == said.get("hostkeyalias")
    assert made.certificate == said.get("certificatefile")
    expanded = {"%h": made.hostname, "%p": str(made.port), "%r": made.user, "%n": alias}
    identity = said["identityfile"]
    for token, value in expanded.items():
        identity = identity.replace(token, value)
    assert made.key == identity
    jump = [f"{hop.user}@{hop.hostname}:{hop.port}" for hop in made.jump]
    assert jump == ([said["proxyjump"]] if said.get("proxyjump", "none") != "none" else [])


def test_what_a_host_says_itself_stands_over_the_ssh_config_and_that_over_all_else(config: Path) -> None:
    write(
        config,
        """\
        Host web1
          HostName 192.0.2.1
          Port 2222
          User ops
          IdentityFile /k/theirs
          CertificateFile /k/theirs-cert
          UserKnownHostsFile /k/their_hosts
          ProxyJump gate
        """,
    )
    theirs = resolve(access("web1", config, certificate="/k/ours-cert"))
    assert (theirs.hostname, theirs.port, theirs.user) == ("192.0.2.1", 2222, "ops")
    assert (theirs.key, theirs.certificate, theirs.known_hosts) == ("/k/theirs", "/k/theirs-cert", "/k/their_hosts")
    assert [hop.hostname for hop in theirs.jump] == ["gate"]
    own = frozenset({"port", "user", "key", "certificate", "known_hosts", "jump"})
    ours = access("web1", config, explicit=own)
    assert resolve(ours) == resolved(replace(ours, hostname="192.0.2.1"))
    assert resolve(resolve(ours)) == resolve(ours)
    assert resolve(access("web1", config, explicit=frozenset({"key"}))).certificate is None
    assert resolve(access("other", config)) == resolved(access("other", config))


def test_the_certificate_of_our_key_is_not_taken_for_another(config: Path) -> None:
    write(config, "IdentityFile /k/theirs\n")
    assert resolve(access("web1", config, certificate="/k/ours-cert")).certificate is None


def test_of_several_files_the_first_that_exists_is_taken(config: Path, tmp_path: Path) -> None:
    (tmp_path / "second").touch()
    write(
        config,
        f"IdentityFile {tmp_path}/first\nIdentityFile {tmp_path}/second\nUserKnownHostsFile /a {tmp_path}/second\n",
    )
    made = resolve(access("web1", config))
    assert (made.key, made.known_hosts) == (f"{tmp_path}/second", f"{tmp_path}/second")


def test_a_file_that_trusts_nobody_is_not_taken(config: Path) -> None:
    write(config, "UserKnownHostsFile /dev/null\nStrictHostKeyChecking no\nIdentityFile none\n")
    made = resolve(access("web1", config))
    assert (made.known_hosts, made.key) == ("/k/known_hosts", "/k/ours")


def test_the_hosts_to_jump_through_are_looked_up_too(config: Path) -> None:
    write(
        config,
        """\
        Host web1
          ProxyJump gate,deep@inner:2022
        Host gate
          HostName 192.0.2.1
          User gatekeeper
          IdentityFile /k/gate
          ProxyJump outermost
        Host inner
          HostName 10.0.0.1
          IdentityFile /k/inner
          ProxyJump never-asked
        """,
    )
    jump = resolve(access("web1", config, user="me", explicit=frozenset({"user"}))).jump
    assert [(hop.hostname, hop.user, hop.port, hop.key) for hop in jump] == [
        ("outermost", "me", 22, "/k/ours"),
        ("192.0.2.1", "gatekeeper", 22, "/k/gate"),
        ("10.0.0.1", "deep", 2022, "/k/inner"),
    ]
    assert all(hop.jump == () for hop in jump)


def test_a_jump_of_our_own_configuration_is_looked_up_too(config: Path) -> None:
    write(config, "Host gate\n  HostName 192.0.2.1\n  Port 2200\n  ProxyJump before\n")
    (first, second) = resolve(access("web1", config, jump=(access("gate", config),))).jump
    assert (first.hostname, second.hostname, second.port) == ("before", "192.0.2.1", 2200)


def test_without_an_ssh_config_nothing_is_read() -> None:
    made = access("web1", None, jump=(access("gate", None),))
    assert resolve(made) is made


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ProxyCommand nc %h %p", ":1: `ProxyCommand` applies to web1, and no command is run"),
        ("Host web1\nMatch exec 'touch {mark}'\n User a", ":2: `Match exec` decides about web1"),
        ("Match !exec 'touch {mark}'\n User a", ":1: `Match exec` decides about web1"),
        ("Match localnetwork 10.0.0.0/8\n User a", ":1: `Match localnetwork` decides about web1"),
        ("Match host", ":1: `Match host` lacks a pattern"),
        ("Port http", ":1: found the port http"),
        ("HostName -oProxyCommand=x", ":1: no host can be called"),
        ("ProxyJump ssh://a", ":1: `ProxyJump` names ssh://a"),
        ("ProxyJump a:99999", ":1: `ProxyJump` names a:99999"),
        ("ProxyJump a\nHost a\n ProxyJump web1", "through too many hosts, or in a circle"),
        ("Host web1\n ProxyJump a,b,c,d,e,f", "behind 6 hosts"),
        ("IdentityFile ${{HOME}}/key", ":1: `identityfile` takes a variable"),
        ("IdentityFile /%Z", ":1: `identityfile` takes %Z"),
        ("Include {config}", "included too deep"),
    ],
)
def test_what_cannot_be_followed_is_an_error_with_its_line(
    config: Path, tmp_path: Path, text: str, message: str
) -> None:
    mark = tmp_path / "mark"
    write(config, text.format(mark=mark, config=config))
    assert message in refused(access("web1", config)).message
    assert not mark.exists()


def test_what_cannot_be_followed_matters_only_to_its_host(config: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    write(
        config,
        f"""\
        Match host other exec "touch {mark}"
          User a
        Host other
          ProxyCommand touch {mark}
        Host web1
          User b
          ProxyJump none
        Host *
          ProxyCommand touch {mark}
        """,
    )
    made = resolve(access("web1", config))
    assert (made.user, made.jump) == ("b", ())
    own = access("elsewhere", config, jump=(), explicit=frozenset({"jump"}))
    assert resolve(own) == resolved(own)
    assert not mark.exists()


def test_a_file_that_cannot_be_used_is_named(config: Path, tmp_path: Path) -> None:
    assert "does not exist" in refused(access("web1", config)).message
    assert "is not an ssh_config" in refused(access("web1", tmp_path)).message
    write(config, "").chmod(0o620)
    error = refused(access("web1", config))
    assert "can be written by others" in error.message
    assert f"chmod go-w {config}" in error.fix
    write(config, "a" * (2**20 + 1))
    assert "is not an ssh_config" in refused(access("web1", config)).message
    assert check_key(access("web1", config)) is not None


@pytest.mark.parametrize(
    "data", [b"", b"\xff\0\n\x1b]0;", b"Host\nPort\n = =\n", b'User "open\n', b"Host [a-\n Port 1\n"]
)
def test_a_file_of_any_content_is_read(config: Path, data: bytes) -> None:
    config.write_bytes(data)
    config.chmod(0o600)
    assert resolve(access("web1", config)).hostname == "web1"


KEYWORDS = ["Host", "Match", "Include", "HostName", "Port", "IdentityFile", "ProxyJump", "UserKnownHostsFile", "!exec"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(KEYWORDS), st.text(max_size=12) | st.sampled_from(["all", "host web1", "~no/a"]))
    )
)
def test_no_file_breaks_the_reader(config: Path, lines: list[tuple[str, str]]) -> None:
    config.unlink(missing_ok=True)
    config.write_bytes("\n".join(f"{keyword} {rest}" for keyword, rest in lines).encode("utf-8", "surrogatepass"))
    config.chmod(0o600)
    with suppress(VisitError):
        assert len(resolve(access("web1", config)).jump) <= 5


def test_an_edit_is_seen_at_the_next_look(config: Path) -> None:
    write(config, "Port 1\n")
    assert resolve(access("web1", config)).port == 1
    write(config, "Port 2222\n")
    assert resolve(access("web1", config)).port == 2222


def test_reading_a_configuration_loads_no_ssh_library(tmp_path: Path) -> None:
    path = write(
        tmp_path / "dthostmon.yaml", "ssh: {config: /c, agent: true, jump: a}\nhosts: [{name: b, hostname: b}]\n"
    )
    code = (
        "import sys; from pathlib import Path; from dthostmon.config import load; import dthostmon.transport;"
        f"import dthostmon.transport.ssh_config; load(Path({str(path)!r}), {{}}); sys.exit('asyncssh' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
