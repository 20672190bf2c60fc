"""The composition root: builds the parts, runs one cycle or the daemon, and stops everything in order.

`parts` serves every command; `daemon` is imported by `run` alone, since it brings the HTTP server.
"""
