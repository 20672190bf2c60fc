"""Containers, from what Docker and Podman told."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dthostmon.facts.containers import containers_mark, containers_probe, parse_containers
from dthostmon.model import Container, Inventory, ThingKind
from tests.unit.facts.recorded import assert_fit_to_show, by_subject, nearly, recorded

DOCKER = recorded("docker/docker-20.10.txt")
REFUSED = recorded("docker/docker-20.10-no-rights.txt")
PODMAN = recorded("podman/podman-4.3.txt")
IMAGE_ID = "sha256:9a13307bc54a366e6390debc549665d3ed3725628b433bfe691649e2a1f2885b"
END = b"\n=end " + b"0" * 64


def containers(raw: bytes) -> Inventory:
    return parse_containers({"engines": raw})


def container(raw: bytes, name: str) -> Container:
    found = by_subject(containers(raw))[name]
    assert isinstance(found, Container)
    return found


def line(**parts: object) -> bytes:
    return json.dumps({"id": "a", "name": "/web", "state": "running", **parts}).encode()


def test_docker_tells_state_health_project_and_start() -> None:
    assert containers(DOCKER).missing == {}
    assert container(DOCKER, "web") == Container(
        "docker", "web", "localhost/test:1.0", IMAGE_ID, "running", "healthy", 0, "shop"
    )
    assert container(DOCKER, "web").project_files == ("/opt/shop/compose.yaml", "/opt/shop/override.yaml")
    assert container(DOCKER, "web").started_at == datetime(2026, 11, 27, 22, 1, 17, 917153, UTC)


def test_docker_tells_restarts_ports_and_what_was_never_started() -> None:
    assert container(DOCKER, "loops").state_word == "restarting"
    assert (container(DOCKER, "loops").restarts or 0) > 0
    assert container(DOCKER, "ported").ports == ("127.0.0.1:8080->80/tcp",)
    assert container(DOCKER, "never").started_at is None
    assert container(DOCKER, "done").state_word == "exited"


def test_podman_tells_the_same() -> None:
    assert containers(PODMAN).missing == {}
    lab = container(PODMAN, "lab")
    assert (lab.engine, lab.image, lab.state_word, lab.restarts) == (
        "podman",
        "localhost/dthostmon-test:latest",
        "exited",
        3,
    )
    assert (lab.project, lab.project_files) == ("shop", ("/opt/compose.yaml",))
    assert lab.digest.startswith("sha256:b3b28ae4")
    assert container(PODMAN, "hc").health == "starting"


def test_without_rights_nothing_is_known_and_the_right_is_named() -> None:
    found = containers(REFUSED)
    assert found.things == ()
    assert found.missing == {ThingKind.CONTAINER: "the group docker (or root) is needed to ask Docker"}


def test_an_engine_that_fails_leaves_the_other_ones_containers() -> None:
    found = containers(b"=docker\n=docker failed\n=podman\n" + line() + b"\n=end")
    assert [thing.subject for thing in found.things] == ["web"]
    assert found.missing == {ThingKind.CONTAINER: "Docker did not answer"}


def test_a_host_without_an_engine_has_no_containers() -> None:
    assert containers(b"=end") == Inventory((), {}, frozenset({ThingKind.CONTAINER}))


@pytest.mark.parametrize("raw", [b"", b"\n=docker\n" + line(), DOCKER[: len(DOCKER) // 2]])
def test_half_an_answer_is_missing(raw: bytes) -> None:
    assert containers(raw).missing.keys() == {ThingKind.CONTAINER}


def test_two_engines_may_have_a_container_of_one_name() -> None:
    found = containers(b"=docker\n" + line() + b"\n=podman\n" + line() + END)
    assert [thing.subject for thing in found.things] == ["web", "podman:web"]


@pytest.mark.parametrize("count", [10**30, -1, float("nan"), "7", True, None, [1]])
def test_a_count_that_is_none_is_not_told(count: object) -> None:
    assert container(b"=docker\n" + line(restarts=count) + END, "web").restarts is None


def test_hostile_names_are_shown_safely() -> None:
    hostile = "\x1b[31m<script>\n\0\ud800" + "x" * 10_000
    parts = {
        "name": hostile,
        "image": hostile,
        "health": hostile,
        "project": hostile,
        "files": hostile,
        "state": hostile,
    }
    found = containers(b"=docker\n" + line(**parts, ports={hostile: [{"HostIp": hostile, "HostPort": hostile}]}) + END)
    assert len(found.things) == 1
    assert_fit_to_show(found)


def test_very_many_containers_are_cut_and_that_is_said() -> None:
    lines = b"\n".join(line(name=f"c{index}") for index in range(1500))
    found = containers(b"=docker\n" + lines + END)
    assert len(found.things) == 1000
    assert found.missing == {ThingKind.CONTAINER: "there are more than 1000"}


def test_the_mark_is_the_one_that_the_host_compares_with() -> None:
    mark = containers_mark({"engines": DOCKER})
    assert f"'{mark}'" in containers_probe((), mark).commands["engines"]
    assert containers_mark({"engines": b"=same " + mark.encode()}) == mark
    assert containers_mark({"engines": b"=docker\n=docker failed\n=end"}) != mark
    assert "reboot" not in containers_probe((), "'; reboot; '").commands["engines"]


ODD = [
    None,
    True,
    -1,
    10**30,
    1.5,
    float("nan"),
    "",
    "web",
    "\ud800",
    [],
    [{}],
    {},
    {"80/tcp": [{"HostIp": 1}, "x"], "": None},
]
PARTS = ["name", "image", "digest", "state", "health", "restarts", "started", "ports", "files"]


@given(st.dictionaries(st.sampled_from(PARTS), st.sampled_from(ODD)))
def test_any_answer_of_an_engine_is_read_without_a_failure(answer: dict[str, object]) -> None:
    assert_fit_to_show(containers(b"=docker\n" + line(**answer) + END))


@given(nearly(DOCKER, PODMAN, REFUSED))
def test_any_output_is_read_without_a_failure(raw: bytes) -> None:
    assert_fit_to_show(containers(raw))
    assert containers_mark({"engines": raw})
