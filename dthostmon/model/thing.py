"""What is on a host, thing by thing, as the probes found it.

A thing is known by its kind and its subject; two of the same kind and subject are the same thing, perhaps changed.
Fields that change by themselves are not compared (`compare=False`): they are shown, and are no change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

_MOST_NAMED = 5  # parts of a kind that are not known


class ThingKind(StrEnum):
    """What sort of thing; also the kind of a change of it."""

    ADDRESS = "address"
    ARRAY = "array"
    BOOT = "boot"
    CERTIFICATE = "certificate"
    CLOCK = "clock"
    CONTAINER = "container"
    CRON = "cron"
    DNS = "dns"
    DRIVE = "drive"
    FILE = "file"
    FIREWALL = "firewall"
    GROUP = "group"
    HISTORY = "history"
    KERNEL_SETTING = "kernel-setting"
    KEY = "key"
    LOGIN = "login"
    MODULE = "module"
    MOUNT = "mount"
    PACKAGE = "package"
    PORT = "port"
    ROUTE = "route"
    SERVICE = "service"
    SETUID = "setuid"
    SUDO = "sudo"
    TIMER = "timer"
    UPDATES = "updates"
    USER = "user"


class Thing(Protocol):
    """One thing on a host. `subject` names it among those of its kind, `state` is how it is, in a few words."""

    kind: ClassVar[ThingKind]

    @property
    def subject(self) -> str:
        """Return its name, unique among the things of its kind on a host."""

    @property
    def state(self) -> str:
        """Return how it is, as `before` and `after` of a change show it; empty = there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package; several versions of one name (kernels) are joined by ", ".

    `name` has the manager in front where it is not the system's own: `snap:core`. `owns` are paths of the package that
    may show up among other things: below /etc, units, cron files, setuid files. `installed_at` is when this version
    came, `installed_by` what brought it where no person did.
    """

    kind: ClassVar[ThingKind] = ThingKind.PACKAGE
    name: str
    version: str
    owns: tuple[str, ...] = field(default=(), compare=False)
    installed_at: datetime | None = field(default=None, compare=False)
    installed_by: str = field(default="", compare=False)

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.name

    @property
    def state(self) -> str:
        """See `Thing`."""
        return self.version


@dataclass(frozen=True, slots=True)
class Updates:
    """What waits to be installed or taken into use; None = not told. `reboot` names what asks for a reboot."""

    kind: ClassVar[ThingKind] = ThingKind.UPDATES
    security: int | None = None
    reboot: tuple[str, ...] | None = None

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return "updates"

    @property
    def state(self) -> str:
        """See `Thing`."""
        told = [] if self.security is None else [f"{self.security} security updates"]
        if self.reboot is not None:
            told.append("a reboot is required" if self.reboot else "no reboot required")
        return ", ".join(told)


@dataclass(frozen=True, slots=True)
class User:
    """An account. `locked`: no password opens it; None = not told."""

    kind: ClassVar[ThingKind] = ThingKind.USER
    name: str
    uid: int
    gid: int
    home: str
    shell: str
    locked: bool | None = None

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.name

    @property
    def state(self) -> str:
        """See `Thing`."""
        locked = ", locked" if self.locked else ""
        return f"uid {self.uid}, gid {self.gid}, {self.home}, {self.shell}{locked}"


@dataclass(frozen=True, slots=True)
class Group:
    """A group and who is in it, sorted."""

    kind: ClassVar[ThingKind] = ThingKind.GROUP
    name: str
    gid: int
    members: tuple[str, ...]

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.name

    @property
    def state(self) -> str:
        """See `Thing`."""
        return f"gid {self.gid}: {' '.join(self.members)}".rstrip(": ")


@dataclass(frozen=True, slots=True)
class SudoRule:
    """One entry of sudoers, its blanks made single; `path` is the file it stands in."""

    kind: ClassVar[ThingKind] = ThingKind.SUDO
    path: str
    text: str

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return f"{self.path}: {self.text}"

    @property
    def state(self) -> str:
        """See `Thing`."""
        return self.text


@dataclass(frozen=True, slots=True)
class AuthorizedKey:
    """A key that opens an account. `fingerprint` is SSH's SHA256 form; `options` stand before the key."""

    kind: ClassVar[ThingKind] = ThingKind.KEY
    user: str
    path: str
    fingerprint: str
    algorithm: str
    options: str = ""
    comment: str = ""

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return f"{self.user} {self.fingerprint}"

    @property
    def state(self) -> str:
        """See `Thing`."""
        return " ".join(filter(None, (self.options, self.algorithm, self.comment)))


