"""What the sources of dthostmon must never do with SSH."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dthostmon

CONNECTING = {"connect", "connect_reverse", "create_connection", "run_client", "get_server_host_key", "listen_reverse"}


def unverified_connections(source: str) -> Iterator[int]:
    """Yield the lines that open an SSH connection without known_hosts, or give None for it."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=function, keywords=keywords):
                known = [keyword.value for keyword in keywords if keyword.arg == "known_hosts"]
                if (is_connecting(function) and not known) or any(map(is_none, known)):
                    yield node.lineno
            case ast.Dict(keys=keys, values=values):
                if any(is_known_hosts(key) and is_none(value) for key, value in zip(keys, values, strict=True)):
                    yield node.lineno
            case ast.Assign(targets=[ast.Subscript(slice=key)], value=value) if is_known_hosts(key) and is_none(value):
                yield node.lineno


def is_known_hosts(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == "known_hosts"


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def is_connecting(function: ast.expr) -> bool:
    module = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id
    return module == "asyncssh" and isinstance(function, ast.Attribute) and function.attr in CONNECTING


def test_every_ssh_connection_in_the_sources_verifies_the_host_key() -> None:
    sources = list(Path(dthostmon.__file__).parent.rglob("*.py"))
    assert any("asyncssh.connect(" in file.read_text() for file in sources)
    assert [f"{file}:{line}" for file in sources for line in unverified_connections(file.read_text())] == []


@pytest.mark.parametrize(
    "source",
    [
        "asyncssh.connect('web1')",
        "asyncssh.connect('web1', known_hosts=None)",
        "connect('web1', known_hosts=None)",
        "asyncssh.connect('web1', **{'known_hosts': None})",
        "options['known_hosts'] = None",
    ],
)
def test_an_unverified_connection_would_be_found(source: str) -> None:
    assert list(unverified_connections(source))


def test_asyncssh_is_not_loaded_before_a_remote_host_is_visited() -> None:
    code = "import sys, dthostmon.transport; sys.exit('asyncssh' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
