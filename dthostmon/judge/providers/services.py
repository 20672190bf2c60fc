"""The configured providers, behind one client session."""

from collections.abc import Sequence

from dthostmon.config.sections import Ai
from dthostmon.judge.providers import make_provider
from dthostmon.judge.providers.http import make_session
from dthostmon.judge.question import Provider


class Services:
    """Makes providers that share their connections. Who makes it closes it."""

    def __init__(self) -> None:
        self._session = make_session()

    def providers(self, settings: Ai) -> Sequence[Provider]:
        """Return what speaks to each configured provider, in their order."""
        return [make_provider(one, self._session, settings.timeout) for one in settings.providers]

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
