"""Changes as users ask for them: `changes`, `host show`, `baseline accept`, and over the API."""

from pathlib import Path

import pytest

from tests.fixtures.program import Program


@pytest.fixture
def settings(program: Program, tmp_path: Path) -> Path:
    path, log = tmp_path / "app.conf", tmp_path / "app.log"
    path.write_text("port: 1\n")
    log.write_text("Nov 23 06:00:00 here CRON[77]: (root) CMD (true)\n")
    program.add_this_machine(log, more=f', probes: [files], files: ["{path}", "{tmp_path}/.*_history"]')
    program.configure()
    return path


def test_changes_are_told_on_the_command_line_and_over_the_api(program: Program, settings: Path) -> None:
    assert program.document("changes") == []
    assert b"was not checked yet" in program.run("host", "show", "here").stdout
    program.document("monitor")
    settings.write_text("port: 2\n")
    (settings.parent / ".bash_history").write_text("mysql -phunter2secret\n")
    (run,) = program.document("monitor")["runs"]
    file, history = run["changes"]
    assert (file["kind"], file["subject"], file["expected"], file["severity"]) == ("file", str(settings), False, "INFO")
    assert file["sentence"] == f"{settings}: port: 1 → port: 2"
    assert file["diff"].splitlines()[-2:] == ["-port: 1", "+port: 2"]
    assert history["after"] == "mysql -p[redacted: password]"

    listed = program.document("changes", "here", "--since", "1h")
    assert [one["id"] for one in listed] == [history["id"], file["id"]]
    assert {(one["host"], one["run"]) for one in listed} == {("here", run["id"])}
    assert [one["kind"] for one in program.document("changes", "--kind", "history")] == ["history"]
    told = program.run("changes", "--diff").stdout.decode()
    assert "here INFO" in told
    assert "  +port: 2" in told
    assert program.run("changes", "nowhere", code=2).stdout == b""
    assert b"is not one of" in program.run("changes", "--kind", "moon", code=2).stderr

    screen = program.document("host", "show", "here")
    assert (screen["name"], screen["latest_run"]["id"]) == ("here", run["id"])
    things = {thing["subject"]: thing["kind"] for thing in screen["facts"]["files"]["things"]}
    assert things[str(settings)] == "file"
    assert str(settings) in program.run("host", "show", "here").stdout.decode()
    assert b"Nothing is wrong" in program.run("baseline", "accept", "here").stderr

    key = program.document("key", "create", "reader", "--scope", "read")["key"]
    with program.daemon() as daemon:
        status, page = daemon.get("/api/v1/hosts/here/changes?limit=1", key)
        assert (status, [one["kind"] for one in page["changes"]]) == (200, ["history"])
        rest = daemon.get(f"/api/v1/hosts/here/changes?after={page['next']}", key)[1]
        assert [one["id"] for one in rest["changes"]] == [file["id"]]
        assert daemon.get("/api/v1/hosts/here/changes?kind=file", key)[1]["changes"] == rest["changes"]
        assert daemon.get("/api/v1/hosts/here/changes?kind=moon", key)[0] == 422
        assert daemon.get("/api/v1/hosts/here/changes")[0] == 401
