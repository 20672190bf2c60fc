"""What a query string may hold: typed, bounded; anything else is a 422 that names the parameter."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from dthostmon.model import ThingKind
from dthostmon.web.problems import ApiProblemError

Query = TypeVar("Query", bound=BaseModel)

YEARS = range(1970, 9999)  # the first and the last year of the calendar leave it in another zone


def _demand_rfc3339(value: object) -> object:
    """Refuse what pydantic would take for a moment by guessing, such as 0.5."""
    if isinstance(value, str) and "T" in value:
        return value.replace(" ", "+")  # a plus sign that was not percent-encoded arrives as a blank
    raise ValueError("write an RFC 3339 date and time with its zone, such as 2026-01-31T08:00:00Z")


def _demand_usual_year(moment: datetime) -> datetime:
    if moment.year not in YEARS:
        raise ValueError(f"write a year from {YEARS[0]} to {YEARS[-1]}")
    return moment


Moment = Annotated[AwareDatetime, BeforeValidator(_demand_rfc3339), AfterValidator(_demand_usual_year)]


class NoQuery(BaseModel):
    """No parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(NoQuery):
    """Keyset pagination: `after` is the `next` of the page before."""

    limit: int = Field(default=50, ge=1, le=500)
    after: str | None = Field(default=None, max_length=200)


class SincePageQuery(PageQuery):
    """A page of what came at or after a moment."""

    since: Moment | None = None


class ChangesQuery(SincePageQuery):
    """A page of changes, of one kind where it is named."""

    kind: ThingKind | None = None


class HistoryQuery(NoQuery):
    """So many days, up to now."""

    days: int = Field(default=7, ge=1, le=3660)


class SinceQuery(NoQuery):
    """All that came at or after a moment."""

    since: Moment | None = None


def parse_query(request: web.Request, model: type[Query]) -> Query:
    """Validate the query string. Unknown and repeated parameters are errors too."""
    repeated = sorted({name for name in request.query if len(request.query.getall(name)) > 1})
    if repeated:
        raise _invalid(tuple((name, "given more than once") for name in repeated))
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise _invalid(
            tuple(
                (".".join(map(str, item["loc"]))[:100], item["msg"])
                for item in error.errors(include_input=False, include_url=False)
            )
        ) from error


def _invalid(errors: tuple[tuple[str, str], ...]) -> ApiProblemError:
    return ApiProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY, "the query string cannot be used; `errors` names the parameters", errors=errors
    )
