"""SQLAlchemy's asyncio engine without its ORM, for PostgreSQL.

The package `sqlalchemy.ext.asyncio` imports the ORM's session beside the engine: 51 modules and 8 MB that nothing
here uses. So its engine is imported with the package's own code left out; whoever imports the package later gets all
of it.
"""

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
else:
    PACKAGE = "sqlalchemy.ext.asyncio"
    is_there = PACKAGE in sys.modules
    if not is_there:
        sys.modules[PACKAGE] = importlib.util.module_from_spec(importlib.util.find_spec(PACKAGE))
    engine = importlib.import_module(f"{PACKAGE}.engine")
    if not is_there:
        del sys.modules[PACKAGE]
    AsyncConnection, AsyncEngine, create_async_engine = (
        engine.AsyncConnection,
        engine.AsyncEngine,
        engine.create_async_engine,
    )

__all__ = ["AsyncConnection", "AsyncEngine", "create_async_engine"]
