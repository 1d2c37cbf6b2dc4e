"""What goes wrong on a page, as a page: in the same words as the API's problem, or on the way to signing in."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from census_api.api.kit import problems
from census_api.domain.kit.access import ANONYMOUS
from census_api.domain.kit.errors import CensusError, SignInRequired
from census_api.web.kit.visit import Visit

_TITLES = {
    403: "You cannot do that",
    404: "There is nothing here",
    429: "That was tried too often",
    503: "The platform is busy",
}


def register_pages(app: FastAPI) -> None:
    """Makes the errors of pages pages; those of the API stay problems."""
    of_routing = app.exception_handlers[HTTPException]

    @app.exception_handler(CensusError)
    def census_error(request: Request, error: CensusError) -> Response:
        status = problems.status_of(error)
        if status is None or not _wants_page(request):
            return problems.of_error(error, problems.reference_of(request))
        if isinstance(error, SignInRequired) and request.method == "GET":
            return Response(status_code=303, headers={"Location": f"/sign-in?next={quote(request.url.path)}"})
        return _page(request, status, error.message, problems.headers_of(error, status))

    @app.exception_handler(HTTPException)
    async def routing_error(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404 and _wants_page(request):
            return _page(request, 404, "There is no page at this address. Begin again from the first page.", None)
        answer: Response = of_routing(request, error)  # type: ignore[assignment]  # the handler of the API is not async
        return answer


def status_for(error: CensusError) -> int:
    """The status of a page that shows its form again with this error."""
    return problems.status_of(error) or HTTPStatus.UNPROCESSABLE_ENTITY.value


def _wants_page(request: Request) -> bool:
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _page(request: Request, status: int, message: str, headers: dict[str, str] | None) -> Response:
    visit = Visit(request, request.app.state.shared.platform, getattr(request.state, "actor", ANONYMOUS))
    title = _TITLES.get(status, HTTPStatus(status).phrase)
    answer = visit.page("problem.html", status, title=title, message=message, reference=problems.reference_of(request))
    answer.headers.update(headers or {})
    return answer
