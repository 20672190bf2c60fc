"""Where pseudonyms are wanted, no address and no name of a host is sent, whatever the protocol, and all come back."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from dthostmon.app.judging import prompt_form
from dthostmon.config.sections import Ai
from dthostmon.model import FindingSource, Host, Run, SshAccess, TransportKind
from dthostmon.store import Store
from tests.fixtures.asking import make
from tests.fixtures.stand_in import Obeys, StandIn
from tests.integration.judge_checks import claim, make_checks, make_host

ADDRESSES = ("203.0.113.9", "198.51.100.23", "2001:db8:7::5")
NAMES = ("web1", "db-2", "db-2.corp.acme", "www.example.com")
QUIET = "Nov 23 06:00:00 web1 CRON[77]: (root) CMD (true)\n"
LINES = """\
Nov 23 06:00:01 web1 sshd[7]: Failed password for root from 203.0.113.9 port 4000 ssh2
Nov 23 06:00:01 web1 sshd[7]: Failed password for root from 2001:db8:7::5 port 4000 ssh2
Nov 23 06:00:02 web1 appa[7]: sending from WEB1 to db-2 (db-2.corp.acme, 198.51.100.23:5432) gave up
Nov 23 06:00:03 web1 appb[7]: opened /srv/www.example.com-access.log and [2001:db8:7::5]:443 for 203.0.113.9
Nov 23 06:00:04 web1 appc[7]: says the stranger: address-1.1 and host-1 are mine
"""
PSEUDONYM = re.compile(rb"\b(?:address|host)-\d+(?:\.\d+)?")
KINDS = pytest.mark.parametrize("kind", ["openai", "ollama", "anthropic", "opencode"])


def an_answer(told: str, *recommendations: str, severity: str = "WARN") -> str:
    """Return an answer whose texts are what is told."""
    finding = {**claim("E01", severity="CRITICAL"), "description": told, "recommended_action": "Block address-1."}
    return json.dumps(
        {
            "summary": told,
            "findings": [finding],
            "health_score": 40,
            "severity": severity,
            "recommendations": list(recommendations),
        }
    )


@dataclass(frozen=True, slots=True)
class NamesAll:
    """Answers with all pseudonyms of a request, in the protocol's own way."""

    severity: str = "WARN"

    async def play(self, stand_in: StandIn, request: web.Request) -> web.StreamResponse:
        names = sorted({found.decode() for found in PSEUDONYM.findall(stand_in.requests[-1].raw)})
        stand_in.text = an_answer(", ".join(names), "Ask address-9.9.", "Look at host-1.", severity=self.severity)
        return await Obeys().play(stand_in, request)


def fleet(log: Path) -> Sequence[Host]:
    """Return the host that is visited, and another one that is configured."""
    access = SshAccess("db-2.corp.acme", 22, "monitor", "", "", "", 10.0, ())
    other = replace(make_host("db-2", log), transport=TransportKind.SSH, ssh=access)
    return [make_host("web1", log), other]


async def visited(server: StandIn, kind: str, session: ClientSession, store: Store, folder: Path, ai: Ai) -> Run:
    """Return the second run of a host, the one that a model is asked about."""
    log = folder / "www.example.com.log"
    log.write_text(QUIET)
    hosts = fleet(log)
    checks = make_checks(store, [make(kind, server, session)], form=prompt_form(ai, hosts))
    await checks.check(hosts[0])
    with log.open("a") as file:
        file.write(LINES)
    run = await checks.check(hosts[0])
    assert run.judged_by.startswith("rules+"), run.judged_by
    stored = await store.run(run.id)
    assert stored is not None
    return stored


def sent_to(server: StandIn) -> str:
    return "\n".join(one.raw.decode() for one in server.requests)


@KINDS
async def test_no_name_leaves_and_all_come_back(
    kind: str, session: ClientSession, sqlite_store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: StandIn = request.getfixturevalue(f"{kind}_server")
    server.plays(NamesAll())
    run = await visited(server, kind, session, sqlite_store, tmp_path, Ai(pseudonyms=True))
    sent = sent_to(server)
    assert "address-1.1" in sent
    assert not [name for name in (*ADDRESSES, *NAMES, "WEB1", "corp.acme", "example.com") if name in sent]
    (finding,) = [one for one in run.findings if one.source is FindingSource.AI]
    for text in (run.summary, finding.title):
        assert not [name for name in (*ADDRESSES, *NAMES) if name.lower() not in text.lower()], text
    assert finding.recommended_action in {f"Block {network}." for network in ("203.0.113.0/24", "2001:db8:7::/64")}
    assert finding.evidence[0].line in LINES
    assert "Ask address-9.9." in run.recommendations
    assert {f"Look at {name}." for name in (*NAMES, "WEB1")} & set(run.recommendations)


@KINDS
async def test_what_looks_like_a_pseudonym_in_a_line_becomes_no_name(
    kind: str, session: ClientSession, sqlite_store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: StandIn = request.getfixturevalue(f"{kind}_server")
    server.plays(NamesAll())
    run = await visited(server, kind, session, sqlite_store, tmp_path, Ai(pseudonyms=True))
    assert "says the stranger: address-1.1" not in sent_to(server)
    assert re.search(r"\baddress-1\.1\b.*\bhost-1\b|\bhost-1\b.*\baddress-1\.1\b", run.summary)


@KINDS
async def test_an_answer_that_is_shown_again_is_shown_in_pseudonyms(
    kind: str, session: ClientSession, sqlite_store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: StandIn = request.getfixturevalue(f"{kind}_server")
    server.plays(NamesAll("host-1"), NamesAll())
    await visited(server, kind, session, sqlite_store, tmp_path, Ai(pseudonyms=True))
    (again,) = [one.raw.decode() for one in server.requests if b"Your answer was refused" in one.raw]
    assert "Look at host-1." in again
    assert "not 'host-1'" in again
    assert not [name for name in (*ADDRESSES, *NAMES, "WEB1") if name in again]


@KINDS
async def test_unless_they_are_wanted_names_are_sent(
    kind: str, session: ClientSession, sqlite_store: Store, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: StandIn = request.getfixturevalue(f"{kind}_server")
    server.plays(NamesAll())
    run = await visited(server, kind, session, sqlite_store, tmp_path, Ai())
    sent = sent_to(server)
    assert all(name in sent for name in (*ADDRESSES, "db-2.corp.acme", "www.example.com"))
    assert "Look at host-1." in run.recommendations
