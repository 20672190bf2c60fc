"""What lines of several visits mean together, told by the program as an administrator runs it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.acceptance.test_daemon import make_key, wait_for_run
from tests.fixtures.program import Program

ADDRESS, USER = "203.0.113.77", "deploy"


def failed(at: datetime) -> str:
    return f"{at.isoformat()} here sshd[77]: Failed password for {USER} from {ADDRESS} port 40000 ssh2\n"


def accepted(at: datetime) -> str:
    return f"{at.isoformat()} here sshd[78]: Accepted password for {USER} from {ADDRESS} port 40001 ssh2\n"


def test_a_brute_force_that_succeeds_after_a_restart_of_the_daemon_is_one_critical_finding(
    program_on_both: Program, tmp_path: Path
) -> None:
    program, log = program_on_both, tmp_path / "auth.log"
    begin = datetime.now(UTC) - timedelta(minutes=10)
    log.write_text("".join(failed(begin + timedelta(seconds=second)) for second in range(3)))
    program.add_this_machine(log, more=", probes: []")
    program.configure("monitoring: {interval: 10s}")
    key = make_key(program)
    with program.daemon() as daemon:
        first = wait_for_run(daemon, key, "here")
        with log.open("a") as file:
            file.writelines(failed(begin + timedelta(minutes=2, seconds=second)) for second in range(3))
        second = wait_for_run(daemon, key, "here", after=str(first["id"]))
        assert daemon.terminate() == 0
    with log.open("a") as file:
        file.write(accepted(begin + timedelta(minutes=5)))
    with program.daemon() as daemon:
        wait_for_run(daemon, key, "here", after=str(second["id"]))
        assert daemon.terminate() == 0
    critical = [one for one in program.document("findings", "here") if one["severity"] == "CRITICAL"]
    (found,) = critical
    assert found["kind"] == "login-after-brute-force"
    assert (found["fields"]["address"], found["fields"]["user"]) == (ADDRESS, USER)
    lines = [line["line"] for line in found["evidence"]]
    assert lines[-1] == accepted(begin + timedelta(minutes=5)).rstrip()
    assert failed(begin).rstrip() in lines
    stored = program.run("logs", "here").stdout.decode()
    for line in found["evidence"]:
        assert line["id"].startswith("l-")
        assert line["path"] == str(log)
        assert line["line"] in stored
    assert len({line["id"] for line in found["evidence"]}) == len(lines)