@dataclass(frozen=True, slots=True)
class Login:
    """The last login of a user, or one under way (`until` is None where it may still be). Never compared."""

    kind: ClassVar[ThingKind] = ThingKind.LOGIN
    user: str
    terminal: str
    origin: str = field(default="", compare=False)
    at: datetime | None = field(default=None, compare=False)
    is_on: bool = field(default=False, compare=False)

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return f"{self.user} {self.terminal}"

    @property
    def state(self) -> str:
        """See `Thing`."""
        return self.origin


@dataclass(frozen=True, slots=True)
class Service:
    """A unit of the service manager. `active`: active, inactive, failed, …; `enabled`: enabled, disabled, static, …,
    or not enabled where nobody can say which of those; None = not told. `restarts` is how often the service manager
    started it anew by itself.
    """

    kind: ClassVar[ThingKind] = ThingKind.SERVICE
    name: str
    active: str | None = None
    enabled: str | None = None
    restarts: int | None = None
    path: str = field(default="", compare=False)
    started_at: datetime | None = field(default=None, compare=False)

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.name

    @property
    def state(self) -> str:
        """See `Thing`."""
        restarts = f"{self.restarts} restarts" if self.restarts else None
        return ", ".join(filter(None, (self.active, self.enabled, restarts)))


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer of the service manager. `is_overdue`: it should have fired some time ago, and did not. `active`: an
    inactive one waits for nothing; None = not told.
    """

    kind: ClassVar[ThingKind] = ThingKind.TIMER
    name: str
    activates: str
    is_overdue: bool = False
    active: str | None = None
    last_at: datetime | None = field(default=None, compare=False)
    next_at: datetime | None = field(default=None, compare=False)

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.name

    @property
    def state(self) -> str:
        """See `Thing`."""
        active = "" if self.active in {None, "active"} else f", {self.active}"
        return f"starts {self.activates}{active}{', overdue' if self.is_overdue else ''}"


@dataclass(frozen=True, slots=True)
class Port:
    """A listening socket; `program` and `user` are empty where they are not told. `address` is * for all of them."""

    kind: ClassVar[ThingKind] = ThingKind.PORT
    protocol: str
    address: str
    port: int
    program: str = ""
    user: str = ""

    @property
    def subject(self) -> str:
        """See `Thing`."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}/{self.protocol}"

    @property
    def state(self) -> str:
        """See `Thing`."""
        return f"{self.program or 'unknown program'}{f' as {self.user}' if self.user else ''}"


@dataclass(frozen=True, slots=True)
class CronEntry:
    """One line of a crontab. `user` is whom it runs as, `schedule` its five fields or its @word."""

    kind: ClassVar[ThingKind] = ThingKind.CRON
    path: str
    user: str
    schedule: str
    command: str

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return f"{self.path}: {self.command}"

    @property
    def state(self) -> str:
        """See `Thing`."""
        return " ".join(filter(None, (self.schedule, self.user)))


@dataclass(frozen=True, slots=True)
class Container:
    """A container. `image` is its name with the tag, `digest` that of its content; `health` is empty without a check.

    `is_running` None = not told. `ports` are those exposed on the host: `0.0.0.0:8080->80/tcp`.
    """

    kind: ClassVar[ThingKind] = ThingKind.CONTAINER
    engine: str
    name: str
    image: str
    digest: str
    state_word: str
    health: str = ""
    restarts: int | None = None
    project: str = ""
    ports: tuple[str, ...] = ()
    project_files: tuple[str, ...] = field(default=(), compare=False)
    started_at: datetime | None = field(default=None, compare=False)

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.name

    @property
    def state(self) -> str:
        """See `Thing`."""
        digest = self.digest.removeprefix("sha256:")[:12]
        restarts = f"{self.restarts} restarts" if self.restarts else ""
        told = (self.image, f"({digest})" if digest else "", self.state_word, self.health, restarts, *self.ports)
        return " ".join(filter(None, told))


