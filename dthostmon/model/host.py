"""A machine and how it is reached: what the configuration says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from dthostmon.model.change import ChangePolicy
from dthostmon.model.history import Learning

USUAL_LEARNING = Learning()
NO_POLICY = ChangePolicy()
MAX_JUMPS = 5  # hosts that one connection may lead through


class TransportKind(StrEnum):
    """How a host is reached."""

    SSH = "ssh"
    SFTP = "sftp"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Sustain:
    """In how many visits of the last so many a level must be reached before it is a WARN or more."""

    cycles: int = 1
    of: int = 1


AT_ONCE = Sustain()
LASTING = Sustain(2, 3)


@dataclass(frozen=True, slots=True)
class Levels:
    """Where a measured percentage becomes a finding; None = no finding of that severity."""

    info: float | None = None
    warn: float | None = None
    critical: float | None = None
    sustain: Sustain = AT_ONCE


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Percentages for cpu, memory, disk and requests that failed; `failed_logins` is a count within an hour.

    `mounts` are the levels of some disks, by their path or a glob.
    """

    cpu: Levels = Levels(60, 80, 95, LASTING)
    memory: Levels = Levels(None, 85, 95, LASTING)
    disk: Levels = Levels(None, 80, 90)
    failed_logins: int = 5
    http_errors: Levels = Levels(None, 5, 25)
    mounts: Mapping[str, Levels] = field(default_factory=dict, hash=False)

    def of_mount(self, mount: str) -> Levels:
        """Return the levels of one disk: those of its very path, of the first glob that it matches, or of all."""
        if mount in self.mounts:
            return self.mounts[mount]
        return next((levels for glob, levels in self.mounts.items() if fnmatchcase(mount, glob)), self.disk)


@dataclass(frozen=True, slots=True)
class SshAccess:
    """How to log in to one host. `retries` are the pauses in seconds before the 2nd, 3rd, … try.

    `certificate` None = the one beside the key, where there is one. `agent` is the socket of an ssh-agent that holds
    the keys: None = the key file is used, "" = an agent is wanted and the environment names none. `config` is an
    ssh_config where `hostname` is looked up, `explicit` names the fields here that stand over it. `jump` are the hosts
    to connect through, the outermost first, each without a jump of its own.
    """

    hostname: str
    port: int
    user: str
    key: str
    passphrase: str = field(repr=False)
    known_hosts: str
    connect_timeout: float
    retries: tuple[float, ...]
    certificate: str | None = None
    agent: str | None = None
    config: str | None = None
    explicit: frozenset[str] = frozenset()
    host_key_alias: str | None = None
    jump: tuple["SshAccess", ...] = ()

    @property
    def entry(self) -> "SshAccess":
        """What this machine itself connects to: the outermost jump host, or the host where there is none."""
        return self.jump[0] if self.jump else self


@dataclass(frozen=True, slots=True)
class Host:
    """One machine with its effective settings: host over site over global. `ssh` is None for `local` alone."""

    name: str
    transport: TransportKind
    ssh: SshAccess | None
    site: str | None
    tags: tuple[str, ...]
    logs: tuple[str, ...]
    probes: tuple[str, ...]
    thresholds: Thresholds
    interval: float
    timeout: float
    look_back: int
    max_lag: int = 256 * 2**20
    enabled: bool = True
    learning: Learning = USUAL_LEARNING
    files: tuple[str, ...] = ()
    changes: ChangePolicy = NO_POLICY

    @property
    def role(self) -> str:
        """What the host is for: hosts with the same tags have the same role; empty = it has none."""
        return ",".join(sorted(self.tags))

    @property
    def address(self) -> str:
        """What a person would type to reach it."""
        return self.ssh.hostname if self.ssh else "this machine"
