"""Errors of the HTTP API as problem details (RFC 9457): what is wrong, and what to do."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from oracle.errors import ChainError, JournalError

MEDIA_TYPE = "application/problem+json"


class NotFoundProblem(Exception):  # noqa: N818  it names the problem that is sent, not a fault of ours
    """What was asked for is not there."""


def problem(status: HTTPStatus, detail: str) -> JSONResponse:
    """Answer with one problem document."""
    members = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return JSONResponse(members, status.value, media_type=MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Turn every error into a problem document."""

    @app.exception_handler(NotFoundProblem)
    def _not_found(_request: Request, error: NotFoundProblem) -> JSONResponse:
        return problem(HTTPStatus.NOT_FOUND, str(error))

    @app.exception_handler(HTTPException)
    def _http(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(HTTPStatus(error.status_code), str(error.detail))

    @app.exception_handler(RequestValidationError)
    def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place}: {first['msg']}")

    @app.exception_handler(ChainError)
    def _chain_away(_request: Request, error: ChainError) -> JSONResponse:
        response = problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}; try again in a few seconds")
        response.headers["Retry-After"] = "5"
        return response

    @app.exception_handler(JournalError)
    def _nothing_yet(_request: Request, error: JournalError) -> JSONResponse:
        return problem(HTTPStatus.NOT_FOUND, f"{error}; it will be there after the next report")
