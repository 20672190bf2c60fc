"""Who may do what, and what they typed."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from dthostmon.model.thing.kind import ThingKind


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
