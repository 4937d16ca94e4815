"""Routes of the dashboard: its pages by language and theme, and the files they load."""

import hashlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from api.dashboard.files import ServedFile, ServedFiles, read_files
from api.dashboard.frame import THEMES, Frame, Look, Page
from api.dashboard.languages import LANGUAGES, language_of
from api.dashboard.words import read_words
from api.http.problems import NotFoundProblem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from api.services import Services

FOLDER = Path(__file__).parent
PAGES = (
    Page("portfolio", "/", "portfolio"),
    Page("plant", "/plants/{asset_id}", "portfolio", ("proof",)),
    Page("credits", "/credits", "credits", ("amounts", "tables")),
    Page("revenue", "/revenue", "revenue", ("amounts", "tables")),
    Page("network", "/network", "network"),
    Page("explorer", "/explorer", "explorer", ("facts", "tables")),
    Page("token", "/explorer/{credit_id}", "explorer", ("amounts", "facts", "proof", "tables")),
    Page("certificate", "/certificates/{number}", "explorer", ("proof", "facts")),
    Page("docs", "/docs", "docs"),
)
MISSING = Page("missing", "", "")
"""What people see at a path where nothing is; programs see a problem document."""
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
LANGUAGE_COOKIE, THEME_COOKIE = "heliograph_language", "heliograph_theme"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


@dataclass(frozen=True, eq=False)
class Rendered:
    """A page in one language and theme."""

    body: bytes
    """The document."""
    entity_tag: str
    """Its strong tag."""


@dataclass(frozen=True)
class Pages:
    """The dashboard's part of an application."""

    router: APIRouter
    """Pages for people at `/`, what they load at `/assets`."""
    missing: Callable[[Request], Awaitable[Response]]
    """The page for a path where nothing is."""

    def before(self, default: "ASGIApp") -> "ASGIApp":
        """Answer browsers where no route matches; all else goes to the router's own default."""

        async def unmatched(scope: "Scope", receive: "Receive", send: "Send") -> None:
            if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or scope["path"].startswith("/v1/"):
                await default(scope, receive, send)
                return
            request = Request(scope, receive)
            if "text/html" not in request.headers.get("accept", ""):
                await default(scope, receive, send)
                return
            answer = await self.missing(request)
            await answer(scope, receive, send)

        return unmatched


def pages_of(services: "Services") -> Pages:
    """Make the dashboard's part.

    All is read, hashed and rendered here, once: a request only chooses.
    """
    files = read_files(FOLDER)
    demo_scripts = tuple(services.demo.scripts()) if services.demo is not None else ()
    rendered = _render_all(files, demo_scripts)
    router = APIRouter(include_in_schema=False)
    for page in PAGES:
        if (page.name, "en", None) in rendered:
            router.add_api_route(page.path, _endpoint(rendered, page.name), methods=["GET", "HEAD"])

    @router.api_route("/assets/{release}/{path:path}", methods=["GET", "HEAD"])
    async def asset_file(request: Request, release: str, path: str) -> Response:
        file = files.by_path.get(path)
        if file is None:
            raise NotFoundProblem(f"The dashboard has no file {path}. Load the page anew: it names the files it needs.")
        return _file_answer(request, file, kept=release == files.release)

    @router.api_route("/favicon.ico", methods=["GET", "HEAD"])
    async def favicon(request: Request) -> Response:
        return _file_answer(request, files.by_path["styles/heliograph.svg"], kept=False)

    return Pages(router, _endpoint(rendered, MISSING.name, status=404))


def _render_all(files: ServedFiles, demo_scripts: tuple[str, ...]) -> dict[tuple[str, str, str | None], Rendered]:
    words = read_words(FOLDER / "words")
    frame = Frame(FOLDER, files, demo_scripts)
    rendered = {}
    present = [page for page in (*PAGES, MISSING) if (FOLDER / "pages" / f"{page.name}.html").is_file()]
    for page, language, theme in itertools.product(present, LANGUAGES, (None, *THEMES)):
        body = frame.render(page, Look(language, theme), words[language])
        rendered[page.name, language, theme] = Rendered(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return rendered


def _endpoint(
    rendered: dict[tuple[str, str, str | None], Rendered], name: str, status: int = 200
) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        language = language_of(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language"))
        chosen = request.cookies.get(THEME_COOKIE)
        document = rendered[name, language, chosen if chosen in THEMES else None]
        headers = {
            "ETag": document.entity_tag,
            "Cache-Control": ASK_AGAIN,
            "Vary": "Cookie, Accept-Language",
            "Content-Language": language,
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        }
        if status == HTTPStatus.OK and _has(request, document.entity_tag):
            return Response(status_code=304, headers=headers)
        return Response(document.body, status, media_type="text/html; charset=utf-8", headers=headers)

    return page


def _file_answer(request: Request, file: ServedFile, *, kept: bool) -> Response:
    headers = {
        "ETag": file.entity_tag,
        "Cache-Control": FOR_EVER if kept else ASK_AGAIN,
        "X-Content-Type-Options": "nosniff",
    }
    if _has(request, file.entity_tag):
        return Response(status_code=304, headers=headers)
    body = file.content
    if file.compressed is not None:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            body = file.compressed
            headers["Content-Encoding"] = "gzip"
            headers["ETag"] = f'{file.entity_tag[:-1]}-gzip"'
    return Response(body, media_type=file.media_type, headers=headers)


def _has(request: Request, entity_tag: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return known == "*" or any(
        tag.strip().removeprefix("W/") in {entity_tag, f'{entity_tag[:-1]}-gzip"'} for tag in known.split(",")
    )
