"""The host keys that are trusted: parsed once per state of the file, and never absent.

A file that is missing or unreadable is an empty list with a reason, so that a host is refused with its fingerprint
and the way to mend it.
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import asyncssh

from dthostmon.model import SshAccess
from dthostmon.transport.file_state import FileState

DEFAULT_PORT = 22


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """The entries of one known_hosts file. `problem` says why there are none."""

    entries: asyncssh.SSHKnownHosts
    problem: str | None = None

    def keys(self, access: SshAccess) -> tuple[asyncssh.SSHKey, ...]:
        """Return the keys that a host is known by."""
        port = None if access.port == DEFAULT_PORT else access.port
        return tuple(self.entries.match(access.host_key_alias or access.hostname, "", port)[0])


def known_name(access: SshAccess) -> str:
    """Return what known_hosts calls a host: its alias, or its name with a port that is not the usual one."""
    if access.host_key_alias:
        return access.host_key_alias
    return access.hostname if access.port == DEFAULT_PORT else f"[{access.hostname}]:{access.port}"


def load_known_hosts(path: str) -> KnownHosts:
    """Read a known_hosts file; blocks for a few milliseconds on a long one that changed."""
    try:
        return _parse(FileState.of(path))
    except FileNotFoundError:
        return KnownHosts(asyncssh.SSHKnownHosts(), f"{path} does not exist")
    except (OSError, RuntimeError) as exc:
        return KnownHosts(asyncssh.SSHKnownHosts(), f"{path} cannot be read: {exc}")


@lru_cache(maxsize=32)
def _parse(file: FileState) -> KnownHosts:
    entries = asyncssh.SSHKnownHosts()
    for line in file.path.read_text(encoding="utf-8", errors="replace").splitlines():
        with suppress(ValueError):  # as ssh does: a broken line distrusts its own host, not all others
            entries.load(line)
    return KnownHosts(entries)
