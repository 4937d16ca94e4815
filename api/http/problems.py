"""Errors of the HTTP API as problem details (RFC 9457): what is wrong, and what to do."""

import json
import logging
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from api.http.problem_types import ProblemType, problem_type, type_of_status
from oracle.errors import ChainError, JournalError

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="heliograph"'
"""What a 401 asks for."""
ERRORS_TOLD = 10
"""Invalid parameters that one answer names."""


class ProblemError(Exception):
    """A request that is answered with a problem document. Raise it anywhere below a route."""

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        """Describe the problem.

        Args:
            slug: its type, one of `api.http.problem_types`.
            detail: what is wrong in this case and what to do, a sentence or two; never a secret.
            retry_after_s: when to try again [s]; the type's own figure if left out.
            headers: further headers of the answer.
            members: further members of the document.

        """
        super().__init__(detail)
        self.type = problem_type(slug)
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.headers = dict(headers or {})
        self.members = dict(members or {})


class NotFoundProblem(ProblemError):  # noqa: N818  it names the problem that is sent, not a fault of ours
    """What was asked for is not there, or not the asker's to see."""

    def __init__(self, detail: str) -> None:
        super().__init__("not-found", detail)


def problem_response(  # noqa: PLR0913  the members of a problem document
    kind: ProblemType,
    detail: str,
    instance: str,
    *,
    retry_after_s: int | None = None,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """Write one problem document. `instance` is the path that was asked for, without its query."""
    document = {
        "type": kind.uri,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": instance,
        **(members or {}),
    }
    sent = {"Cache-Control": "no-store", **(headers or {})}
    wait_s = retry_after_s if retry_after_s is not None else kind.retry_after_s
    if wait_s is not None:
        sent.setdefault("Retry-After", str(max(1, wait_s)))
    if kind.status == HTTPStatus.UNAUTHORIZED:
        sent.setdefault("WWW-Authenticate", CHALLENGE)
    body = json.dumps(document, ensure_ascii=True).encode()  # ASCII: what came as no UTF-8 must go out as JSON
    return Response(body, kind.status, sent, MEDIA_TYPE)


def response_to(error: ProblemError, instance: str) -> Response:
    """Write the document of a problem that was raised."""
    return problem_response(
        error.type,
        error.detail,
        instance,
        retry_after_s=error.retry_after_s,
        headers=error.headers,
        members=error.members,
    )


def install_problems(app: FastAPI) -> None:
    """Turn every error into a problem document."""
    app.add_exception_handler(ProblemError, _told)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ChainError, _chain_away)
    app.add_exception_handler(JournalError, _journal_away)
    app.add_exception_handler(sqlite3.Error, _file_away)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101  it is installed for nothing else
    return response_to(error, request.url.path)


async def _of_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    kind = type_of_status(error.status_code)
    detail = {
        404: f"nothing is at this path. {kind.remedy}",
        405: f"this path does not take {request.method[:20]}. {kind.remedy}",
    }.get(error.status_code, f"{error.detail}. {kind.remedy}")
    headers = {"Allow": _methods_at(request)} if kind.status == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    return problem_response(kind, detail, request.url.path, headers=headers)


def _methods_at(request: Request) -> str:
    """Methods that the path takes, as the `Allow` header lists them."""
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        detail = "the body is no JSON; send a JSON document as /openapi.json describes it"
        return problem_response(problem_type("malformed-request"), detail, request.url.path)
    errors = [
        {"where": ".".join(map(str, each["loc"])), "what": each["msg"].removeprefix("Value error, ")}
        for each in found[:ERRORS_TOLD]
    ]
    detail = "; ".join(f"{each['where']}: {each['what']}" for each in errors[:3])
    return problem_response(problem_type("invalid-parameter"), detail, request.url.path, members={"errors": errors})


async def _chain_away(request: Request, error: Exception) -> Response:
    return problem_response(problem_type("chain-away"), f"{error}; try again in a few seconds", request.url.path)


async def _journal_away(request: Request, error: Exception) -> Response:
    return problem_response(problem_type("journal-away"), f"{error}; try again in a few seconds", request.url.path)


async def _file_away(request: Request, error: Exception) -> Response:
    _log.error("%s %s: a database of the server fails: %s", request.method, request.url.path, error)
    return problem_response(
        problem_type("part-away"),
        "a database file of the server cannot be used; try again in a few seconds",
        request.url.path,
    )
