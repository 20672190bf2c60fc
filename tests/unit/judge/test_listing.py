"""What a provider's list tells of the configured model: it is the words of a stranger."""

import asyncio
from collections.abc import Sequence

import pytest

from dthostmon.errors import ProviderErrorKind
from dthostmon.judge.listing import COMPARED_NAMES, LIST_SECONDS, NEAR_NAMES, Listing, listing, near
from tests.fixtures.scripted_provider import ScriptedProvider, failure
from tests.fixtures.simulated_time import simulated


class Lists(ScriptedProvider):
    """Lists what a test says; a number = seconds until it lists nothing."""

    def __init__(self, model: str, listed: Sequence[str] | Exception | float) -> None:
        super().__init__()
        self.model, self.listed = model, listed

    async def models(self) -> Sequence[str]:
        if isinstance(self.listed, Exception):
            raise self.listed
        if isinstance(self.listed, float):
            await asyncio.sleep(self.listed)
            return []
        return self.listed


def test_a_model_that_is_listed_is_told_without_others():
    assert simulated(listing(Lists("grok-4", ["grok-4-fast", "grok-4"]))) == Listing(is_listed=True)


def test_a_model_that_is_not_listed_is_told_with_those_of_nearly_the_same_name():
    found = simulated(listing(Lists("grok-4-fsat", ["llama3.1", "grok-4", "grok-4-fast"])))
    assert found == Listing(is_listed=False, near=("grok-4-fast", "grok-4"))


def test_a_provider_that_names_no_model_leaves_it_unknown():
    assert simulated(listing(Lists("grok-4", []))) == Listing()


@pytest.mark.parametrize("kind", list(ProviderErrorKind))
def test_a_provider_that_refuses_its_list_leaves_it_unknown(kind: ProviderErrorKind):
    found = simulated(listing(Lists("grok-4", failure(kind))))
    assert found.is_listed is None
    assert found.failure is not None
    assert found.failure.kind is kind


def test_a_list_that_does_not_come_is_waited_for_some_seconds():
    async def story() -> tuple[Listing, float]:
        found = await listing(Lists("grok-4", 1000.0))
        return found, asyncio.get_running_loop().time()

    found, end = simulated(story())
    assert end == LIST_SECONDS
    assert found.failure is not None
    assert found.failure.kind is ProviderErrorKind.TRANSPORT
    assert "ai.providers.first.url" in found.failure.fix


def test_a_list_that_is_cancelled_stays_cancelled():
    async def story() -> None:
        task = asyncio.create_task(listing(Lists("grok-4", 1000.0)))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    simulated(story())


@pytest.mark.parametrize(
    "name",
    ["grok-4\n", "grok-4\x1b[31m", "grok\u202e-4", "grok-4 ", "<b>grok-4</b>", "", "grok-4" + "x" * 100, "gr\u043ek-4"],
    ids=["a line", "a colour", "bidirectional", "a blank", "HTML", "nothing", "long", "Cyrillic"],
)
def test_a_name_that_is_none_is_not_told(name: str):
    assert near("grok-4", [name]) == ()


def test_of_many_near_names_some_are_told_and_each_once():
    names = [f"grok-4-{letter}" for letter in "abcdefgh"] * 2
    assert len(near("grok-4", names)) == len(set(near("grok-4", names))) == NEAR_NAMES


def test_a_list_without_end_is_compared_to_a_bound():
    names = [*("qqqqqq" for _ in range(COMPARED_NAMES)), "grok-4-fast"]
    assert near("grok-4", names) == ()
    assert near("grok-4", names[1:]) == ("grok-4-fast",)
