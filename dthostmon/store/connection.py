"""What a transaction is done over: of SQLAlchemy's asyncio connection the part that both databases offer."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias, TypeVar, TypeVarTuple, overload

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.selectable import TypedReturnsRows

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Parameters: TypeAlias = Any  # of one statement: a mapping, or a list of them to execute it once for each


class Connection(Protocol):
    """A connection inside a transaction. Its results may be read while the transaction lasts."""

    @property
    def dialect(self) -> Dialect:
        """Tell which database this is."""

    @overload
    async def execute(
        self, statement: TypedReturnsRows[*Ts], parameters: Parameters = None
    ) -> sa.CursorResult[*Ts]: ...

    @overload
    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> sa.CursorResult[*tuple[Any, ...]]: ...

    async def run_sync(self, work: Callable[[sa.Connection], T], /) -> T:
        """Do what needs SQLAlchemy's ordinary connection."""


Work: TypeAlias = Callable[[Connection], Awaitable[T]]
