"""The daemon as an administrator runs it: started, asked, edited under way, stopped, started twice."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.postgres import PostgresServer
from tests.fixtures.program import Daemon, Program
from tests.fixtures.sshd import SshServer, descendants


def wait_for_run(
    daemon: Daemon, key: str, host: str, *, after: str | None = None, seconds: float = 30.0
) -> dict[str, object]:
    """Return the newest run of a host once there is one that is newer than the run `after`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status, run = daemon.get(f"/api/v1/hosts/{host}/runs/latest", key)
        if status == 200 and run["id"] != after:
            return dict(run)
        time.sleep(0.2)
    raise AssertionError(f"no new run of {host}:\n{daemon.log.read_text()}")


def bring_back(daemon: Daemon, key: str, server: PostgresServer) -> str:
    """Bring the database back and return the newest run that it still has."""
    server.start()
    status, run = daemon.get("/api/v1/hosts/here/runs/latest", key)
    assert status == 200
    return str(run["id"])


def make_key(program: Program, scope: str = "read") -> str:
    return str(program.document("key", "create", f"test-{scope}", "--scope", scope)["key"])


def watch_one_log(program: Program, server: PostgresServer, folder: Path) -> Path:
    """Let the program watch a log of one line and store what it finds in a database of the server."""
    program.database = server.create_database()
    log = folder / "app.log"
    log.write_text("the first line\n")
    program.add_this_machine(log, more=", probes: []")
    program.configure("monitoring: {interval: 10s}")
    return log


@pytest.fixture
def watched(program: Program, tmp_path: Path) -> Program:
    log = tmp_path / "app.log"
    log.write_text("Nov 23 06:00:00 here CRON[77]: (root) CMD (true)\n")
    program.add_this_machine(log)
    program.configure("monitoring: {interval: 10s}")
    return program


def test_the_first_run_comes_at_once_and_health_is_good(watched: Program) -> None:
    key = make_key(watched)
    with watched.daemon() as daemon:
        run = wait_for_run(daemon, key, "here")
        assert run["status"] == "ok"
        status, health = daemon.get("/health")
        assert (status, health["status"], health["database"]["status"]) == (200, "ok", "ok")
        assert health["scheduler"]["last_cycle"]["ok"] == 1
        assert "here" in daemon.wait_for(daemon.output, r"here .*")
        assert daemon.terminate() == 0


def test_sigterm_in_the_middle_of_a_check_ends_it_in_time(sshd: Callable[..., SshServer], program: Program) -> None:
    server = sshd()
    log = server.root / "app.log"
    log.write_text("a line\n")
    program.add_host(server, log)
    program.configure()
    with program.daemon() as daemon:
        daemon.wait_for(daemon.log, "phase='facts'")
        begin = time.monotonic()
        assert daemon.terminate() == 0
        assert time.monotonic() - begin < 20


def test_connections_are_kept_between_cycles_and_end_with_the_daemon(
    sshd: Callable[..., SshServer], program: Program
) -> None:
    servers = [sshd(name, options=["LogLevel VERBOSE"]) for name in ("stays", "goes")]
    for server in servers:
        program.add_host(server, "/etc/hostname", more=", probes: []")
    program.configure("monitoring: {interval: 10s}")
    key = make_key(program)
    with program.daemon() as daemon:
        first = wait_for_run(daemon, key, "stays")
        assert wait_for_run(daemon, key, "stays", after=str(first["id"]))["status"] == "ok"
        assert [server.log().count("Accepted publickey") for server in servers] == [1, 1]
        program.hosts.pop()
        program.configure("monitoring: {interval: 10s}")
        wait_until_left(servers[1])
        assert descendants(servers[0].pid)
        assert daemon.terminate() == 0
        wait_until_left(servers[0])


def wait_until_left(server: SshServer) -> None:
    """Wait, a bounded time, until no session of a server is left."""
    deadline = time.monotonic() + 30
    while descendants(server.pid):
        assert time.monotonic() < deadline, f"sessions of {server.name} are left"
        time.sleep(0.1)


def test_commands_work_beside_the_daemon_and_a_second_daemon_is_refused(
    program_on_both: Program, tmp_path: Path
) -> None:
    program = program_on_both
    (tmp_path / "app.log").write_text("a line\n")
    program.add_this_machine(tmp_path / "app.log", more=", probes: []")
    program.configure()
    with program.daemon() as daemon:
        daemon.wait_for(daemon.log, "a cycle ended")
        assert program.document("monitor")["cycle"]["ok"] == 1
        refused = program.run("run", code=1)
        assert b"already" in refused.stderr.lower()
        assert daemon.terminate() == 0
    with program.daemon() as again:
        assert again.terminate() == 0


def test_an_edit_takes_effect_on_the_next_cycle_and_a_broken_one_is_refused(watched: Program, tmp_path: Path) -> None:
    key = make_key(watched)
    with watched.daemon() as daemon:
        first = wait_for_run(daemon, key, "here")
        watched.configuration.write_text(watched.configuration.read_text().replace("hosts:", "hots:"))
        daemon.wait_for(daemon.log, "the edited configuration is refused")
        assert daemon.get("/health")[1]["configuration"]["status"] == "edit refused"
        second = wait_for_run(daemon, key, "here", after=str(first["id"]))
        watched.add_this_machine(tmp_path / "app.log", name="added", more=", probes: []")
        watched.configure("monitoring: {interval: 10s}")
        assert wait_for_run(daemon, key, "added")["status"] == "ok"
        assert daemon.get("/health")[1]["configuration"]["status"] == "ok"
        assert second["status"] == "ok"


