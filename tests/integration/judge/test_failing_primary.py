"""Twenty hosts, and a first provider that fails in one way after the other: the second judges all of them."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientSession

from dthostmon.store import Store
from tests.fixtures.asking import make
from tests.fixtures.ollama_stand_in import OllamaStandIn
from tests.fixtures.openai_stand_in import OpenAiStandIn
from tests.fixtures.stand_in import Behaviour, Breaks, Drips, Floods, Hangs, Refuses, Says
from tests.integration.judge_checks import answer, make_checks, make_host

HOSTS = 20
SECONDS = 60.0
TRY_SECONDS = 1.0
MOST_REQUESTS = 8  # four at a time, and two tries of each, before the breaker opens
FAILED = "Nov 23 06:00:00 here sshd[7]: Failed password for user{:02d} from 203.0.113.9 port 4000 ssh2\n"

REFUSALS = (400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529)
WAYS: dict[str, tuple[Behaviour, int]] = {
    **{str(status): (Refuses(status), MOST_REQUESTS) for status in REFUSALS if status != 413},
    "413": (Refuses(413), HOSTS),  # one question is too long; another one may not be
    "429 with a wait": (Refuses(429, headers={"Retry-After": "60"}), MOST_REQUESTS),
    "a hang before the body": (Hangs(), MOST_REQUESTS),
    "a hang in the body": (Hangs(b'{"choices"'), MOST_REQUESTS),
    "a byte a second": (Drips(), MOST_REQUESTS),
    "500 MB": (Floods(), MOST_REQUESTS),
    "HTML": (Says(b"<html>busy</html>", "text/html"), MOST_REQUESTS),
    "cut JSON": (Breaks(b'{"choices": ['), MOST_REQUESTS),
    "another shape": (Says(b'{"ok": true}'), MOST_REQUESTS),
    "NaN": (Says(b'{"choices": NaN}'), MOST_REQUESTS),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_first_provider_that_fails_hinders_no_host(
    way: str,
    openai_server: OpenAiStandIn,
    ollama_server: OllamaStandIn,
    session: ClientSession,
    sqlite_store: Store,
    tmp_path: Path,
) -> None:
    behaviour, most = WAYS[way]
    openai_server.plays(behaviour)
    ollama_server.text = answer(90)
    providers = [make("openai", openai_server, session, TRY_SECONDS), make("ollama", ollama_server, session)]
    checks = make_checks(sqlite_store, providers, daily_tokens=10**8)
    logs = [tmp_path / f"{number}.log" for number in range(HOSTS)]
    for number, log in enumerate(logs):
        log.write_text(FAILED.format(number))  # no two questions are the same
    hosts = [make_host(f"web{number}", log) for number, log in enumerate(logs)]
    async with asyncio.timeout(SECONDS):
        runs = await asyncio.gather(*map(checks.check, hosts))
    assert {run.judged_by for run in runs} == {"rules+grok/llama3.1"}
    assert {run.score for run in runs} == {99}
    assert len(openai_server.requests) <= most
    assert len(ollama_server.requests) == HOSTS
