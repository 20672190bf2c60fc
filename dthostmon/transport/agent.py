"""Keys that an ssh-agent holds: they are listed for each login, and every signature is made by the agent."""

import asyncio
import base64
import hashlib
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncssh

from dthostmon.model import SshAccess
from dthostmon.transport.certificates import Certificate, load_certificate, unusable
from dthostmon.transport.failures import reason
from dthostmon.transport.keys import MAX_KEY_BYTES, Identity
from dthostmon.transport.threads import DaemonThreads

MAX_KEYS = 5  # a host hangs up after six refusals (MaxAuthTries)


@asynccontextmanager
async def agent_identity(access: SshAccess, threads: DaemonThreads) -> AsyncIterator[Identity]:
    """Yield what the agent offers for a host; it is asked for signatures until the end. Raises VisitError (auth)."""
    wanted = await threads.run(partial(public_half, access))
    client = await _connected(access)
    try:
        pairs = await _listed(client, access, wanted)
        certificate = await threads.run(partial(load_certificate, access, pairs[0].key_public_data))
        if certificate.certificate:
            pairs = [*_certified(await _listed(client, access, wanted), certificate), *pairs]
        yield _identity(access, pairs, wanted, certificate)
    finally:
        client.close()  # to wait for its end would be a place to be cancelled at, with a login in hand


def check_agent(access: SshAccess) -> None:
    """Raise VisitError (auth) where an agent is wanted and there is none to ask."""
    if not access.agent:
        message = "The keys of an ssh-agent are wanted (`ssh.agent`), and SSH_AUTH_SOCK names no agent."
        raise unusable(message, "Start dthostmon with SSH_AUTH_SOCK set, or set `agent: false`.")


async def _connected(access: SshAccess) -> asyncssh.SSHAgentClient:
    check_agent(access)
    try:
        async with asyncio.timeout(access.connect_timeout):
            return await asyncssh.connect_agent(access.agent or "")
    except OSError as exc:
        said = "it did not answer" if isinstance(exc, TimeoutError) else reason(exc)
        message = f"The ssh-agent at {access.agent} cannot be asked: {said}."
        raise unusable(message, "Check that it runs: `ssh-add -l`; SSH_AUTH_SOCK names it.") from exc


async def _listed(
    client: asyncssh.SSHAgentClient, access: SshAccess, wanted: bytes | None
) -> Sequence[asyncssh.SSHKeyPair]:
    """Return the wanted key, or up to five where none is."""
    try:
        async with asyncio.timeout(access.connect_timeout):
            pairs = await client.get_keys([wanted] if wanted else None)
    except (ValueError, OSError) as exc:
        said = "it did not answer" if isinstance(exc, TimeoutError) else reason(exc)
        message = f"The ssh-agent at {access.agent} lists no keys: {said}."
        raise unusable(message, "Check it with `ssh-add -l`.") from exc
    if pairs:
        return pairs[:MAX_KEYS]
    missing = f"does not hold the key of {access.key}.pub" if wanted else "holds no key"
    raise unusable(f"The ssh-agent at {access.agent} {missing}.", f"Run `ssh-add {shlex.quote(access.key)}`.")


def _certified(pairs: Sequence[asyncssh.SSHKeyPair], found: Certificate) -> list[asyncssh.SSHKeyPair]:
    """Return the first key with its certificate."""
    assert found.certificate is not None  # noqa: S101  # the caller asked
    pairs[0].set_certificate(found.certificate)
    return [pairs[0]]


def public_half(access: SshAccess) -> bytes | None:
    """Return the public key that lies beside the private one, None where there is none. Raises VisitError (auth)."""
    try:
        with Path(f"{access.key}.pub").expanduser().open("rb") as file:
            return asyncssh.import_public_key(file.read(MAX_KEY_BYTES)).public_data
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError, asyncssh.KeyImportError) as exc:
        message = f"The public key {access.key}.pub cannot be used: {reason(exc)}."
        raise unusable(message, f"Run `ssh-add -L` and write the line of the key to {access.key}.pub.") from exc


def _identity(
    access: SshAccess, pairs: Sequence[asyncssh.SSHKeyPair], wanted: bytes | None, certificate: Certificate
) -> Identity:
    prints = tuple(dict.fromkeys(_fingerprint(pair.key_public_data) for pair in pairs))
    keys = "key" if len(prints) == 1 else "keys"
    text = f"the ssh-agent's {keys} ({', '.join(prints)})"
    return Identity(tuple(pairs), text, prints, f"{access.key}.pub" if wanted else None, certificate)


def _fingerprint(public_data: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(public_data).digest()).decode("ascii").rstrip("=")
