"""The REST API. Reads the store, touches no host; the only importer of aiohttp's server."""

from dthostmon.web.server import Health, Sources, serve

__all__ = ["Health", "Sources", "serve"]
