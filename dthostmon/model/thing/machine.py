"""The kernel, the clock and what data lies on."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from dthostmon.model.thing.kind import ThingKind


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
