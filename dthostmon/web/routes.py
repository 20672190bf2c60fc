"""The routes of the API: from a request to the store and back as JSON."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import wraps
from typing import TypeAlias, TypeVar

from aiohttp import web
from pydantic import BaseModel

from dthostmon import __version__
from dthostmon.errors import NotFoundError
from dthostmon.model import Host
from dthostmon.reports.documents import (
    HISTORY_POINTS,
    Document,
    host_document,
    ledger_document,
    run_document,
    series_document,
    stored_change_document,
    stored_finding_document,
)
from dthostmon.store import ChangesWanted
from dthostmon.web.auth import Scope, require_scope
from dthostmon.web.problems import Answer
from dthostmon.web.queries import (
    ChangesQuery,
    HistoryQuery,
    NoQuery,
    PageQuery,
    SincePageQuery,
    SinceQuery,
    parse_query,
)
from dthostmon.web.sources import SOURCES, Sources

Query = TypeVar("Query", bound=BaseModel)
Route: TypeAlias = Callable[[web.Request, Sources, Query], Awaitable[Document]]

INDEX = f"""dthostmon {__version__} is running.

/health         whether it works
/api/v1/hosts   the hosts; send an API key in the X-API-Key header (dthostmon key create NAME --scope read)
"""


def reading(model: type[Query]) -> Callable[[Route[Query]], Answer]:
    """Make the answer of a route: a key with scope read, a typed query, a JSON answer."""

    def decorate(route: Route[Query]) -> Answer:
        @wraps(route)
        async def answer(request: web.Request) -> web.Response:
            sources = request.app[SOURCES]
            await require_scope(request, sources.store.keys, sources.clock(), Scope.READ)
            return json_response(await route(request, sources, parse_query(request, model)))

        return answer

    return decorate


def json_response(document: Document, status: int = 200) -> web.Response:
    """Write a document; text is UTF-8 as it is, so names and log lines stay readable."""
    return web.Response(
        status=status,
        body=json.dumps(document, ensure_ascii=False, allow_nan=False).encode(),
        content_type="application/json",
    )


async def health(request: web.Request) -> web.Response:
    """Tell whether the monitor itself works; no key, so nothing of the hosts is in it."""
    report = await request.app[SOURCES].health()
    return json_response(report.document, 200 if report.is_healthy else 503)


async def index(_request: web.Request) -> web.Response:
    """Tell a person who opened the address what there is."""
    return web.Response(text=INDEX)


@reading(PageQuery)
async def list_hosts(_request: web.Request, sources: Sources, query: PageQuery) -> Document:
    """The configured hosts by name, each with its latest run in short."""
    latest = await sources.store.latest_runs()
    hosts = sorted((host for host in sources.hosts() if host.name > (query.after or "")), key=lambda host: host.name)
    page = hosts[: query.limit]
    return {
        "hosts": [host_document(host, latest.get(host.name)) for host in page],
        "next": page[-1].name if len(hosts) > len(page) else None,
    }


@reading(NoQuery)
async def show_host(request: web.Request, sources: Sources, _query: NoQuery) -> Document:
    """One host with its latest run."""
    host = _host(request, sources)
    latest = await sources.store.latest_run(host.name)
    return {**host_document(host, latest), "latest_run": run_document(latest) if latest else None}


@reading(PageQuery)
async def list_runs(request: web.Request, sources: Sources, query: PageQuery) -> Document:
    """The runs of a host, the newest first."""
    page = await sources.store.runs(_host(request, sources).name, limit=query.limit, after=query.after)
    return {"runs": [run_document(run) for run in page.items], "next": page.next}


@reading(NoQuery)
async def latest_run(request: web.Request, sources: Sources, _query: NoQuery) -> Document:
    """The newest run of a host."""
    host = _host(request, sources)
    run = await sources.store.latest_run(host.name)
    if run is None:
        raise NotFoundError(f"host {host.name} was not checked yet")
    return run_document(run)


@reading(SincePageQuery)
async def list_findings(request: web.Request, sources: Sources, query: SincePageQuery) -> Document:
    """The findings of a host, the newest first."""
    page = await sources.store.findings(
        _host(request, sources).name, since=query.since, limit=query.limit, after=query.after
    )
    return {"findings": [stored_finding_document(found) for found in page.items], "next": page.next}


@reading(ChangesQuery)
async def list_changes(request: web.Request, sources: Sources, query: ChangesQuery) -> Document:
    """What changed on a host, the newest first."""
    wanted = ChangesWanted(_host(request, sources).name, query.since, query.kind)
    page = await sources.store.changes(wanted, limit=query.limit, after=query.after)
    return {"changes": [stored_change_document(found) for found in page.items], "next": page.next}


@reading(HistoryQuery)
async def show_history(request: web.Request, sources: Sources, query: HistoryQuery) -> Document:
    """How a host was over the last days, thinned to a bounded number of points."""
    host, now = _host(request, sources), sources.clock()
    series = await sources.store.series(host.name, now - timedelta(days=query.days), now, HISTORY_POINTS)
    return series_document(host.name, series)


@reading(SinceQuery)
async def show_coverage(request: web.Request, sources: Sources, query: SinceQuery) -> Document:
    """The ledger of a host's logs."""
    entries = await sources.store.coverage(_host(request, sources).name, since=query.since)
    return {"coverage": [ledger_document(entry) for entry in entries]}


def _host(request: web.Request, sources: Sources) -> Host:
    name = request.match_info["name"]
    for host in sources.hosts():
        if host.name == name:
            return host
    raise NotFoundError("there is no host of that name; GET /api/v1/hosts lists them")


ROUTES = (
    web.get("/", index),
    web.get("/health", health),
    web.get("/api/v1/hosts", list_hosts),
    web.get("/api/v1/hosts/{name}", show_host),
    web.get("/api/v1/hosts/{name}/runs", list_runs),
    web.get("/api/v1/hosts/{name}/runs/latest", latest_run),
    web.get("/api/v1/hosts/{name}/findings", list_findings),
    web.get("/api/v1/hosts/{name}/changes", list_changes),
    web.get("/api/v1/hosts/{name}/history", show_history),
    web.get("/api/v1/hosts/{name}/coverage", show_coverage),
)
