"""Files that are watched, and what is in some of them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from dthostmon.model.thing.kind import ThingKind


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
