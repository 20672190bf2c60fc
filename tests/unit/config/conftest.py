"""Writing a configuration and reading it back."""

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dthostmon.config import Configuration, load
from dthostmon.errors import ConfigurationError, Problem

Write = Callable[..., Path]
Read = Callable[..., Configuration]
Refuse = Callable[..., tuple[Problem, ...]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(text: str | bytes, mode: int = 0o600) -> Path:
        path = tmp_path / "dthostmon.yaml"
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        path.chmod(mode)
        return path

    return write_file


@pytest.fixture
def read(write: Write) -> Read:
    def read_text(text: str | bytes, environ: Mapping[str, str] | None = None, mode: int = 0o600) -> Configuration:
        return load(write(text, mode), environ or {})

    return read_text


@pytest.fixture
def refuse(read: Read) -> Refuse:
    """Return the problems of a text that must be refused."""

    def refuse_text(text: str | bytes, environ: Mapping[str, str] | None = None) -> tuple[Problem, ...]:
        with pytest.raises(ConfigurationError) as caught:
            read(text, environ)
        return caught.value.problems

    return refuse_text
