"""Sessions to test the transports with, each to a machine that shows this machine's files."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from dthostmon.model import Host, TransportKind
from dthostmon.transport import Session, collector, connect
from dthostmon.transport.session import READ_ONLY_KEY_OPTIONS
from tests.fixtures.sshd import SshServer, make_host, make_local_host

Start = Callable[..., SshServer]


def make_read_only_host(sshd: Start) -> Host:
    """A host whose key gives SFTP and nothing else."""
    server = sshd(key_options=READ_ONLY_KEY_OPTIONS)
    return replace(make_host(server), transport=TransportKind.SFTP)


def make_collector_host(sshd: Start, **options: object) -> Host:
    """A host whose key gives the collector program and nothing else."""
    key_options = f'restrict,command="{collector.PROGRAM}"'
    return replace(make_host(sshd(key_options=key_options, **options)), transport=TransportKind.SFTP)


HOSTS: dict[str, Callable[[Start], Host]] = {
    "ssh": lambda sshd: make_host(sshd()),
    "local": lambda _: make_local_host(),
    "no sftp": lambda sshd: make_host(sshd(sftp=None)),
    "read-only key": make_read_only_host,
    "collector key": make_collector_host,
}


async def opened(host: Host) -> AsyncIterator[Session]:
    """A session that is closed at the end of the test."""
    session = await connect(host)
    yield session
    await session.close()


@pytest.fixture(params=["ssh", "local"])
async def session(request: pytest.FixtureRequest, sshd: Start) -> AsyncIterator[Session]:
    """An open session with a shell: what one transport does, the other does."""
    async for session in opened(HOSTS[request.param](sshd)):
        yield session


@pytest.fixture(params=list(HOSTS))
async def any_session(request: pytest.FixtureRequest, sshd: Start) -> AsyncIterator[Session]:
    """An open session in each way to reach files: what one does, the others do."""
    async for session in opened(HOSTS[request.param](sshd)):
        yield session
