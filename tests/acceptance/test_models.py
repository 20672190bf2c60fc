"""Models behind real HTTP: what they change of a run, and what is told where they do not answer."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.openai_stand_in import OpenAiStandIn
from tests.fixtures.program import Program
from tests.fixtures.stand_in import KEY, Obeys, Refuses, serving
from tests.integration.judge_checks import answer, claim

FAILED = "Nov 23 06:00:{:02d} web1 sshd[4242]: Failed password for root from 203.0.113.7 port 4000 ssh2\n"
SECRET = "hunter2-Very-Secret"  # noqa: S105  # planted, to be looked for in what is sent
LEAK = f"Nov 23 06:00:00 web1 app[7]: mysql failed: mysql -uroot --password={SECRET} said error\n"


@pytest.fixture
def server() -> Iterator[OpenAiStandIn]:
    stand_in = OpenAiStandIn()
    stand_in.text = answer(60, "WARN", [claim("E01")])
    with serving(stand_in):
        yield stand_in


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "auth.log"


def configure(
    program: Program, server: OpenAiStandIn, log: Path, *, key: str = KEY, more: str = "", settings: str = ""
) -> None:
    if not program.hosts:
        program.add_this_machine(log, more=", probes: []")
    program.configure(
        f"{settings}\nai: {{providers: [{{name: grok, type: openai, url: '{server.url}', model: grok-4-fast,"
        f" api_key: '{key}',"
        f" prices: {{input: 2, output: 10}}}}]{more}}}"
    )


def test_a_model_judges_beside_the_rules(program: Program, server: OpenAiStandIn, log: Path) -> None:
    configure(program, server, log)
    log.write_text(FAILED.format(1) + LEAK)
    (run,) = program.document("monitor")["runs"]
    assert run["judged_by"] == "rules+grok/grok-4-fast"
    assert 100 + sum(reason["points"] for reason in run["reasons"]) == run["score"]
    (request,) = [one for one in server.requests if one.method == "POST"]
    assert SECRET.encode() not in request.raw
    assert KEY.encode() not in request.raw
    assert b"203.0.113.7" in request.raw


def test_without_an_answer_the_score_is_that_of_the_rules_and_is_judged_later(
    program: Program, server: OpenAiStandIn, log: Path
) -> None:
    configure(program, server, log)
    log.write_text(FAILED.format(1))
    server.plays(Refuses(503))
    (run,) = program.document("monitor")["runs"]
    assert (run["judged_by"], run["score"]) == ("rules-only:overloaded", 99)

    still = program.document("ai", "replay")
    assert (still["judged"], still["left"]) == (0, 1)
    server.plays(Obeys())
    later = program.document("ai", "replay", "--since", "1h")
    assert (later["judged"], later["left"]) == (1, 0)
    assert later["runs"][0]["judged_by"] == "rules+grok/grok-4-fast"
    assert program.document("ai", "replay")["judged"] == 0


def test_each_provider_is_tried_with_one_request(program: Program, server: OpenAiStandIn, log: Path) -> None:
    configure(program, server, log)
    (good,) = program.document("ai", "test")["providers"]
    assert (good["ok"], good["model_listed"], good["problem"]) == (True, True, None)
    assert good["cost"] > 0
    server.text = json.dumps({"summary": "no more"})
    (bad,) = program.document("ai", "test", code=1)["providers"]
    assert not bad["ok"]
    configure(program, server, log, key="xai-wrong-key-0123456789")
    told = program.run("ai", "test", code=1)
    assert b"api_key" in told.stderr
    assert b"xai-wrong" not in told.stderr + told.stdout


def test_where_pseudonyms_are_wanted_every_request_has_them_and_no_result(
    program: Program, server: OpenAiStandIn, log: Path
) -> None:
    program.add_this_machine(log, name="web1", more=", probes: []")
    program.hosts.append("  - {name: db-2, hostname: store.corp.acme, enabled: false}")
    server.text = answer(60, "WARN", [{**claim("E01"), "description": "Entered from address-1.1."}])
    configure(program, server, log, more=", pseudonyms: true")
    log.write_text(FAILED.format(1) + "Nov 23 06:00:02 web1 app[7]: web1: db-2 (store.corp.acme) has no space\n")
    assert program.document("ai", "test")["providers"][0]["ok"]
    (run,) = program.document("monitor")["runs"]
    assert "Entered from 203.0.113.7." in [one["title"] for one in run["findings"]]
    with log.open("a") as file:
        file.write(FAILED.format(3) + "Nov 23 06:00:04 web1 app[7]: db-2 and web1 have no space\n")
    server.plays(Refuses(503))
    program.document("monitor")
    server.plays(Obeys())
    assert program.document("ai", "replay")["judged"] == 1
    questions = [one.raw for one in server.requests if one.method == "POST"]
    assert len(questions) >= 4
    assert any(b"host-1" in raw.split(b"begin ")[1] for raw in questions)
    for raw in questions:
        assert b"address-1.1" in raw
        assert not [name for name in (b"203.0.113.7", b"192.0.2.7", b"web1", b"db-2", b"corp.acme") if name in raw]


def asked(server: OpenAiStandIn, more_than: int = 0) -> list[bytes]:
    """Return the questions that came, when there are more of them than so many."""
    deadline = time.monotonic() + 40
    while True:
        questions = [one.raw for one in server.requests if one.method == "POST"]
        if len(questions) > more_than:
            return questions
        assert time.monotonic() < deadline, f"no more than {len(questions)} questions came"
        time.sleep(0.1)


def test_the_daemon_hides_the_names_of_an_edited_configuration(
    program: Program, server: OpenAiStandIn, log: Path
) -> None:
    log.write_text(FAILED.format(1))
    often = "monitoring: {interval: 10s}"
    configure(program, server, log, settings=often)
    with program.daemon() as daemon:
        before = asked(server)
        assert b"203.0.113.7" in before[0]
        program.hosts.append("  - {name: db-2, hostname: store.corp.acme, enabled: false}")
        configure(program, server, log, more=", pseudonyms: true", settings=often)
        daemon.wait_for(daemon.log, "the edited configuration is in force")
        with log.open("a") as file:
            file.write(FAILED.format(3) + "Nov 23 06:00:04 web1 app[7]: db-2 (store.corp.acme) has no space\n")
        question = asked(server, len(before))[-1]
        assert b"address-1.1" in question
        assert not [name for name in (b"203.0.113.7", b"db-2", b"corp.acme") if name in question]
        assert daemon.terminate() == 0


def test_no_provider_is_said(program: Program) -> None:
    program.configure()
    assert b"ai.providers" in program.run("ai", "test", code=1).stderr


def test_a_budget_of_nothing_asks_nobody(program: Program, server: OpenAiStandIn, log: Path) -> None:
    configure(program, server, log, more=", daily_tokens: 0")
    log.write_text(FAILED.format(1))
    (run,) = program.document("monitor")["runs"]
    assert (run["judged_by"], run["score"]) == ("rules-only:budget", 99)
    assert server.requests == []


def test_the_daemon_tells_whether_a_model_may_be_asked(program: Program, server: OpenAiStandIn, log: Path) -> None:
    log.write_text(FAILED.format(1))
    configure(program, server, log)
    with program.daemon() as daemon:
        daemon.wait_for(daemon.log, "a cycle ended")
        _, health = daemon.get("/health")
        assert health["ai"] == {"status": "ok", "providers": {"grok": "closed"}}
        assert daemon.terminate() == 0
