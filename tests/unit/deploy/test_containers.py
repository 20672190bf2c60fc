"""The image, the compose file and the workflow, as far as they can be read without a container engine."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from dthostmon.config import load

ROOT = Path(__file__).parents[3]
TOOLS = Path(sys.executable).parent
WORKFLOW = ".github/workflows/ci.yml"


def yaml_of(name: str) -> dict[str, Any]:
    loaded = YAML(typ="safe", pure=True).load(ROOT / name)
    assert isinstance(loaded, dict)
    return loaded


def dockerfile() -> list[str]:
    """Return the instructions, continuation lines joined, comments gone."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def final_stage() -> list[str]:
    lines = dockerfile()
    return lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]


def lint(*command: str | Path) -> None:
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_hadolint_accepts_the_dockerfile() -> None:
    lint(TOOLS / "hadolint", "--no-color", "Dockerfile")


@pytest.mark.parametrize(
    ("schema", "name"), [("vendor.compose-spec", "compose.yaml"), ("vendor.github-workflows", WORKFLOW)]
)
def test_the_published_schema_accepts_the_file(schema: str, name: str) -> None:
    lint(TOOLS / "check-jsonschema", "--builtin-schema", schema, name)


def test_the_image_runs_as_an_ordinary_user_with_a_fixed_number() -> None:
    assert [line for line in final_stage() if line.startswith("USER ")] == ["USER 10001:10001"]


def test_the_final_stage_copies_the_environment_alone() -> None:
    copies = [line for line in final_stage() if line.startswith(("COPY ", "ADD "))]
    assert copies == ["COPY --from=builder /opt/dthostmon /opt/dthostmon"]


def test_debians_buildah_can_build_the_image() -> None:
    assert [line for line in dockerfile() if "<<" in line or "--link" in line or "--mount" in line] == []


def test_the_build_context_is_what_the_image_copies() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    copied = {name for line in dockerfile() if re.match(r"COPY (?!--from)", line) for name in line.split()[1:-1]}
    assert "*" in ignore
    assert allowed == copied


@pytest.mark.parametrize("service", ["dthostmon", "database"])
def test_a_service_is_confined_bounded_and_checked(service: str) -> None:
    settings = yaml_of("compose.yaml")["services"][service]
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "healthcheck"} <= settings.keys()


def test_the_daemon_gets_no_capability_and_no_wider_port_than_this_machine() -> None:
    daemon = yaml_of("compose.yaml")["services"]["dthostmon"]
    assert "cap_add" not in daemon
    assert daemon["ports"] == ["127.0.0.1:8080:8080"]


def test_compose_holds_no_secret_and_stops_where_one_is_missing() -> None:
    services = yaml_of("compose.yaml")["services"].values()
    secrets = [
        value
        for service in services
        for name, value in service["environment"].items()
        if re.search("PASSWORD|URL", name)
    ]
    assert len(secrets) == 2
    assert [value for value in secrets if "${POSTGRES_PASSWORD:?" not in value] == []


def test_compose_and_image_check_health_in_the_same_way() -> None:
    check = yaml_of("compose.yaml")["services"]["dthostmon"]["healthcheck"]
    image = next(line for line in dockerfile() if line.startswith("HEALTHCHECK "))
    options, command = image.split("CMD", maxsplit=1)
    assert YAML(typ="safe", pure=True).load(command) == check["test"][1:]
    durations = {key.replace("-", "_"): value for key, value in re.findall(r"--(\S+)=(\S+)", options)}
    assert durations == {key: str(value) for key, value in check.items() if key != "test"}


def test_the_workflow_may_only_read_and_runs_what_a_user_runs() -> None:
    workflow = yaml_of(WORKFLOW)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["jobs"]["test"]["steps"][-1]["run"].endswith(" .ci/run")
    assert "secrets." not in (ROOT / WORKFLOW).read_text(encoding="utf-8")


def test_every_action_is_pinned_to_a_full_version() -> None:
    steps = [step for job in yaml_of(WORKFLOW)["jobs"].values() for step in job["steps"]]
    actions = [step["uses"] for step in steps if "uses" in step]
    assert [action for action in actions if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", action)] == []


def test_pre_commit_uses_the_tools_of_the_virtual_environment() -> None:
    repositories = yaml_of(".pre-commit-config.yaml")["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    assert [hook["id"] for hook in repositories[0]["hooks"] if not hook["entry"].startswith(".venv/bin/")] == []


def test_the_settings_of_the_image_are_accepted(tmp_path: Path) -> None:
    [line] = [line for line in final_stage() if line.startswith("ENV")]
    settings = dict(setting.split("=", 1) for setting in line.split() if setting.startswith("DTHOSTMON__"))
    (tmp_path / "dthostmon.yaml").write_text("hosts: []\n")
    configuration = load(tmp_path / "dthostmon.yaml", settings)
    assert str(configuration.settings.api.listen) == settings["DTHOSTMON__API__LISTEN"]
