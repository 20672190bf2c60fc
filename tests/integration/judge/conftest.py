"""The stand-ins for providers, each served while one test runs, and the session that asks them."""

from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import ClientSession

from dthostmon.judge.providers.http import make_session
from tests.fixtures.anthropic_stand_in import AnthropicStandIn
from tests.fixtures.ollama_stand_in import OllamaStandIn
from tests.fixtures.openai_stand_in import OpenAiStandIn
from tests.fixtures.opencode_stand_in import OpenCodeStandIn
from tests.fixtures.stand_in import serving


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with make_session() as opened:
        yield opened


@pytest.fixture
def openai_server() -> Iterator[OpenAiStandIn]:
    stand_in = OpenAiStandIn()
    with serving(stand_in):
        yield stand_in


@pytest.fixture
def ollama_server() -> Iterator[OllamaStandIn]:
    stand_in = OllamaStandIn()
    with serving(stand_in):
        yield stand_in


@pytest.fixture
def anthropic_server() -> Iterator[AnthropicStandIn]:
    stand_in = AnthropicStandIn()
    with serving(stand_in):
        yield stand_in


@pytest.fixture
def opencode_server() -> Iterator[OpenCodeStandIn]:
    stand_in = OpenCodeStandIn()
    with serving(stand_in):
        yield stand_in
