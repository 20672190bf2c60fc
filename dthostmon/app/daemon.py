"""The daemon: scheduler, checks and API in one process."""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime

from dthostmon import __version__, web
from dthostmon.app.judging import Models, prices_of
from dthostmon.app.lock import hold_lock
from dthostmon.app.memory import give_back_free_memory, keep_heap_small
from dthostmon.app.parts import configured_rules, make_parts, now, opened_store, prune
from dthostmon.app.schedule import Schedule, guard_clock
from dthostmon.config import Configuration, changed, load
from dthostmon.cycle import HostChecks, run_cycle
from dthostmon.errors import ConfigurationError, StoreError
from dthostmon.judge.breaker import BreakerState
from dthostmon.model import Cycle, Host
from dthostmon.reports.documents import Document, cycle_summary
from dthostmon.store import Store
from dthostmon.transport import Connections

logger = logging.getLogger(__name__)

STOP_GRACE_SECONDS = 10  # what running checks get to end in; with the rest of the stop it stays under 20 s
CONFIGURATION_CHECK_SECONDS = 5
STALE_AFTER_INTERVALS = 3  # a scheduler that missed this many cycles is not healthy
DEADLINE_TIMEOUTS = 2  # a cycle may last its interval, or this many of its slowest host's timeouts where that is longer


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the daemon answers."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """What to open on this machine."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104  # compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


