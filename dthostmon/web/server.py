"""The HTTP server: one aiohttp application, opened and closed with the daemon."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from dthostmon.config.fields import ListenAddress
from dthostmon.errors import DthostmonError
from dthostmon.web.problems import problem_middleware, security_header_middleware
from dthostmon.web.routes import ROUTES
from dthostmon.web.sources import SOURCES, Health, Sources

KEEPALIVE_SECONDS = 30  # aiohttp's own default keeps an idle connection for an hour
SHUTDOWN_SECONDS = 3  # what open requests get to end in; part of the 20 s in which the daemon stops
LARGEST_BODY = 64 * 1024

__all__ = ["Health", "ListenError", "Sources", "make_app", "serve"]


class ListenError(DthostmonError):
    """The API's address cannot be bound."""

    def __init__(self, address: ListenAddress, error: OSError | UnicodeError) -> None:
        reason = str(getattr(error, "strerror", None) or error).rpartition(": ")[2]  # asyncio tells the address too
        super().__init__(f"The API cannot listen on {address}: {reason}. Stop what uses it, or change api.listen.")


def make_app(sources: Sources) -> web.Application:
    """Build the application."""
    app = web.Application(middlewares=[security_header_middleware, problem_middleware], client_max_size=LARGEST_BODY)
    app[SOURCES] = sources
    app.add_routes(ROUTES)
    return app


@asynccontextmanager
async def serve(sources: Sources, host: str, port: int) -> AsyncIterator[int]:
    """Serve until the block ends; gives the port, which is the system's choice where `port` is 0.

    Raises ListenError.
    """
    runner = web.AppRunner(
        make_app(sources),
        handle_signals=False,
        access_log=None,
        keepalive_timeout=KEEPALIVE_SECONDS,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, UnicodeError) as error:  # the latter: a name that is none
            raise ListenError(ListenAddress(host, port), error) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