@dataclass(frozen=True, slots=True)
class WatchedFile:
    """A file of the configured globs. `digest` is the SHA-256 of its bytes; empty where it could not be read. That of a
    file that is too long to be read each time begins with `parts:`: it is of the size, the time and both ends.

    `text` is what it holds, secrets taken out; None where it is no text, longer than is kept, or unreadable.
    """

    kind: ClassVar[ThingKind] = ThingKind.FILE
    path: str
    size: int
    mode: int | None = None
    owner: str = ""
    group: str = ""
    digest: str = ""
    text: str | None = None
    modified_at: datetime | None = field(default=None, compare=False)

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.path

    @property
    def state(self) -> str:
        """See `Thing`."""
        mode = "" if self.mode is None else f"{self.mode & 0o7777:04o}"
        owner = ":".join(filter(None, (self.owner, self.group)))
        digest = self.digest.removeprefix("parts:")[:12]
        return " ".join(filter(None, (f"{self.size} bytes", mode, owner, digest)))


@dataclass(frozen=True, slots=True)
class SetuidFile:
    """A file that runs with the rights of its owner or group, whoever starts it."""

    kind: ClassVar[ThingKind] = ThingKind.SETUID
    path: str
    owner: str
    mode: int

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.path

    @property
    def state(self) -> str:
        """See `Thing`."""
        return f"{self.mode & 0o7777:04o} {self.owner}"


@dataclass(frozen=True, slots=True)
class Mount:
    """A mount of a real file system; how full it is belongs to the metrics."""

    kind: ClassVar[ThingKind] = ThingKind.MOUNT
    path: str
    device: str
    filesystem: str
    options: tuple[str, ...]

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.path

    @property
    def state(self) -> str:
        """See `Thing`."""
        return f"{self.device} {self.filesystem} {','.join(self.options)}"

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be written there."""
        return "ro" in self.options


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address of the host with its network: `192.0.2.10/24` on eth0."""

    kind: ClassVar[ThingKind] = ThingKind.ADDRESS
    interface: str
    address: str

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return f"{self.interface} {self.address}"

    @property
    def state(self) -> str:
        """See `Thing`."""
        return self.address


@dataclass(frozen=True, slots=True)
class Route:
    """Where packets to a network go: `default` via 192.0.2.1 over eth0."""

    kind: ClassVar[ThingKind] = ThingKind.ROUTE
    destination: str
    gateway: str
    interface: str

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return f"{self.destination} over {self.interface}"

    @property
    def state(self) -> str:
        """See `Thing`."""
        return f"via {self.gateway}" if self.gateway else "direct"


@dataclass(frozen=True, slots=True)
class NameServers:
    """Whom the host asks for names, in order."""

    kind: ClassVar[ThingKind] = ThingKind.DNS
    servers: tuple[str, ...]
    search: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return "name servers"

    @property
    def state(self) -> str:
        """See `Thing`."""
        search = f" search {' '.join(self.search)}" if self.search else ""
        return f"{' '.join(self.servers)}{search}"


@dataclass(frozen=True, slots=True)
class Firewall:
    """The rules of one packet filter, by their digest (counters left out). No rules = it lets everything through.

    `rules` is None where they are not told, `is_on` None where there is no switch or it is not told.
    """

    kind: ClassVar[ThingKind] = ThingKind.FIREWALL
    name: str
    rules: int | None
    digest: str
    is_on: bool | None = None

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.name

    @property
    def state(self) -> str:
        """See `Thing`."""
        switch = {True: "on", False: "off", None: ""}[self.is_on]
        rules = "" if self.rules is None else f"{self.rules} rules {self.digest[:12]}" if self.rules else "no rules"
        return ", ".join(filter(None, (switch, rules)))


@dataclass(frozen=True, slots=True)
class Module:
    """A loaded module of the kernel. `taints`: it is not the kernel's own (out of tree, unsigned, forced)."""

    kind: ClassVar[ThingKind] = ThingKind.MODULE
    name: str
    taints: str = ""

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.name

    @property
    def state(self) -> str:
        """See `Thing`."""
        return f"taints {self.taints}" if self.taints else "loaded"


@dataclass(frozen=True, slots=True)
class KernelSetting:
    """A sysctl by its name, or the kernel's command line as `cmdline`."""

    kind: ClassVar[ThingKind] = ThingKind.KERNEL_SETTING
    name: str
    value: str

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.name

    @property
    def state(self) -> str:
        """See `Thing`."""
        return self.value