@dataclass(slots=True)
class Daemon:
    """The running parts. `told` is called with each cycle that ended."""

    configuration: Configuration
    environ: Mapping[str, str]
    store: Store
    clock: Callable[[], datetime]
    told: Callable[[Cycle], None]
    connections: Connections = field(default_factory=Connections)
    models: Models = field(init=False)
    checks: HostChecks = field(init=False)
    schedule: Schedule = field(init=False)
    last_cycle: Cycle | None = None
    cycles: int = 0
    refused_edit: str | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _reloading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        limit = self.configuration.settings.monitoring.max_concurrent_hosts
        self.models = Models(self.store)
        packs, ai = configured_rules(self.configuration), self.configuration.settings.ai
        parts = make_parts(self.store, self.connections, packs, self.models, ai, self.configuration.hosts)
        self.checks = HostChecks(parts, limit)
        self.schedule = Schedule(self._start_cycle, self._start_prune, self.clock)

    def start(self) -> None:
        """Start the scheduler; the first cycle begins at once."""
        self.schedule.start(self._intervals())
        self._own(guard_clock(self.schedule.rearm), "clock guard")
        self._own(self._watch_configuration(), "configuration watch")

    async def stop(self) -> None:
        """Start nothing more, let running checks end for a while, then cancel them: nothing of theirs is stored.

        Last, the connections that were kept for the next checks end.
        """
        self.schedule.stop()
        checks = {task for task in self._tasks if task.get_name().startswith("cycle")}
        if checks:
            await asyncio.wait(checks, timeout=STOP_GRACE_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.connections.close()
        await self.models.close()

    def reload(self) -> None:
        """Look for an edit of the configuration now, and read the rule packs again."""
        self._own(self._reload(with_rules=True), "reload")

    def hosts(self) -> tuple[Host, ...]:
        """Return the hosts of the configuration in force."""
        return self.configuration.hosts

    async def health(self) -> web.Health:
        """Tell whether the database answers and the scheduler runs."""
        database = await self._database_problem()
        is_stale = self._is_stale()
        document: Document = {
            "status": "ok" if database is None and not is_stale else "failing",
            "version": __version__,
            "database": {"status": "ok" if database is None else "failing", "error": database},
            "scheduler": {
                "status": "stale" if is_stale else "ok",
                "cycles": self.cycles,
                "last_cycle": cycle_summary(self.last_cycle) if self.last_cycle else None,
            },
            "configuration": {"status": "ok" if self.refused_edit is None else "edit refused"},
            "ai": _health_of(self.models.states()),
        }
        return web.Health(is_healthy=database is None and not is_stale, document=document)

    async def _database_problem(self) -> str | None:
        try:
            await self.store.ping()
        except StoreError as error:
            logger.warning("the database does not answer", extra={"error": str(error)})
            return "the database does not answer"  # the address stays in the log: this page needs no key
        return None

    def _is_stale(self) -> bool:
        if self.last_cycle is None or not self._intervals():
            return False
        age = (self.clock() - self.last_cycle.started_at).total_seconds()
        return age > STALE_AFTER_INTERVALS * min(self._intervals()) + self.last_cycle.duration

    def _intervals(self) -> set[float]:
        return {host.interval for host in self.configuration.hosts if host.enabled}

    def _start_cycle(self, interval: float) -> None:
        self._own(self._cycle(interval), f"cycle every {interval:g} s")

    def _start_prune(self) -> None:
        self._own(self._prune(), "prune")

    async def _cycle(self, interval: float) -> None:
        await self._reload()
        hosts = [host for host in self.configuration.hosts if host.enabled and host.interval == interval]
        if not hosts:
            return
        deadline = max(interval, DEADLINE_TIMEOUTS * max(host.timeout for host in hosts))
        cycle = await run_cycle(hosts, self.checks, deadline)
        give_back_free_memory()
        self.last_cycle, self.cycles = cycle, self.cycles + 1
        logger.info(
            "a cycle ended",
            extra={
                "hosts": len(cycle.runs),
                "ok": cycle.ok,
                "failed": cycle.failed,
                "seconds": round(cycle.duration, 2),
            },
        )
        self.told(cycle)

    async def _prune(self) -> None:
        result = await prune(self.store, self.configuration, self.clock())
        logger.info("old runs and lines were deleted", extra={"runs": result.runs, "chunks": result.chunks})

    async def _watch_configuration(self) -> None:
        """Look for edits between cycles too: there is no cycle while no host is enabled."""
        while True:
            await asyncio.sleep(CONFIGURATION_CHECK_SECONDS)
            await self._reload()

    async def _reload(self, *, with_rules: bool = False) -> None:
        async with self._reloading:
            edited = await self._take_over_edit()
            if edited or with_rules:
                await self._renew_checks()
            self.connections.forget_others(host for host in self.configuration.hosts if host.enabled)

    async def _renew_checks(self) -> None:
        """Check from now on with the limit and the rule packs of the configuration in force."""
        packs = await asyncio.to_thread(configured_rules, self.configuration)
        settings = self.configuration.settings
        parts = replace(
            self.checks.parts,
            rules=packs,
            assessor=self.models.assessor(settings.ai, packs, self.configuration.hosts),
            prices=prices_of(settings.ai),
        )
        self.checks = HostChecks(parts, settings.monitoring.max_concurrent_hosts, self.checks.busy)

    async def _take_over_edit(self) -> bool:
        """Take over an edit of the configuration file; a broken one is refused as a whole and said once.

        Returns whether there was one.
        """
        if not changed(self.configuration):
            self.refused_edit = None
            return False
        try:
            edited = await asyncio.to_thread(load, self.configuration.path, self.environ)
        except ConfigurationError as error:
            if self.refused_edit != str(error):
                self.refused_edit = str(error)
                logger.error(
                    "the edited configuration is refused, the one before stays", extra={"problems": str(error)}
                )
            return False
        self.refused_edit = None
        self._tell_what_waits(edited)
        self.configuration = edited
        self.schedule.arm(self._intervals())
        logger.info("the edited configuration is in force", extra={"hosts": len(edited.hosts)})
        return True

    def _tell_what_waits(self, edited: Configuration) -> None:
        before, after = self.configuration.settings, edited.settings
        waiting = [name for name in ("database", "api") if getattr(before, name) != getattr(after, name)]
        if waiting:
            logger.warning("an edit is in force after a restart only", extra={"sections": ", ".join(waiting)})

    def _own(self, work: Coroutine[None, None, None], name: str) -> None:
        """Run a side task that has an owner and a name, and is loud when it dies."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a task died", extra={"task": task.get_name()}, exc_info=error)


def _health_of(providers: Mapping[str, str]) -> Document:
    """Tell whether any model may be asked; that none can is no failure of the monitor."""
    if not providers:
        return {"status": "not configured"}
    status = "failing" if all(state == BreakerState.OPEN for state in providers.values()) else "ok"
    return {"status": status, "providers": dict(providers)}


async def run_daemon(
    configuration: Configuration,
    environ: Mapping[str, str],
    ready: Callable[[Listening], None],
    told: Callable[[Cycle], None],
) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP takes over an edit at once. `ready` is called once the API answers.

    Order of the start: store, lock, API, scheduler; of the stop: scheduler, checks, connections, API, lock, store.
    Raises StoreError (AlreadyRunningError for a second daemon) and ListenError (the API's address is taken).
    """
    keep_heap_small()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened_store(configuration))
        refused = await stack.enter_async_context(hold_lock(store))
        daemon = Daemon(configuration, environ, store, now, told)
        host, port = configuration.settings.api.listen
        sources = web.Sources(store, daemon.hosts, daemon.health, now)
        bound = await stack.enter_async_context(web.serve(sources, host, port))
        stack.push_async_callback(daemon.stop)
        daemon.start()
        loop.add_signal_handler(signal.SIGHUP, daemon.reload)
        ready(Listening(host, bound))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, refused], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        logger.info("stopping")
        if refused.done():
            await refused
