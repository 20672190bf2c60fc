"""The REST API. Reads the store, touches no host; the only importer of aiohttp's server."""

from dthostmon.web.server import Health, ListenError, Sources, serve

__all__ = ["Health", "ListenError", "Sources", "serve"]
