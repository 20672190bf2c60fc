"""Histories as each program writes them become commands, and no secret is left in these."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.histories import LONGEST_COMMAND, MAX_COMMANDS, commands_of, is_history
from tests.unit.facts.recorded import mutations, recorded

KEY_LINE = "MIIEpAIBAAKCAQEA" + "/x9Q" * 12  # of no length or looks that tell a line alone for one of a key


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/root/.bash_history", True),
        ("/home/eve/.zsh_history", True),
        ("/home/eve/.local/share/fish/fish_history", True),
        ("/root/.*_history", True),
        ("/root/.histfile", True),
        ("/etc/history.conf", False),
        ("/root/.bashrc", False),
        ("/root/bash_history/x", False),
    ],
)
def test_a_history_is_known_by_its_name(path: str, expected: bool) -> None:
    assert is_history(path) is expected


def test_bash_tells_its_commands_without_their_times() -> None:
    commands = commands_of("/root/.bash_history", recorded("histories/bash.txt"))
    assert commands[:5] == ("ls -la", "export DB_PASSWORD=[redacted: password]", 'echo "two', 'lines"', "history -w")


def test_zsh_tells_a_loop_as_one_command() -> None:
    commands = commands_of("/root/.zsh_history", recorded("histories/zsh.txt"))
    assert commands == (
        "setopt EXTENDED_HISTORY",
        "ls -la",
        "echo grün",
        "mysql -u root -p[redacted: password]",
        "for i in 1 2; do echo $i done",
        "fc -W",
    )
    assert commands_of("/root/.zsh_history", b"echo \xc3\x83\xbc\n") == ("echo Ü",)  # zsh escapes the byte 9c so


def test_fish_tells_its_commands() -> None:
    assert commands_of("/x/fish_history", recorded("histories/fish-sample.txt")) == ("ls -la", r"echo a\b second")


def test_libedit_and_node_tell_theirs() -> None:
    assert commands_of("/root/.mysql_history", b"_HiStOrY_V2_\nselect\\0401;\n") == ("select 1;",)
    assert commands_of("/root/.node_repl_history", b"newest\noldest\n") == ("oldest", "newest")
    assert commands_of("/root/.python_history", b"import os\n") == ("import os",)


def test_the_last_commands_are_kept_and_half_a_line_is_none() -> None:
    raw = b"".join(b"echo %d\n" % number for number in range(MAX_COMMANDS + 100))
    commands = commands_of("/root/.bash_history", raw)
    assert (len(commands), commands[0], commands[-1]) == (MAX_COMMANDS, "echo 100", f"echo {MAX_COMMANDS + 99}")
    assert commands_of("/root/.bash_history", b"alf\nwhole\n", cut=True) == ("whole",)
    [long] = commands_of("/root/.bash_history", b"x" * 5000)
    assert len(long) == LONGEST_COMMAND


@pytest.mark.parametrize("before", [0, 400, 421, 424, 425])
def test_a_key_that_was_pasted_is_taken_out_over_all_its_lines(before: int) -> None:
    key = ["-----BEGIN RSA PRIVATE KEY-----", *[KEY_LINE] * 60, "-----END RSA PRIVATE KEY-----"]
    commands = commands_of("/root/.bash_history", "\n".join(["filler " * 20] * before + [*key, "ls"]).encode())
    assert commands[-1] == "ls"
    assert not any(KEY_LINE[:20] in command for command in commands)


@given(
    st.sampled_from(["/.bash_history", "/.zsh_history", "/fish_history", "/.node_repl_history"]),
    st.binary(max_size=300) | mutations("histories/bash.txt", "histories/zsh.txt", "histories/fish-sample.txt"),
    st.booleans(),
)
def test_any_bytes_give_lines_that_can_be_shown(path: str, raw: bytes, cut: bool) -> None:
    assert all(command.isprintable() and command for command in commands_of(path, raw, cut=cut))
