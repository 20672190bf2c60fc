"""As many of the newest rows as are wanted, however many pages that takes."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from dthostmon.store import Page

Row = TypeVar("Row")

ROWS_PER_QUERY = 500


async def newest(ask: "Callable[[int, str | None], Awaitable[Page[Row]]]", limit: int) -> "Page[Row]":
    """Return the newest rows as one page, in queries of a bounded size. `ask` gets a page's limit and its `after`."""
    from dthostmon.store import Page

    found: list[Row] = []
    after: str | None = None
    while True:
        page = await ask(min(ROWS_PER_QUERY, limit - len(found)), after)
        found += page.items
        after = page.next
        if after is None or len(found) == limit:
            return Page(tuple(found), after)
