"""Real containers, read through the real Podman; Docker through a stand-in that prints what Docker printed."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dthostmon.logs import Caps, containers
from dthostmon.model import Gap, Severity, StreamPosition
from dthostmon.transport import Session, connect, local
from tests.fixtures.containers import IMAGE, MISSING, RUN, Docker, Podman, install
from tests.fixtures.sshd import SshServer, make_host, make_local_host
from tests.integration.logs.visitor import Visitor

RECORDED = Path(__file__).parents[2] / "testdata/docker"
FIRST, SECOND, THIRD = "a1" * 32, "b2" * 32, "c3" * 32
RUN_ONCE = (*RUN, IMAGE)
STAMP = re.compile(rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ")


def texts(data: bytes) -> list[bytes]:
    """Return what the lines say, without their stamps."""
    assert data == b"" or data.endswith(b"\n")
    lines = data.split(b"\n")[:-1]
    assert all(STAMP.match(line) for line in lines)
    return [STAMP.sub(b"", line) for line in lines]


async def settle(visitor: Visitor, podman: Podman, expected: int) -> None:
    """Visit until so many lines have arrived: the engine takes a moment to store what was printed."""
    for _ in range(100):
        await visitor.visit()
        if visitor.everything.count(b"\n") >= expected:
            break
        time.sleep(0.02)  # nothing else runs


async def local_session(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setitem(local.ENVIRONMENT, "PATH", f"{bin_folder}:{local.ENVIRONMENT['PATH']}")
    return await connect(make_local_host())


@pytest.fixture
async def visitor(podman: Podman, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    return Visitor(await local_session(podman.bin, monkeypatch), ("docker:*",))


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    return Docker(tmp_path / "docker")


@pytest.fixture
async def docker_visitor(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    return Visitor(await local_session(docker.bin, monkeypatch), ("docker:*",))


@pytest.fixture
async def over_ssh(podman: Podman, sshd: Callable[..., SshServer]) -> AsyncIterator[Session]:
    session = await connect(make_host(sshd(options=[f"SetEnv PATH={podman.bin}:/usr/bin:/bin"])))
    yield session
    await session.close()


async def test_every_line_of_both_streams_is_read_once_over_visits(visitor: Visitor, podman: Podman, over_ssh: Session):
    podman.start("web", "echo first; echo second >&2")
    remote = Visitor(over_ssh, ("docker:web",))
    expected = [b"first", b"second"]
    for number in range(2):
        for each in (visitor, remote):
            await settle(each, podman, len(expected))
        podman.print("web", f"out {number}", "the same", "the same")
        podman.print("web", f"err {number}", to=2)
        expected += [f"out {number}".encode(), b"the same", b"the same", f"err {number}".encode()]
    for each in (visitor, remote):
        await settle(each, podman, len(expected))
        assert (await each.visit()).problems == ()
        assert sorted(texts(each.everything)) == sorted(expected)
    assert {log.path for log in (await visitor.visit()).logs} == {"docker:web"}


async def test_a_line_without_its_end_waits_for_it(visitor: Visitor, podman: Podman):
    podman.start("web", "echo whole; printf half")
    await settle(visitor, podman, 1)
    assert (await visitor.only()).bytes_pending > len("half")
    podman.print("web", " of it")
    await settle(visitor, podman, 2)
    whole, half = texts(visitor.everything)
    assert whole == b"whole"
    assert re.fullmatch(rb"half\S+Z  of it", half)


async def test_the_last_line_of_a_container_that_ended_needs_no_end(visitor: Visitor, podman: Podman):
    podman("run", "--name", "job", *RUN_ONCE, "/bin/sh", "-c", "echo one; printf two")
    await settle(visitor, podman, 2)
    await visitor.visit()
    assert texts(visitor.everything) == [b"one", b"two"]
    podman("start", "job")
    await settle(visitor, podman, 4)
    await visitor.visit()
    assert texts(visitor.everything) == [b"one", b"two", b"one", b"two"]


async def test_a_restarted_container_goes_on(visitor: Visitor, podman: Podman):
    podman.start("web", "echo started")
    await settle(visitor, podman, 1)
    podman("restart", "--time", "0", "web")
    await settle(visitor, podman, 2)
    await visitor.visit()
    assert texts(visitor.everything) == [b"started"] * 2


async def test_a_renamed_container_goes_on_under_its_new_name(visitor: Visitor, podman: Podman):
    podman.start("old", "echo one")
    await settle(visitor, podman, 1)
    podman("rename", "old", "new")
    podman.print("new", "two")
    await settle(visitor, podman, 2)
    assert [log.path for log in (await visitor.visit()).logs] == ["docker:new"]
    podman("rename", "new", "old")
    podman.print("old", "three")
    await settle(visitor, podman, 3)
    assert texts(visitor.everything) == [b"one", b"two", b"three"]


async def test_a_container_made_anew_is_read_from_its_start(visitor: Visitor, podman: Podman):
    podman.start("web", "echo one")
    await settle(visitor, podman, 1)
    podman("rm", "--force", "--time", "0", "web")
    assert (await visitor.visit()).logs == ()
    podman.start("web", "echo two")
    podman.start("late", "echo three")
    await settle(visitor, podman, 3)
    await visitor.visit()
    assert sorted(texts(visitor.everything)) == [b"one", b"three", b"two"]


async def test_a_container_made_anew_is_known_by_its_id_whatever_its_stamps(docker_visitor: Visitor, docker: Docker):
    docker.list((FIRST, "web", "Up"))
    docker.log(FIRST, [("2026-01-01T10:00:00Z", "one\n")])
    await docker_visitor.visit()
    docker.list((SECOND, "web", "Up"))
    docker.log(SECOND, [("2025-01-01T10:00:00Z", "two\n")])
    await docker_visitor.visit()
    assert texts(docker_visitor.everything) == [b"one", b"two"]


async def test_a_host_without_an_engine_is_told_of_and_nothing_else(docker_visitor: Visitor, docker: Docker):
    install(docker.bin / "docker", MISSING)
    reading = await docker_visitor.visit()
    told, nothing = reading.problems
    assert (told.kind, told.severity) == ("log-missing", Severity.INFO)
    assert nothing.kind == "log-none"
    assert told.title == "docker:* is not there: there is neither docker nor podman on this host"


async def test_an_engine_that_refuses_is_told_with_its_words(docker_visitor: Visitor, docker: Docker):
    (docker.data / "refusal").write_text("permission denied while trying to connect to the Docker daemon socket")
    reading = await docker_visitor.visit()
    [told] = reading.problems
    assert (told.kind, told.severity) == ("log-unreadable", Severity.WARN)
    assert "permission denied while trying to connect" in told.title
    assert reading.patterns == frozenset()
    (docker.data / "refusal").unlink()
    assert (await docker_visitor.visit()).patterns == {"docker:*"}


async def test_lines_of_one_stamp_are_told_apart_over_visits(docker_visitor: Visitor, docker: Docker):
    docker.list((FIRST, "web", "Up 3 hours"))
    stamp = "2026-01-01T10:00:00.5Z"
    docker.log(FIRST, [(stamp, "a\n"), (stamp, "a\n")])
    assert texts((await docker_visitor.only()).data) == [b"a", b"a"]
    docker.log(FIRST, [(stamp, "a\n"), ("2026-01-01T10:00:00.4Z", "late\n"), (stamp, "b\n")])
    assert texts((await docker_visitor.only()).data) == [b"late", b"a", b"b"]
    assert texts((await docker_visitor.only()).data) == []


async def test_stamps_have_nine_digits_and_a_record_without_end_is_followed_by_the_next(
    docker_visitor: Visitor, docker: Docker
):
    docker.list((FIRST, "web", "Up 3 hours"))
    docker.log(FIRST, [("2026-01-01T10:00:00Z", "part "), ("2026-01-01T10:00:05.25Z", "rest\n")])
    expected = b"2026-01-01T10:00:00.000000000Z part 2026-01-01T10:00:05.250000000Z rest\n"
    assert (await docker_visitor.only()).data == expected
    assert (await docker_visitor.only()).data == b""


@pytest.mark.parametrize(
    ("recorded", "options"),
    [
        ("logs.txt", ()),
        ("logs-since.txt", ("--since", "2026-11-27T11:38:07.271625251Z")),
        ("logs-since-tail.txt", ("--since", "2026-11-27T11:38:07.271625251Z", "--tail", "2")),
        ("logs-tail.txt", ("--tail", "3")),
    ],
)
def test_the_stand_in_prints_what_docker_printed(docker: Docker, recorded: str, options: tuple[str, ...]):
    shutil.copy(RECORDED / "json-file.log", docker.data / f"{FIRST}-json.log")
    command = [docker.bin / "docker", "logs", "--timestamps", *options, FIRST]
    assert subprocess.run(command, capture_output=True, check=True).stdout == (RECORDED / recorded).read_bytes()


async def test_a_log_that_docker_wrote_is_read_once(docker_visitor: Visitor, docker: Docker):
    container_id, name, status = (RECORDED / "ps.txt").read_text().strip().split(" ", 2)
    docker.list((container_id, name, status))
    records = [json.loads(line) for line in (RECORDED / "json-file.log").read_text().splitlines()]
    for record in records:
        docker.log(container_id, [(record["time"], record["log"])])
        await docker_visitor.visit()
    assert sorted(texts(docker_visitor.everything)) == sorted(
        text.encode() for text in ["out", "err", "", "café \ufffd", "half"] * 2
    )


async def test_names_choose_the_containers(docker_visitor: Visitor, docker: Docker):
    docker.list((FIRST, "web-1", "Up 3 hours"), (SECOND, "web-2", "Up 1 hour"), (THIRD, "db", "Exited (0) 1 day ago"))
    for container_id in (FIRST, SECOND, THIRD):
        docker.log(container_id, [("2026-01-01T10:00:00Z", f"{container_id[:2]}\n")])
    docker_visitor.patterns = ("docker:web-*", "docker:web-1", "docker:none")
    reading = await docker_visitor.visit()
    assert {log.path: texts(log.data) for log in reading.logs} == {"docker:web-1": [b"a1"], "docker:web-2": [b"b2"]}
    [told] = reading.problems
    assert (told.severity, told.fields) == (Severity.INFO, {"path": "docker:none"})
    docker_visitor.patterns = ("docker:*",)
    docker.log(THIRD, [("2026-01-01T10:00:01Z", "more\n")])
    assert sorted(texts(log.data) for log in (await docker_visitor.visit()).logs) == [[], [], [b"c3", b"more"]]


async def test_hostile_names_go_nowhere(docker_visitor: Visitor, docker: Docker, tmp_path: Path):
    made = tmp_path / "made"
    docker.list(
        (FIRST, f"$(touch {made})", "Up"),
        (f"{SECOND};touch {made}", "web", "Up"),
        (THIRD, "../../etc/passwd", "Up"),
        ("--help", "web", "Up"),
        (FIRST, "good,web/alias", "Up 1 second"),
    )
    docker.log(FIRST, [("2026-01-01T10:00:00Z", "line\n")])
    reading = await docker_visitor.visit()
    assert [log.path for log in reading.logs] == ["docker:good"]
    assert "lists 4 containers in a form that no engine gives" in reading.problems[0].title
    assert not made.exists()


async def test_the_first_visit_takes_the_last_lines_within_the_look_back(docker_visitor: Visitor, docker: Docker):
    docker.list((FIRST, "web", "Up"))
    docker.log(FIRST, [(f"2026-01-01T10:{n // 60:02}:{n % 60:02}Z", f"line {n}\n" + "") for n in range(3000)])
    docker_visitor.look_back = 1000
    reading = await docker_visitor.only()
    taken = texts(reading.data)
    assert 900 < len(reading.data) <= 1000
    assert taken == [f"line {number}".encode() for number in range(3000 - len(taken), 3000)]
    assert (await docker_visitor.only()).data == b""


async def test_a_backlog_is_caught_up_over_several_visits(docker_visitor: Visitor, docker: Docker):
    docker.list((FIRST, "web", "Up"), (SECOND, "quiet", "Up"))
    docker.log(SECOND, [("2026-01-01T09:00:00Z", "quiet\n")])
    docker.log(FIRST, [("2026-01-01T09:00:00Z", "line 0\n")])
    await docker_visitor.visit()
    docker.log(FIRST, [(f"2026-01-01T10:00:00.{n:03}Z", f"line {n}\n") for n in range(1, 400)])
    docker_visitor.caps = Caps(log=3000, host=5000)
    pending, sizes = [], []
    for _ in range(8):
        by_path = {log.path: log for log in (await docker_visitor.visit()).logs}
        assert len(by_path["docker:web"].data) <= 3000
        assert by_path["docker:quiet"].data == b""
        pending.append(by_path["docker:web"].bytes_pending)
        sizes.append(len(by_path["docker:web"].data))
    lines = [text for text in texts(docker_visitor.everything) if text != b"quiet"]
    assert lines == [f"line {number}".encode() for number in range(400)]
    assert (pending[0], pending[-1]) == (None, 0)
    assert sizes[0] > 5000 // 2, "what the quiet one does not need is left to the other"


async def test_a_line_larger_than_all_that_may_be_printed_is_passed(docker_visitor: Visitor, docker: Docker):
    docker.list((FIRST, "web", "Up"))
    docker.log(FIRST, [("2026-01-01T09:00:00Z", "before\n")])
    await docker_visitor.visit()
    docker.log(FIRST, [("2026-01-01T10:00:00Z", "x" * 500_000 + "\n"), ("2026-01-01T10:00:01Z", "after\n")])
    docker_visitor.caps = Caps(log=50_000, host=60_000)
    assert [told.kind for told in (await docker_visitor.visit()).problems] == ["log-gap"]
    for _ in range(2):
        assert (await docker_visitor.visit()).problems == ()
    before, long, after = texts(docker_visitor.everything)
    assert (before, after) == (b"before", b"after")
    assert re.fullmatch(rb"x+ \[cut: more than \d+ bytes\]", long)


async def test_more_than_the_last_lines_is_read_where_they_do_not_reach_back(
    docker_visitor: Visitor, docker: Docker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(containers, "TAIL_LINES", 10)
    docker.list((FIRST, "web", "Up"))
    docker.log(FIRST, [("2026-01-01T09:00:00Z", "line 0\n")])
    await docker_visitor.visit()
    docker.log(FIRST, [(f"2026-01-01T10:00:{n:02}Z", f"line {n}\n") for n in range(1, 50)])
    await docker_visitor.visit()
    assert texts(docker_visitor.everything) == [f"line {number}".encode() for number in range(50)]


async def test_a_clock_that_was_set_back_is_a_gap(docker_visitor: Visitor, docker: Docker):
    docker.list((FIRST, "web", "Up"))
    docker.log(FIRST, [("2199-01-01T09:00:00Z", "from the future\n")])
    await docker_visitor.visit()
    reading = await docker_visitor.visit()
    [told], [log] = reading.problems, reading.logs
    assert told.kind == "log-gap"
    assert log.gaps == (Gap(None, containers.CLOCK_REASON),)
    assert (await docker_visitor.visit()).problems == ()


async def test_what_the_engine_says_itself_is_told_and_is_no_line(docker_visitor: Visitor, docker: Docker):
    docker.list((FIRST, "web", "Up"), (SECOND, "none", "Up"))
    docker.log(FIRST, [("2026-01-01T09:00:00Z", "line\n")])
    install(
        docker.bin / "docker",
        (docker.bin / "docker").read_text().replace("exec ", "")
        + f'case "$*" in *{FIRST}*) echo "error from daemon in stream" >&2;;\n'
        + f"*{SECOND}*) echo 'configured logging driver does not support reading' >&2;; esac\n",
    )
    (docker.data / f"{SECOND}-json.log").write_text("")
    reading = await docker_visitor.visit()
    by_path = {told.fields["path"]: told for told in reading.problems}
    assert by_path["docker:web"].severity is Severity.INFO
    assert "error from daemon in stream" in by_path["docker:web"].title
    assert by_path["docker:none"].kind == "log-unreadable"
    assert "does not support reading" in by_path["docker:none"].title
    assert texts(docker_visitor.everything) == [b"line"]


async def test_a_name_that_two_engines_have_is_told(docker_visitor: Visitor, docker: Docker):
    docker.list((FIRST, "web", "Up"))
    docker.log(FIRST, [("2026-01-01T09:00:00Z", "line\n")])
    install(docker.bin / "podman", f"#!/bin/sh\necho {SECOND} web Up; echo {FIRST} web Up\n")
    reading = await docker_visitor.visit()
    assert [told.title for told in reading.problems] == [
        "docker:web cannot be read: another container engine has one of that name, and that of podman is left out"
    ]
    assert texts(docker_visitor.everything) == [b"line"]


async def test_more_containers_than_are_read_is_told(
    docker_visitor: Visitor, docker: Docker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(containers, "MOST_CONTAINERS", 1)
    docker.list((FIRST, "newest", "Up"), (SECOND, "older", "Up"))
    docker.log(FIRST, [])
    reading = await docker_visitor.visit()
    assert [log.path for log in reading.logs] == ["docker:newest"]
    assert [told.kind for told in reading.problems] == ["log-too-many"]


async def test_a_stored_position_never_becomes_part_of_a_command(
    docker_visitor: Visitor, docker: Docker, tmp_path: Path
):
    docker.list((FIRST, "web", "Up"))
    docker.log(FIRST, [("2026-01-01T09:00:00Z", "line\n")])
    await docker_visitor.visit()
    known = docker_visitor.state.streams["docker:web"]
    hostile = replace(known, position=StreamPosition(f"$(touch {tmp_path}/made)", FIRST))
    docker_visitor.state = replace(docker_visitor.state, streams={"docker:web": hostile})
    await docker_visitor.visit()
    assert not (tmp_path / "made").exists()
