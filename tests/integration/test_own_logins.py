"""A host's auth log holds our own logins: they are no findings, and a login of our user from elsewhere is one."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dthostmon.app.parts import make_parts
from dthostmon.cycle import HostChecks
from dthostmon.model import TransportKind
from dthostmon.store import Store
from dthostmon.transport import Connections
from tests.fixtures.sshd import SshServer, make_host


@pytest.mark.parametrize("transport", [TransportKind.SSH, TransportKind.SFTP])
async def test_our_logins_are_known_by_where_the_host_sees_us_come_from(
    sshd: Callable[..., SshServer], sqlite_store: Store, transport: TransportKind
) -> None:
    server = sshd()
    log = server.root / "auth.log"
    host = replace(make_host(server, logs=[str(log)]), transport=transport, probes=())
    checks = HostChecks(make_parts(sqlite_store, Connections(keep_up_to=0)), 1)

    def login(address: str) -> None:
        with log.open("a") as file:
            file.write(
                f"Jul 28 06:50:11 web1 sshd[5]: Accepted publickey for {server.user} from {address} port 5 ssh2\n"
            )

    login("127.0.0.1")
    first = await checks.check(host)
    assert first.findings == ()
    login("127.0.0.1")
    login("203.0.113.9")
    second = await checks.check(host)
    assert [(finding.rule, finding.fields["address"]) for finding in second.findings] == [
        ("sshd.foreign-login", "203.0.113.9")
    ]
    state = await sqlite_store.load_state(host.name)
    assert state.client_addresses == {"127.0.0.1"}
    login("203.0.113.9")
    assert len((await checks.check(host)).findings) == 1  # with no login of ours beside it
