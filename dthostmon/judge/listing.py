"""Whether a provider lists the model that is configured, and which of its models have names like it.

A list is a stranger's: it may be long, and its names may be anything. Names that are none are never told on.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from dthostmon.errors import ProviderError, ProviderErrorKind
from dthostmon.judge.question import MODEL_NAME, Provider

LIST_SECONDS = 5.0
COMPARED_NAMES = 1000  # a tenth of a second where all of them are made to take long; known services list some hundred
NEAR_NAMES = 3


@dataclass(frozen=True, slots=True)
class Listing:
    """What a provider says of the models that it has.

    `is_listed` is None where it names none or does not answer; `near` are names like the configured one, where that is
    not listed. `failure` is why there is no list.
    """

    is_listed: bool | None = None
    near: tuple[str, ...] = ()
    failure: ProviderError | None = None


async def listing(provider: Provider) -> Listing:
    """Ask a provider for its list, which must come within LIST_SECONDS."""
    try:
        async with asyncio.timeout(LIST_SECONDS):
            names = await provider.models()
    except ProviderError as error:
        return Listing(failure=error)
    except TimeoutError:
        message = f"The provider {provider.name} gave no list of its models within {LIST_SECONDS:g} s."
        fix = f"Check ai.providers.{provider.name}.url; it is asked nevertheless where a host needs it."
        return Listing(failure=ProviderError(ProviderErrorKind.TRANSPORT, message, fix))
    if not names or provider.model in names:
        return Listing(is_listed=True if names else None)
    return Listing(is_listed=False, near=near(provider.model, names))


def near(model: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names that are most like a model's, the nearest first."""
    from difflib import get_close_matches  # seldom needed

    decent = islice((name for name in names if MODEL_NAME.fullmatch(name)), COMPARED_NAMES)
    return tuple(get_close_matches(model, dict.fromkeys(decent), n=NEAR_NAMES))