def test_a_daemon_without_hosts_takes_over_its_first_one(program: Program, tmp_path: Path) -> None:
    program.configure("monitoring: {interval: 10s}")
    key = make_key(program)
    with program.daemon() as daemon:
        program.add_this_machine(tmp_path / "app.log", more=", probes: []")
        program.configure("monitoring: {interval: 10s}")
        assert wait_for_run(daemon, key, "here")["status"] == "ok"


def test_an_edit_that_is_taken_back_is_no_longer_refused(watched: Program) -> None:
    with watched.daemon() as daemon:
        good = watched.configuration.read_text()
        watched.configuration.write_text(good + "nonsense: true\n")
        daemon.wait_for(daemon.log, "the edited configuration is refused")
        watched.configuration.write_text(good)
        deadline = time.monotonic() + 30
        while daemon.get("/health")[1]["configuration"]["status"] != "ok":
            assert time.monotonic() < deadline
            time.sleep(0.2)


def test_a_database_that_dies_and_comes_back_loses_no_line(
    own_postgres_server: PostgresServer, program: Program, tmp_path: Path
) -> None:
    log = watch_one_log(program, own_postgres_server, tmp_path)
    program.document("monitor")
    own_postgres_server.kill()
    done = program.run("monitor", code=1)
    assert b"127.0.0.1" in done.stderr
    assert b"only-for-tests" not in done.stderr + done.stdout
    with log.open("a") as file:
        file.write("a line of the dark hour\n")
    own_postgres_server.start()
    program.document("monitor")
    assert program.run("logs", "here", "--raw").stdout == log.read_bytes()


def test_a_daemon_goes_on_when_its_database_was_away(
    own_postgres_server: PostgresServer, program: Program, tmp_path: Path
) -> None:
    log = watch_one_log(program, own_postgres_server, tmp_path)
    key = make_key(program)
    with program.daemon() as daemon:
        wait_for_run(daemon, key, "here")
        own_postgres_server.kill()
        status, health = daemon.get("/health")
        assert (status, health["database"]["status"]) == (503, "failing")
        with log.open("a") as file:
            file.write("a line of the dark hour\n")
        daemon.wait_for(daemon.log, "a run could not be stored")
        before = bring_back(daemon, key, own_postgres_server)
        assert wait_for_run(daemon, key, "here", after=before)["status"] == "ok"
        assert program.run("logs", "here", "--raw").stdout == log.read_bytes()
        assert b"already" in program.run("run", code=1).stderr.lower()
        assert daemon.terminate() == 0


def test_the_api_wants_a_key_and_pages_through_runs(watched: Program) -> None:
    key = make_key(watched)
    for _ in range(3):
        watched.document("monitor")
    with watched.daemon() as daemon:
        assert daemon.get("/api/v1/hosts")[0] == 401
        assert daemon.get("/api/v1/hosts", "dth_wrong")[0] == 401
        status, hosts = daemon.get("/api/v1/hosts", key)
        assert (status, [host["name"] for host in hosts["hosts"]], hosts["next"]) == (200, ["here"], None)
        assert daemon.get("/api/v1/hosts?after=here", key)[1]["hosts"] == []
        wait_for_run(daemon, key, "here")
        seen: list[str] = []
        after = ""
        while True:
            page = daemon.get(f"/api/v1/hosts/here/runs?limit=2{after}", key)[1]
            seen += [run["id"] for run in page["runs"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert len(seen) == len(set(seen)) >= 3
        assert daemon.get("/api/v1/hosts/here/findings", key)[1]["findings"] == []
        assert daemon.get("/api/v1/hosts/here", key)[1]["latest_run"]["id"]
        assert daemon.get("/api/v1/hosts/here/coverage", key)[1]["coverage"][0]["bytes_skipped"] == 0
        watched.run("key", "revoke", "test-read")
        assert daemon.get("/api/v1/hosts", key)[0] == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/hosts/none", 404),
        ("/api/v1/none", 404),
        ("/api/v1/hosts/here/runs?limit=abc", 422),
        ("/api/v1/hosts/here/runs?limit=0", 422),
        ("/api/v1/hosts/here/runs?limit=1&limit=2", 422),
        ("/api/v1/hosts/here/runs?after=nonsense", 422),
        ("/api/v1/hosts/here/findings?since=0.5", 422),
        ("/api/v1/hosts/here/findings?since=2026-01-01T00:00:00", 422),
        ("/api/v1/hosts?x=1", 422),
    ],
)
def test_a_request_that_cannot_be_served_says_why(watched_daemon: tuple[Daemon, str], path: str, status: int) -> None:
    daemon, key = watched_daemon
    answered, problem = daemon.get(path, key)
    assert answered == status
    assert problem["status"] == status
    assert "nonsense" not in json.dumps(problem)


@pytest.fixture(scope="module")
def watched_daemon(tmp_path_factory: pytest.TempPathFactory) -> object:
    """One daemon for all requests that change nothing, and a key for it."""
    folder = tmp_path_factory.mktemp("daemon")
    program = Program(folder)
    program.add_this_machine(folder / "app.log", more=", probes: []")
    program.configure()
    key = make_key(program)
    with program.daemon() as daemon:
        yield daemon, key
