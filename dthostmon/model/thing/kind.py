"""What sorts of things there are, and what each of them tells."""

from enum import StrEnum
from typing import ClassVar, Protocol


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
