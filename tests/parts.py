"""What the tests need of the system: a part that is missing skips its tests by name, and fails them where CI=true."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

SYSTEM_FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin")


def missing(part: str) -> NoReturn:
    """Skip the test that needs `part`; fail it in CI, where every part is to be had."""
    message = f"this test needs {part}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def program(name: str, *folders: str) -> str:
    """Return the path of a program, looking where ordinary users have no PATH too."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *SYSTEM_FOLDERS, *folders))
    found = shutil.which(name, path=path)
    return found or missing(name)


def postgresql_program(name: str) -> str:
    """Return the path of a program of the newest PostgreSQL server; Debian keeps them off the PATH."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True
    )
    return program(name, *map(str, folders))


def root() -> None:
    """Ask for root, which network and mount namespaces need."""
    if os.geteuid() != 0:
        missing("root")


def namespaces() -> None:
    """Ask for the right to make network and mount namespaces; root in a container may lack it."""
    root()
    if subprocess.run([program("unshare"), "--net", "--mount", "true"], check=False, capture_output=True).returncode:
        missing("the right to make network and mount namespaces")
