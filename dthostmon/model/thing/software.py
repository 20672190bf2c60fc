"""What is installed and what runs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from dthostmon.model.thing.kind import ThingKind


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
