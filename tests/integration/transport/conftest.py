"""Sessions to test the transports with, each to a machine that shows this machine's files."""

from collections.abc import AsyncIterator, Callable

import pytest

from dthostmon.transport import Session, connect
from tests.fixtures.sshd import SshServer, make_host, make_local_host


@pytest.fixture(params=["ssh", "local"])
async def session(request: pytest.FixtureRequest, sshd: Callable[..., SshServer]) -> AsyncIterator[Session]:
    """An open session over each transport: what one does, the other does."""
    opened = await connect(make_host(sshd()) if request.param == "ssh" else make_local_host())
    yield opened
    await opened.close()
