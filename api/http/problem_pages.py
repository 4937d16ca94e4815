"""What this server says of itself: the description of the API, and a page for each type of problem."""

import json
from html import escape

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from api.http.answers import PUBLIC, Kept, ready, send
from api.http.problem_types import PLACE, PROBLEM_TYPES, ProblemType
from api.http.problems import NotFoundProblem

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<main>
<h1>{title}</h1>
{body}
</main>
</html>
"""


def problem_routes(app: FastAPI) -> APIRouter:
    """Serve /openapi.json, /problems and /problems/{slug}; the latter as plain pages, or as JSON to those who accept it."""
    router = APIRouter(include_in_schema=False)
    kept = Kept(lambda: 0)

    @router.get("/openapi.json")
    async def description(request: Request) -> Response:
        found = kept.get("openapi", lambda: ready(json.dumps(app.openapi(), ensure_ascii=False).encode()))
        return send(request, found, PUBLIC)

    @router.get(PLACE.rstrip("/"))
    async def problem_types(request: Request) -> Response:
        kinds = list(PROBLEM_TYPES.values())
        if _wants_page(request):
            lines = "".join(
                f'<li><a href="{kind.uri}">{escape(kind.title)}</a> ({kind.status})</li>\n' for kind in kinds
            )
            return _page(request, "Problems that this server tells of", f"<ul>\n{lines}</ul>")
        items = [_members(kind) for kind in kinds]
        return send(request, ready(json.dumps({"items": items, "next": None}).encode()), PUBLIC)

    @router.get(PLACE + "{slug}")
    async def problem_type(request: Request, slug: str) -> Response:
        kind = PROBLEM_TYPES.get(slug)
        if kind is None:
            raise NotFoundProblem("there is no problem of this name; GET /problems lists those that there are")
        if not _wants_page(request):
            return send(request, ready(json.dumps(_members(kind)).encode()), PUBLIC)
        said = f"<p>Status {kind.status}. {escape(kind.meaning)}</p>\n<p>What to do: {escape(kind.remedy)}</p>"
        return _page(request, kind.title, f'{said}\n<p><a href="{PLACE.rstrip("/")}">All problems</a></p>')

    return router


def _members(kind: ProblemType) -> dict[str, object]:
    return {
        "type": kind.uri,
        "slug": kind.slug,
        "status": kind.status,
        "title": kind.title,
        "meaning": kind.meaning,
        "remedy": kind.remedy,
        "retry_after_s": kind.retry_after_s,
    }


def _wants_page(request: Request) -> bool:
    return "application/json" not in request.headers.get("accept", "")


def _page(request: Request, title: str, body: str) -> Response:
    text = _PAGE.format(title=escape(title), body=body)
    return send(request, ready(text.encode()), PUBLIC, "text/html; charset=utf-8")
