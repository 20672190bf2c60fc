"""Errors as RFC 9457 problem documents: they say what was wrong and how to mend it, and never echo what was sent."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from dthostmon.errors import NotFoundError, StoreUnavailableError
from dthostmon.store import InvalidPageError

logger = logging.getLogger(__name__)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class ApiProblemError(Exception):
    """A request that cannot be served. `errors` are (parameter, message) pairs."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        headers: Mapping[str, str] | None = None,
        errors: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = errors


INVALID_PAGE = ApiProblemError(
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "the query string cannot be used; `errors` names the parameters",
    errors=(("after", "pass the `next` of the page before, unchanged"),),
)


@web.middleware
async def problem_middleware(request: web.Request, handler: Answer) -> web.StreamResponse:
    """Answer every error of a request with a problem document: the boundary that no error of a request crosses."""
    try:
        return await handler(request)
    except ApiProblemError as problem:
        return problem_response(problem)
    except NotFoundError as error:
        return problem_response(ApiProblemError(HTTPStatus.NOT_FOUND, str(error)))
    except InvalidPageError:
        return problem_response(INVALID_PAGE)
    except StoreUnavailableError:
        return problem_response(
            ApiProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "the database does not answer; /health tells more",
                {"Retry-After": "10"},
            )
        )
    except web.HTTPException as error:
        allow = {name: value for name, value in error.headers.items() if name == "Allow"}
        return problem_response(
            ApiProblemError(HTTPStatus(error.status), HTTPStatus(error.status).description or error.reason, allow)
        )
    except Exception:
        logger.exception("a request failed", extra={"method": request.method, "route": _route_of(request)})
        return problem_response(
            ApiProblemError(
                HTTPStatus.INTERNAL_SERVER_ERROR, "the request failed inside dthostmon; its log has the details"
            )
        )


@web.middleware
async def security_header_middleware(request: web.Request, handler: Answer) -> web.StreamResponse:
    """Add the headers that every answer carries."""
    response = await handler(request)
    if not response.prepared:
        response.headers.update(SECURITY_HEADERS)
    return response


def problem_response(problem: ApiProblemError) -> web.Response:
    """Write a problem document."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
    }
    if problem.errors:
        document["errors"] = [{"parameter": name, "detail": message} for name, message in problem.errors]
    return web.Response(
        status=problem.status,
        headers=problem.headers,
        body=json.dumps(document).encode(),
        content_type="application/problem+json",
    )


def _route_of(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"
