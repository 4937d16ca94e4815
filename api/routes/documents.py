"""Documents of an asset by the hash of their content: what the registry names by hash can be looked up here."""

import hashlib
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.access.permissions import allowed
from api.access.principal import Principal
from api.depot.depot import MAX_DOCUMENT, MAX_DOCUMENTS, Depot, DepotFullError, Document
from api.http.answers import LASTING, Ready, send
from api.http.lists import answer_page, written
from api.http.openapi import csv_too
from api.http.parameters import AssetId, FormAsked
from api.http.problems import NotFoundProblem, ProblemError
from api.projection.instants import instant
from api.projection.views import Page
from api.services import Services

MEDIA_TYPES = ("application/pdf", "image/png", "image/jpeg", "text/plain", "application/json")
"""What documents may be. None of it is ever shown as a page of this server."""
Sha256 = Annotated[
    str,
    Path(
        description="SHA-256 of the content, hexadecimal",
        pattern="^[0-9a-f]{64}$",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    ),
]
_CSV = csv_too("asset_id,sha256,media_type,size,put_by,put_at\r\nyuenlong-farm,9f86…,application/pdf,48211,0x90…,…\r\n")
_CONTENT = {
    200: {
        "description": "the content",
        "content": {each: {"schema": {"type": "string", "format": "binary"}} for each in MEDIA_TYPES},
    }
}
_TAKES = {
    "requestBody": {
        "required": True,
        "content": {each: {"schema": {"type": "string", "format": "binary"}} for each in MEDIA_TYPES},
    }
}


class DocumentView(BaseModel):
    """One document; its content is at its hash."""

    asset_id: str
    sha256: str
    media_type: str
    size: int = Field(description="bytes")
    put_by: str = Field(description="address or key that handed it in; `erased` where its owner was erased")
    put_at: datetime


def documents_routes(services: Services) -> APIRouter:
    """List, hand in and fetch documents."""
    router = APIRouter(prefix="/v1/assets/{asset_id}/documents", tags=["plants"])

    def depot_of(asset_id: str) -> Depot:
        services.projection.asset(asset_id)
        if services.depot is None:
            raise ProblemError(
                "part-away", "this server keeps no documents; whoever runs it can give it a folder for them"
            )
        return services.depot

    @router.get(
        "",
        operation_id="documents_list",
        response_model=Page[DocumentView],
        responses=_CSV,
        dependencies=[Depends(allowed("documents_list"))],
    )
    async def documents_list(request: Request, asset_id: AssetId, form: FormAsked = None) -> Response:
        """The asset's documents, in the order handed in."""
        found = await run_in_threadpool(depot_of(asset_id).documents, asset_id)
        page = Page[DocumentView](items=[_view(each) for each in found])
        return answer_page(request, DocumentView, form, None, lambda _: page)

    @router.put(
        "/{sha256}",
        operation_id="document_put",
        response_model=DocumentView,
        status_code=201,
        responses={200: {"description": "it was there already", "model": DocumentView}},
        openapi_extra=_TAKES,
    )
    async def document_put(
        request: Request,
        asset_id: AssetId,
        sha256: Sha256,
        principal: Annotated[Principal, Depends(allowed("document_put"))],
    ) -> Response:
        """Hand in a document under the hash of its content: the body is the content itself, up to 8 MiB."""
        request.state.target = f"{asset_id} {sha256}"
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in MEDIA_TYPES:
            raise ProblemError("unsupported-media-type", f"send the content as one of {', '.join(MEDIA_TYPES)}")
        depot = depot_of(asset_id)
        content = await request.body()
        if len(content) > MAX_DOCUMENT:
            raise ProblemError("too-large", f"a document has at most {MAX_DOCUMENT} bytes")
        document = Document(
            asset_id, bytes.fromhex(sha256), media_type, len(content), principal.subject, services.access.now_ms()
        )
        is_new = await run_in_threadpool(_hand_in, depot, document, content)
        found = await run_in_threadpool(depot.document, asset_id, document.sha256)
        assert found is not None  # noqa: S101  it was just put
        return Response(
            written(_view(found[0])), 201 if is_new else 200, {"Cache-Control": "no-store"}, "application/json"
        )

    @router.get(
        "/{sha256}",
        operation_id="document_get",
        responses=_CONTENT,  # type: ignore[arg-type]
        response_class=Response,
        dependencies=[Depends(allowed("document_get"))],
    )
    async def document_get(request: Request, asset_id: AssetId, sha256: Sha256) -> Response:
        """The content of a document, as a download."""
        found = await run_in_threadpool(depot_of(asset_id).document, asset_id, bytes.fromhex(sha256))
        if found is None:
            raise NotFoundProblem(
                f"{asset_id} has no document {sha256}; GET /v1/assets/{asset_id}/documents lists them"
            )
        document, content = found
        headers = {
            "Content-Disposition": f'attachment; filename="{sha256[:16]}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        cache_control = LASTING.replace("public", "private")
        return send(request, Ready(content, f'"{sha256}"'), cache_control, document.media_type, headers)

    return router


def _hand_in(depot: Depot, document: Document, content: bytes) -> bool:
    """Keep a document; tell whether it was not there yet."""
    actual = hashlib.sha256(content).digest()
    if actual != document.sha256:
        raise ProblemError("conflict", f"the content has the SHA-256 {actual.hex()}; send it under that hash")
    try:
        return depot.put(document, content)
    except DepotFullError as error:
        raise ProblemError("conflict", f"an asset has at most {MAX_DOCUMENTS} documents") from error


def _view(document: Document) -> DocumentView:
    return DocumentView(
        asset_id=document.asset_id,
        sha256=document.sha256.hex(),
        media_type=document.media_type,
        size=document.size,
        put_by=document.put_by,
        put_at=instant(document.put_ms),
    )
