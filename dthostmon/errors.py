"""Every error dthostmon raises on purpose.

The message says what happened, where, and how to fix it; data that code decides on sits on attributes. Whether
another try can help (`transient`) is said by the class, because it is known where the error is made and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class ErrorKind(StrEnum):
    """Why a visit to a host failed, as CLI, API and metrics name it."""

    DNS = "dns"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    HOST_KEY_UNKNOWN = "host-key-unknown"
    HOST_KEY_CHANGED = "host-key-changed"
    AUTH = "auth"
    PROTOCOL = "protocol"
    PERMISSION = "permission"
    OVERLOADED = "overloaded"
    INTERNAL = "internal"


class DthostmonError(Exception):
    """The root of all errors made here."""

    transient = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file that a user wrote.

    `line` and `column` count from 1; both are 0 where the mistake has no place in a file (an environment variable,
    say).
    """

    where: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.where}:{self.line}:{self.column}" if self.line else self.where
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ProblemsError(DthostmonError):
    """Files that a user wrote cannot be used; every problem is listed, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ConfigurationError(ProblemsError):
    """The configuration cannot be used."""


class SuiteError(ProblemsError):
    """A suite of labelled cases, or the figures of an earlier evaluation, cannot be used."""


class VisitError(DthostmonError):
    """A host could not be visited. `fix` is the command or the step that mends it."""

    def __init__(self, kind: ErrorKind, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}".strip())
        self.kind = kind
        self.message = message
        self.fix = fix

    @property
    def transient(self) -> bool:  # type: ignore[override]  # one class serves all kinds: the kind decides
        """Whether the same try may succeed a moment later: a refused key or a changed host key never does."""
        return self.kind in {
            ErrorKind.DNS,
            ErrorKind.REFUSED,
            ErrorKind.TIMEOUT,
            ErrorKind.OVERLOADED,
            ErrorKind.PROTOCOL,
        }


class ProviderErrorKind(StrEnum):
    """Why a provider of models did not answer, as CLI, API and metrics name it."""

    AUTH = "auth"
    QUOTA = "quota"
    RATE = "rate"
    MODEL_MISSING = "model-missing"
    TOO_LONG = "too-long"
    OVERLOADED = "overloaded"
    TRANSPORT = "transport"
    INVALID_OUTPUT = "invalid-output"


class ProviderError(DthostmonError):
    """A provider of models did not answer as it should. `fix` is the step that mends it.

    `retry_after` is how many seconds the provider asked to wait; None where it did not say.
    """

    def __init__(self, kind: ProviderErrorKind, message: str, fix: str, retry_after: float | None = None) -> None:
        super().__init__(f"{message} {fix}".strip())
        self.kind = kind
        self.message = message
        self.fix = fix
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:  # type: ignore[override]  # one class serves all kinds: the kind decides
        """Whether the same request may succeed a moment later."""
        return self.kind in {ProviderErrorKind.RATE, ProviderErrorKind.OVERLOADED, ProviderErrorKind.TRANSPORT}


class FileUnreadableError(DthostmonError):
    """One file on a host cannot be read: a finding, never a failed host."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class FileUnfinishedError(FileUnreadableError):
    """One file on a host is still being made."""

    transient = True


class StoreError(DthostmonError):
    """The database refused or was lost."""


class StoreUnavailableError(StoreError):
    """The database does not answer; what was not stored is read again next time."""

    transient = True


class SchemaTooNewError(StoreError):
    """The database was written by a newer dthostmon."""


class SchemaTooOldError(StoreError):
    """The database has not been upgraded."""


class CursorConflictError(StoreError):
    """Another visit of the same host stored newer cursors meanwhile; this visit's lines are already counted there."""

    transient = True


class AlreadyRunningError(StoreError):
    """Another daemon holds the lock of this database."""


class NotFoundError(DthostmonError):
    """The user named something that does not exist."""
