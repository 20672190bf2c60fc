"""Answers that came and are of no use, over every protocol: what they took is paid for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientSession

from dthostmon.errors import ProviderErrorKind
from dthostmon.judge import Prices
from dthostmon.judge.question import UnusableAnswerError
from dthostmon.model import Usage
from dthostmon.store import Store
from tests.fixtures import anthropic_stand_in as claude
from tests.fixtures import openai_stand_in as xai
from tests.fixtures.anthropic_stand_in import AnthropicStandIn
from tests.fixtures.asking import failure, make
from tests.fixtures.ollama_stand_in import OllamaStandIn
from tests.fixtures.openai_stand_in import OpenAiStandIn
from tests.fixtures.opencode_stand_in import OpenCodeStandIn
from tests.fixtures.stand_in import Refuses, Says, StandIn, serving
from tests.integration.judge_checks import answer, make_checks, make_host

FAILED = "Nov 23 06:00:00 here sshd[7]: Failed password for root from 203.0.113.9 port 4000 ssh2\n"
TOOL = {"id": "1", "type": "function", "function": {"name": "rm", "arguments": "{}"}}
SERVERS: dict[str, type[StandIn]] = {
    "openai": OpenAiStandIn,
    "ollama": OllamaStandIn,
    "anthropic": AnthropicStandIn,
    "opencode": OpenCodeStandIn,
}
TAKEN = {
    "openai": Usage(
        xai.PROMPT_TOKENS, xai.COMPLETION_TOKENS + xai.REASONING_TOKENS, xai.CACHED_TOKENS, xai.REASONING_TOKENS
    ),
    "ollama": Usage(45, 12),
    "anthropic": Usage(
        claude.INPUT_TOKENS + claude.CACHE_READ_TOKENS + claude.CACHE_WRITTEN_TOKENS,
        claude.OUTPUT_TOKENS,
        claude.CACHE_READ_TOKENS,
        claude.THINKING_TOKENS,
    ),
    "opencode": Usage(150, 37, 100, 7),
}
WAYS: tuple[tuple[str, str, Mapping[str, object]], ...] = (
    ("openai", "cut", {"finish_reason": "length"}),
    ("openai", "filtered", {"finish_reason": "content_filter"}),
    ("openai", "a refusal", {"message": {"content": None, "refusal": "I cannot help with that."}}),
    ("openai", "a tool", {"message": {"tool_calls": [TOOL]}}),
    ("openai", "empty", {"text": ""}),
    ("openai", "of another shape", {"message": {"content": 5}}),
    ("ollama", "cut", {"done_reason": "length"}),
    ("ollama", "a tool", {"message": {"tool_calls": [TOOL]}}),
    ("ollama", "empty", {"text": ""}),
    ("anthropic", "cut", {"stop_reason": "max_tokens"}),
    ("anthropic", "no room", {"stop_reason": "model_context_window_exceeded"}),
    ("anthropic", "a refusal", {"stop_reason": "refusal"}),
    ("anthropic", "a tool", {"content": [{"type": "tool_use", "id": "1", "name": "rm", "input": {}}]}),
    ("anthropic", "empty", {"content": []}),
    ("opencode", "cut", {"info": {"finish": "length"}}),
    ("opencode", "filtered", {"info": {"error": {"name": "ContentFilterError", "data": {"message": "no"}}}}),
    ("opencode", "refused behind it", {"info": {"error": {"name": "APIError", "data": {"statusCode": 529}}}}),
    ("opencode", "a tool", {"parts": [{"type": "tool", "tool": "bash"}]}),
    ("opencode", "empty", {"parts": []}),
)
UNCOUNTED = {
    "openai": b'{"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}',
    "ollama": b'{"message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "length"}',
    "anthropic": b'{"type": "message", "content": [], "stop_reason": "max_tokens"}',
    "opencode": b'{"info": {"finish": "length"}, "parts": []}',
}


@pytest.fixture
def prices() -> dict[str, Prices]:
    return {"grok": Prices(2.0, 10.0)}


@pytest.mark.parametrize(("protocol", "way", "changes"), WAYS, ids=[f"{one[0]}: {one[1]}" for one in WAYS])
async def test_an_answer_of_no_use_tells_what_it_took(
    protocol: str, way: str, changes: Mapping[str, object], session: ClientSession
) -> None:
    stand_in = SERVERS[protocol]()
    for name, value in changes.items():
        setattr(stand_in, name, value)
    with serving(stand_in):
        error = await failure(make(protocol, stand_in, session))
    assert isinstance(error, UnusableAnswerError), way
    assert error.usage == TAKEN[protocol]


@pytest.mark.parametrize("protocol", SERVERS)
async def test_an_answer_of_no_use_that_nobody_counted_is_still_an_answer(
    protocol: str, session: ClientSession
) -> None:
    stand_in = SERVERS[protocol]()
    stand_in.plays(Says(UNCOUNTED[protocol]))
    with serving(stand_in):
        error = await failure(make(protocol, stand_in, session))
    assert isinstance(error, UnusableAnswerError)
    assert (error.kind, error.usage) == (ProviderErrorKind.TOO_LONG, Usage())


@pytest.mark.parametrize("protocol", SERVERS)
@pytest.mark.parametrize("behaviour", [Refuses(500), Refuses(413), Says(b"{}"), Says(b"<p>", "text/html")])
async def test_what_is_no_answer_took_nothing(protocol: str, behaviour: Refuses | Says, session: ClientSession) -> None:
    stand_in = SERVERS[protocol]()
    stand_in.plays(behaviour)
    with serving(stand_in):
        assert not isinstance(await failure(make(protocol, stand_in, session)), UnusableAnswerError)


async def test_a_run_and_the_day_count_the_answers_of_no_use_before_the_good_one(
    openai_server: OpenAiStandIn,
    ollama_server: OllamaStandIn,
    session: ClientSession,
    sqlite_store: Store,
    tmp_path: Path,
    prices: dict[str, Prices],
) -> None:
    openai_server.finish_reason, ollama_server.text = "length", answer(90)
    providers = [make("openai", openai_server, session), make("ollama", ollama_server, session)]
    log = tmp_path / "app.log"
    log.write_text(FAILED)
    today = datetime.now(UTC).date()
    run = await make_checks(sqlite_store, providers, prices=prices).check(make_host("web1", log))
    assert run.judged_by == "rules+grok/llama3.1"
    assert run.usage is not None
    read = run.usage.prompt - xai.PROMPT_TOKENS
    assert run.usage == TAKEN["openai"] + Usage(read, 12)
    assert read > 0
    assert run.cost == pytest.approx((run.usage.prompt * 2 + run.usage.completion * 10) / 1e6)
    assert await sqlite_store.spent_tokens(today) == run.usage.total


async def test_a_run_that_no_model_judged_tells_what_asking_took(
    openai_server: OpenAiStandIn,
    session: ClientSession,
    sqlite_store: Store,
    tmp_path: Path,
    prices: dict[str, Prices],
) -> None:
    openai_server.message = {"content": None, "refusal": "I cannot help with that."}
    log = tmp_path / "app.log"
    log.write_text(FAILED)
    today = datetime.now(UTC).date()
    checks = make_checks(sqlite_store, [make("openai", openai_server, session)], prices=prices)
    run = await checks.check(make_host("web1", log))
    assert run.judged_by == "rules-only:invalid-output"
    assert len(openai_server.requests) == 2
    assert run.usage == TAKEN["openai"] + TAKEN["openai"]
    stored = await sqlite_store.latest_run("web1")
    assert stored is not None
    assert (stored.usage, stored.cost) == (run.usage, run.cost)
    assert run.cost == pytest.approx((run.usage.prompt * 2 + run.usage.completion * 10) / 1e6)
    assert await sqlite_store.spent_tokens(today) == run.usage.total