@dataclass(frozen=True, slots=True)
class Boot:
    """The boot that is running: a new id is a reboot."""

    kind: ClassVar[ThingKind] = ThingKind.BOOT
    boot_id: str
    kernel: str
    at: datetime | None = field(default=None, compare=False)

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return "boot"

    @property
    def state(self) -> str:
        """See `Thing`."""
        return self.kernel


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in a file, or one that a local listener shows: `where` is its path, or `:443`."""

    kind: ClassVar[ThingKind] = ThingKind.CERTIFICATE
    where: str
    name: str
    issuer: str
    fingerprint: str
    expires_at: datetime

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.where

    @property
    def state(self) -> str:
        """See `Thing`."""
        return f"{self.name}, until {self.expires_at:%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Clock:
    """Whether the host's clock is kept by others; `offset` in seconds is how far it was off when it was last told."""

    kind: ClassVar[ThingKind] = ThingKind.CLOCK
    is_synchronised: bool | None
    offset: float | None = field(default=None, compare=False)
    source: str = field(default="", compare=False)

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return "clock"

    @property
    def state(self) -> str:
        """See `Thing`."""
        if self.is_synchronised is None:
            return ""
        return "synchronised" if self.is_synchronised else "not synchronised"


@dataclass(frozen=True, slots=True)
class StorageArray:
    """An array or pool: md, ZFS, btrfs, LVM. `health`: clean, degraded, failed, resyncing, or the tool's own word."""

    kind: ClassVar[ThingKind] = ThingKind.ARRAY
    name: str
    system: str
    health: str
    members: tuple[str, ...] = ()
    missing_members: int = 0

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return f"{self.system} {self.name}"

    @property
    def state(self) -> str:
        """See `Thing`."""
        missing = f", {self.missing_members} missing" if self.missing_members else ""
        return f"{self.health}: {' '.join(self.members)}{missing}".rstrip(": ")


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive and what it says of its health: PASSED, FAILED, or the tool's own word; empty = not told."""

    kind: ClassVar[ThingKind] = ThingKind.DRIVE
    name: str
    model: str
    serial: str
    health: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.name

    @property
    def state(self) -> str:
        """See `Thing`."""
        return " ".join(filter(None, (self.model, self.serial, self.health, *self.warnings)))


@dataclass(frozen=True, slots=True)
class ShellHistory:
    """The last commands of a shell's history file, the oldest first, secrets taken out."""

    kind: ClassVar[ThingKind] = ThingKind.HISTORY
    path: str
    commands: tuple[str, ...]

    @property
    def subject(self) -> str:
        """See `Thing`."""
        return self.path

    @property
    def state(self) -> str:
        """See `Thing`."""
        return self.commands[-1] if self.commands else ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a probe found. `missing` names the kinds of which it does not know all things, and why; `kinds` are all that
    it tells of.

    A kind that is missing may still have things: those that could be seen. What is not seen is not gone. `scope` says
    what was looked at, where that is a matter of configuration. `unseen` says of what part of a kind nothing is known,
    by the beginnings of its subjects, with the reason: the keys of root, while those of others are all known.
    """

    things: tuple[Thing, ...] = ()
    missing: Mapping[ThingKind, str] = field(default_factory=dict)
    kinds: frozenset[ThingKind] = frozenset()
    scope: str = ""
    unseen: Mapping[ThingKind, Mapping[str, str]] = field(default_factory=dict)

    @property
    def unknown(self) -> Mapping[ThingKind, str]:
        """Return what is not known of each kind, in words: `root, ann: cannot be read, which takes root`."""
        return {kind: "; ".join(_joined(parts)) for kind, parts in self.unseen.items()} | dict(self.missing)


def _joined(parts: Mapping[str, str]) -> Iterator[str]:
    for reason in dict.fromkeys(parts.values()):
        names = [part.strip(": ") for part, said in parts.items() if said == reason]
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        yield f"{', '.join(names[:_MOST_NAMED])}{more}: {reason}"


@dataclass(frozen=True, slots=True)
class StoredInventory:
    """An inventory and the mark of the state that it was told of.

    `lasting` are those of its things that each visit looks at again: what is wrong, and what ends some day.
    """

    mark: str
    inventory: Inventory
    lasting: tuple[Thing, ...] = ()
