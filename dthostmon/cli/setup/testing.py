"""Tests hosts layer by layer, many at once; whatever goes wrong with one is its own result."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from getpass import getuser
from typing import TYPE_CHECKING

from dthostmon.cli.setup import login
from dthostmon.cli.setup.layers import (
    PROBE,
    SFTP,
    SHELL,
    Layer,
    Status,
    Tested,
    completed,
    failed_at,
    not_wanted,
)
from dthostmon.cli.setup.log_layers import log_layers
from dthostmon.errors import ErrorKind, FileUnreadableError, VisitError
from dthostmon.model import Host, TransportKind

if TYPE_CHECKING:
    from dthostmon.transport import Session

logger = logging.getLogger(__name__)

NO_SHELL_FIX = "If the key shall give no shell there, write `transport: sftp` for this host."


async def try_hosts(hosts: Sequence[Host], limit: int) -> list[Tested]:
    """Test hosts, at most `limit` at once; the results are in their order."""
    slots = asyncio.Semaphore(limit)

    async def in_turn(host: Host) -> Tested:
        async with slots:
            return await try_host(host)

    return await asyncio.gather(*map(in_turn, hosts))


async def try_host(host: Host) -> Tested:
    """Test one host; it ends within the host's timeout."""
    layers = not_wanted(host)
    end: login.Refusal | None = None
    refuses_key = False
    try:
        async with asyncio.timeout(host.timeout):
            host = await login.completed(host)
            await _test(host, layers)
    except login.Refusal as refusal:
        end = refusal
    except VisitError as error:
        refuses_key = login.refuses_key(error)
        end = login.Refusal(error.kind, login.without_place(host, error.message), error.fix)
    except TimeoutError:
        end = login.Refusal(ErrorKind.TIMEOUT, f"not done after {host.timeout:g} s", "Raise `monitoring.host_timeout`.")
    except Exception:
        logger.exception("a host could not be tested", extra={"host": host.name})
        end = login.Refusal(ErrorKind.INTERNAL, "an error of dthostmon itself", "Report it with the trace on stderr.")
    if end is None:
        return Tested(host, completed(host, layers))
    layers = failed_at(host, layers, end.detail, end.fix)
    return Tested(host, completed(host, layers), end.kind, end.offered, refuses_key)


async def _test(host: Host, layers: list[Layer]) -> None:
    """Append the layers as they are tested, so that what was seen counts however it ends."""
    session = await login.logged_in(host, layers)
    try:
        has_files = host.transport is TransportKind.LOCAL or await _test_sftp(host, session, layers)
        can_ask = await _test_shell(host, session, layers)
        if has_files:
            user = host.ssh.user if host.ssh else getuser()
            layers += await log_layers(session, host.logs, user)
        if can_ask and host.probes and (session.shell or has_files):
            layers += await _test_probes(session, host.probes, host.files)
    finally:
        await session.close()


async def _test_sftp(host: Host, session: "Session", layers: list[Layer]) -> bool:
    try:
        await session.files.stat("/")
    except FileUnreadableError:
        pass  # it answered
    except VisitError as error:
        layers.append(Layer(SFTP, "", Status.FAILED, login.without_place(host, error.message), error.fix))
        return False
    layers.append(Layer(SFTP, "", Status.OK))
    return True


async def _test_shell(host: Host, session: "Session", layers: list[Layer]) -> bool:
    """Return whether probes can be asked: they can do without a shell where none is wanted."""
    if session.shell is None:
        layers.append(Layer(SHELL, "", Status.NOT_WANTED, f"transport {host.transport}"))
        return True
    try:
        outputs = await session.shell.run({"true": "echo yes"})
    except VisitError as error:
        layers.append(Layer(SHELL, "", Status.FAILED, login.without_place(host, error.message), error.fix))
        return False
    is_good = outputs["true"].stdout.strip() == b"yes"
    status = Status.OK if is_good else Status.FAILED
    layers.append(Layer(SHELL, "", status, "" if is_good else "it does not answer", "" if is_good else NO_SHELL_FIX))
    return is_good


async def _test_probes(session: "Session", probes: Sequence[str], files: Sequence[str]) -> list[Layer]:
    from dthostmon import facts

    unknown = (await facts.gather(session, facts.Wanted(probes, files))).unknown
    layers = []
    for probe in probes:
        reasons = {name: reason for name, reason in unknown.items() if name.partition(".")[0] == probe}
        layers.append(_probe_layer(probe, reasons))
    return layers


def _probe_layer(probe: str, reasons: Mapping[str, str]) -> Layer:
    """Say how a probe is. What it cannot tell of things on the host is no failure: it tells the others."""
    from dthostmon.facts import INVENTORIES

    if not reasons:
        return Layer(PROBE, probe, Status.OK)
    if probe in INVENTORIES:
        told = "; ".join(f"no {name.partition('.')[2]}: {reason}" for name, reason in reasons.items())
        return Layer(PROBE, probe, Status.MISSING, told)
    fix = f"Leave `{probe}` out of `probes` of this host, or mend what it says."
    return Layer(PROBE, probe, Status.FAILED, "; ".join(dict.fromkeys(reasons.values())), fix)
