"""Files that are no configuration each get one clear problem."""

import contextlib
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dthostmon.config import load
from dthostmon.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        (b"", 0, 0, "the file is empty"),
        (b"# nothing\n", 0, 0, "the file is empty"),
        (b"- a\n- b\n", 1, 1, "found a list; expected keys"),
        (b"hello\n", 1, 1, "found a text; expected keys"),
        (b"ssh:\n\tport: 22\n", 2, 1, "a tab, where YAML takes only spaces"),
        (b"logs: [a\nssh: {}\n", 2, 4, "not valid YAML"),
        (b"ssh: user: a\n", 1, 10, "a text that contains ': ' needs quotes"),
        (b"ssh: {}\n---\nssh: {}\n", 2, 1, "a second document"),
        (b"ssh:\n  user: \xff\n", 2, 9, "found the byte 0xff, which is not UTF-8"),
        (b"ssh:\n  user: a\x01b\n", 2, 10, "a control character"),
        (b"ssh: *nobody\n", 1, 6, "undefined alias"),
        (b"logs: " + b"[" * 5000, 1, 28, "too large"),
        (b"logs: " + b"[" * 100 + b"]" * 100, 1, 28, "too large"),
        (b"logs: &x [*x]\n", 1, 7, "too large"),
    ],
)
def test_a_file_that_is_no_configuration_gets_one_clear_problem(refuse, text, line, column, message):
    (problem,) = refuse(text)
    assert (problem.line, problem.column) == (line, column)
    assert message in problem.message


def test_an_alias_bomb_is_refused_before_it_is_expanded(refuse):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (problem,) = refuse("\n".join(levels))
    assert "too large" in problem.message


def test_duplicate_keys_are_named_with_both_lines(refuse):
    (problem,) = refuse("ssh:\n  port: 22\n  user: a\n  port: 23\n")
    assert (problem.line, problem.column, problem.path) == (4, 3, "ssh.port")
    assert problem.message == "the key is there twice (first in line 2); keep one"


def test_a_foreign_tag_is_refused(refuse):
    (problem,) = refuse("ssh: {passphrase: !vault abc}")
    assert (problem.line, problem.column) == (1, 19)
    assert "the tag !vault" in problem.message


def test_a_number_that_is_none_is_a_problem(refuse):
    (problem,) = refuse("ssh: {port: !!int twelve}")
    assert "no number" in problem.message


def test_an_anchor_may_be_used_twice(read):
    configuration = read("sites: {a: {logs: &l [/var/log/a]}, b: {logs: *l}}\nhosts: [{name: x, hostname: x, site: b}]")
    assert configuration.host("x").logs == ("/var/log/a",)


def test_an_anchor_may_be_redefined_without_a_warning(read):
    assert read("ssh: {user: &a x, key: *a}\nlook_back: &a 1KiB\nretention: {}\n").settings.look_back == 1024


def test_a_byte_order_mark_is_no_mistake(read):
    assert read(b"\xef\xbb\xbfhosts: []\n").hosts == ()


def test_a_file_over_the_limit_is_refused(refuse):
    (problem,) = refuse(b"#" * (4 * 1024 * 1024 + 1))
    assert "larger than 4194304 bytes" in problem.message


@pytest.mark.parametrize(
    ("make", "message"),
    [(os.mkdir, "not a regular file"), (os.mkfifo, "not a regular file"), (lambda _: None, "there is no such file")],
    ids=["directory", "fifo", "missing"],
)
def test_what_is_no_file_is_refused_without_waiting(tmp_path, make, message):
    path = tmp_path / "dthostmon.yaml"
    make(path)
    with pytest.raises(ConfigurationError, match=message):
        load(path, {})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=80), st.text("ab:-[]{}&*!|>'\"${}#\t\n 1.", max_size=80).map(str.encode)))
def test_no_bytes_do_more_than_be_refused(read, data):
    with contextlib.suppress(ConfigurationError):
        read(data)
