"""Nothing that is sent to a provider holds a planted secret, whatever protocol it speaks."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import ClientSession

from dthostmon.store import Store
from tests.fixtures.asking import make
from tests.fixtures.stand_in import StandIn
from tests.integration.judge_checks import answer, make_checks, make_host
from tests.unit.redact.test_planted_secrets import ALL, Planted

QUIET = "Nov 23 06:00:00 here CRON[77]: (root) CMD (true)\n"
FAILED = "Nov 23 06:00:01 here sshd[7]: Failed password for root from 203.0.113.9 port 4000 ssh2\n"
GROUP = 15  # as many new messages as a question holds, and some less
# what only the line before shows to be a secret is not known line by line
PLANTED = [planted for planted in ALL if "\n" not in planted.text]
PIECE = 12


def grouped(planted: Sequence[Planted]) -> list[Sequence[Planted]]:
    return [planted[start : start + GROUP] for start in range(0, len(planted), GROUP)]


def written(planted: Planted, number: int) -> str:
    """Return log lines with a secret in them, each of a program of its own, as no template is like another then."""
    name = "".join(chr(ord("a") + int(digit)) for digit in f"{number:03d}")
    lines = planted.text.format(planted.secret).split("\n")
    return "".join(f"Nov 23 06:00:02 here app{name}[7]: {line}\n" for line in lines)


def pieces(secret: str) -> set[str]:
    """Return what names a secret: shorter pieces are words of other lines too."""
    lines = [line for line in secret.split("\n") if "-----" not in line and ": " not in line]
    return {line[at : at + PIECE] for line in lines for at in range(max(1, len(line) - PIECE + 1)) if line}


@pytest.mark.parametrize("kind", ["openai", "ollama", "anthropic", "opencode"])
async def test_no_secret_leaves(
    kind: str,
    session: ClientSession,
    sqlite_store: Store,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    server: StandIn = request.getfixturevalue(f"{kind}_server")
    server.text = answer(90)
    checks = make_checks(sqlite_store, [make(kind, server, session)], daily_tokens=10**8)
    for number, group in enumerate(grouped(PLANTED)):
        log = tmp_path / f"{number}.log"
        host = make_host(f"web{number}", log)
        log.write_text(QUIET)
        await checks.check(host)
        with log.open("a") as file:
            file.write(FAILED + "".join(written(one, at) for at, one in enumerate(group)))
        run = await checks.check(host)
        assert run.judged_by.startswith("rules+"), run.judged_by
    sent = b"\n".join(one.raw for one in server.requests).decode()
    leaked = [planted.text for planted in PLANTED if any(part in sent for part in pieces(planted.secret))]
    assert not leaked
    assert sent.count("[redacted: ") >= len(PLANTED)  # all of them were to be sent
