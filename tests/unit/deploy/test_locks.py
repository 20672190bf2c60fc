"""The locks: complete, hashed, and tied to no mirror."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
LOCKS = ("requirements-build.lock", "requirements.lock", "requirements-test.lock", "requirements-model.lock")
HASHES = r"(?: \\\n    --hash=sha256:[0-9a-f]{64})+"
REQUIREMENT = re.compile(rf"^(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^ ;]+)(?: ; [^\\]+)?{HASHES}$", re.MULTILINE)


def normalised(requirement: str) -> str:
    """Return the name that a lock gives to a requirement such as 'ruamel.yaml>=0.18'."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def text_of(lock: str) -> str:
    return (ROOT / lock).read_text(encoding="utf-8")


def versions(lock: str) -> Mapping[str, str]:
    return {entry["name"]: entry["version"] for entry in REQUIREMENT.finditer(text_of(lock))}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address_and_no_path(lock: str) -> None:
    assert re.findall(r"\w+://\S*|^-.*|(?<!\S)/\S+", text_of(lock), re.MULTILINE) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_of_a_lock_is_pinned_and_hashed(lock: str) -> None:
    rest = REQUIREMENT.sub("", text_of(lock))
    assert [line for line in rest.splitlines() if line and not line.startswith("#")] == []


def test_the_runtime_lock_covers_every_dependency() -> None:
    wanted = {normalised(requirement) for requirement in project()["project"]["dependencies"]}
    assert wanted - versions("requirements.lock").keys() == set()


def test_the_test_lock_covers_every_extra() -> None:
    extras = project()["project"]["optional-dependencies"]
    wanted = {normalised(requirement) for requirements in extras.values() for requirement in requirements}
    assert wanted - versions("requirements-test.lock").keys() == set()


def test_the_model_lock_holds_the_model_and_its_server_alone() -> None:
    wanted = {normalised(requirement) for requirement in project()["dependency-groups"]["model"]}
    assert versions("requirements-model.lock").keys() == wanted


def test_the_lock_of_opencode_is_hashed_and_names_no_address() -> None:
    folder = ROOT / "tests/opencode"
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    wanted = json.loads((folder / "package.json").read_text(encoding="utf-8"))["optionalDependencies"]
    held = {path.removeprefix("node_modules/"): entry["version"] for path, entry in lock.items() if path}
    assert held == wanted
    assert all(entry["integrity"].startswith("sha512-") for path, entry in lock.items() if path)
    assert "://" not in json.dumps(lock)


def test_the_build_lock_covers_the_build_system() -> None:
    wanted = {normalised(requirement) for requirement in project()["build-system"]["requires"]}
    assert wanted - versions("requirements-build.lock").keys() == set()


@pytest.mark.parametrize("lock", ["requirements-build.lock", "requirements.lock"])
def test_what_is_tested_is_what_runs(lock: str) -> None:
    assert versions(lock).items() <= versions("requirements-test.lock").items()


def test_no_build_tool_is_needed_at_run_time() -> None:
    assert versions("requirements.lock").keys() & {"hatchling", "setuptools", "pip", "uv"} == set()
