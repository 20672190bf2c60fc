"""Every protocol's list of models, asked for as the daemon does when it starts."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dthostmon.app.daemon import Daemon
from dthostmon.app.judging import Models
from dthostmon.config import load
from dthostmon.config.sections import Ai
from dthostmon.judge import listing as listings
from dthostmon.model import Cycle
from dthostmon.store import Store
from tests.fixtures.anthropic_stand_in import AnthropicStandIn
from tests.fixtures.asking import configured
from tests.fixtures.ollama_stand_in import OllamaStandIn
from tests.fixtures.openai_stand_in import OpenAiStandIn
from tests.fixtures.opencode_stand_in import OpenCodeStandIn
from tests.fixtures.stand_in import KEY, Floods, Hangs, Refuses, Says, StandIn, serving
from tests.integration.judge_checks import RULES

SERVERS: dict[str, type[StandIn]] = {
    "openai": OpenAiStandIn,
    "ollama": OllamaStandIn,
    "anthropic": AnthropicStandIn,
    "opencode": OpenCodeStandIn,
}
UNLISTED = {
    "openai": ("grok-4-fsat", "grok-4-fast"),
    "ollama": ("llama3.2", "llama3.1"),
    "anthropic": ("claude-sonnet-5", "claude-sonnet-5-5"),
    "opencode": ("anthropic/claude-sonnet-5", "anthropic/claude-sonnet-5-5"),
}
FOREVER = 3600.0


@pytest.fixture(params=SERVERS)
def protocol(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def server(protocol: str) -> Iterator[StandIn]:
    stand_in = SERVERS[protocol]()
    with serving(stand_in):
        yield stand_in


async def check(store: Store, *providers: object) -> dict[str, bool | None]:
    """Check the models of a configuration, as the daemon does; return what is known then."""
    models, settings = Models(store), Ai.model_validate({"providers": providers})
    models.assessor(settings, RULES)
    try:
        assert set(models.listed().values()) <= {None}
        await models.check(settings)
        return dict(models.listed())
    finally:
        await models.close()


def warnings(caplog: pytest.LogCaptureFixture) -> Sequence[dict[str, object]]:
    return [record.__dict__ for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_model_that_is_there_is_no_news(
    protocol: str, server: StandIn, sqlite_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    assert await check(sqlite_store, configured(protocol, server.url)) == {"grok": True}
    assert warnings(caplog) == []
    assert [request.method for request in server.requests] == ["GET"]


async def test_a_model_that_is_not_listed_is_warned_of_with_near_names(
    protocol: str, server: StandIn, sqlite_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    model, like = UNLISTED[protocol]
    assert await check(sqlite_store, configured(protocol, server.url, model)) == {"grok": False}
    (told,) = warnings(caplog)
    assert (told["levelname"], told["provider"], told["model"]) == ("WARNING", "grok", model)
    assert like in str(told["near"]).split(", ")
    assert "ai.providers.grok.model" in str(told["fix"])


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "auth"), (402, "quota"), (404, "model-missing"), (429, "rate"), (500, "transport"), (503, "overloaded")],
)
async def test_a_provider_that_refuses_is_told_by_its_kind_and_not_in_its_words(
    status: int, kind: str, protocol: str, server: StandIn, sqlite_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    server.plays(Refuses(status, message=f"words of a server, {KEY}"))
    assert await check(sqlite_store, configured(protocol, server.url)) == {"grok": None}
    (told,) = warnings(caplog)
    assert (told["levelname"], told["provider"], told["kind"]) == ("WARNING", "grok", kind)
    assert "ai.providers" in str(told["fix"])
    assert not any("words of a server" in str(value) or KEY[:8] in str(value) for value in told.values())


@pytest.mark.parametrize("behaviour", [Hangs(), Hangs(b'{"data": ['), Floods()], ids=["hang", "half", "flood"])
async def test_a_list_that_does_not_end_is_given_up(
    behaviour: Hangs | Floods,
    server: StandIn,
    protocol: str,
    sqlite_store: Store,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listings, "LIST_SECONDS", 0.5)
    server.plays(behaviour)
    assert await check(sqlite_store, configured(protocol, server.url)) == {"grok": None}
    assert [told["kind"] for told in warnings(caplog)] == ["transport"]


async def test_one_provider_that_is_out_of_reach_hides_no_other(
    openai_server: OpenAiStandIn, sqlite_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    gone = configured("ollama", "http://127.0.0.1:1").model_copy(update={"name": "gone"})
    there = configured("openai", openai_server.url, "grok-3")
    assert await check(sqlite_store, gone, there) == {"gone": None, "grok": False}
    assert [(told["provider"], told.get("kind")) for told in warnings(caplog)] == [
        ("gone", "transport"),
        ("grok", None),
    ]


async def test_nothing_hostile_of_a_list_is_told(
    openai_server: OpenAiStandIn, sqlite_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    names = [f"grok-9-{KEY[3:15]}", "grok-9\\u001b[31m", "grok-9\\n2026-01-01 ERROR all is lost", "grok-9" + "x" * 200]
    listed = ", ".join(f'{{"id": "{name}"}}' for name in names)
    openai_server.plays(Says(f'{{"data": [{listed}, 7, null, {{"id": 7}}]}}'.encode()))
    model = f"grok-9-{KEY[3:9]}"
    assert await check(sqlite_store, configured("openai", openai_server.url, model)) == {"grok": False}
    (told,) = warnings(caplog)
    assert told["near"] == "grok-9***"


class HangingList(OpenAiStandIn):
    """Answers questions, and never tells which models it has."""

    def behaviour(self, request: object, /) -> object:  # type: ignore[override]  # one of its behaviours
        return Hangs() if getattr(request, "method", "") == "GET" else super().behaviour(request)  # type: ignore[arg-type]


async def test_no_cycle_waits_for_a_list_and_the_daemon_stops_in_the_middle_of_one(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings, "LIST_SECONDS", FOREVER)
    stand_in = HangingList()
    with serving(stand_in):
        (tmp_path / "dthostmon.yaml").write_text(
            f"ai: {{providers: [{{name: grok, type: openai, url: '{stand_in.url}', model: grok-4}}]}}\n"
            f"hosts: [{{name: here, transport: local, probes: [], logs: [{tmp_path}/app.log]}}]\n"
        )
        ended: asyncio.Queue[Cycle] = asyncio.Queue()
        configuration = load(tmp_path / "dthostmon.yaml", {})
        daemon = Daemon(configuration, {}, sqlite_store, lambda: datetime.now(UTC), ended.put_nowait)
        daemon.start()
        await stand_in.asked(1)
        cycle = await asyncio.wait_for(ended.get(), 30)
        assert cycle.ok == 1
        assert (await daemon.health()).document["ai"] == {
            "status": "ok",
            "providers": {"grok": "closed"},
            "model_listed": {"grok": None},
        }
        await daemon.stop()
    assert [request.method for request in stand_in.requests] == ["GET"]
