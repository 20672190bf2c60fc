"""How far a command is, on a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(what: str, total: int, *, quiet: bool) -> Iterator[Callable[[object], None] | None]:
    """Show a progress bar on a terminal, nothing elsewhere. Yields what is called with each thing that is done."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda _done: bar.advance(task)
