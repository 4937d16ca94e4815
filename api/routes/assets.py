"""Assets: what they are, what stands to their credit, what they do now."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.access.permissions import allowed
from api.access.principal import Principal
from api.http.answers import Ready, ready, send
from api.http.lists import answer_page, written
from api.http.openapi import csv_too
from api.http.parameters import After, AssetId, FormAsked, Limit
from api.http.quick import Lane, QuickRoute, plain_asset, quick
from api.projection.views import AssetView, Page
from api.routes.reading import now_step
from api.services import Services

_CSV = csv_too("asset_id,name,project_id,beneficiary,nameplate_w,…\r\nyuenlong-farm,,hk-rooftops,0x90…,20000,…\r\n")


def assets_routes(services: Services) -> APIRouter:
    """The assets that are the asker's, and one of them."""
    router = APIRouter(prefix="/v1/assets", tags=["plants"], route_class=QuickRoute)
    projection, kept = services.projection, services.kept

    def one(asset_id: str, _: object) -> Ready:
        version = projection.version(asset_id), now_step()
        return kept.get(("asset", asset_id), lambda: ready(written(projection.asset(asset_id))), version)

    @router.get("", operation_id="assets", response_model=Page[AssetView], responses=_CSV)
    async def assets(
        request: Request,
        principal: Annotated[Principal, Depends(allowed("assets"))],
        limit: Limit = 100,
        after: After = None,
        form: FormAsked = None,
    ) -> Response:
        """Your assets by name, each with its meters, its energy up to the last report, and what was minted for it."""
        return answer_page(
            request,
            AssetView,
            form,
            after,
            lambda place: projection.assets(principal.assets, place, limit),
            kept=kept,
            key=("assets", principal.assets, limit),
            version=(projection.version(), now_step()),
        )

    @router.get("/{asset_id}", operation_id="asset", response_model=AssetView, dependencies=[Depends(allowed("asset"))])
    @quick(Lane(allowed("asset"), plain_asset, one))
    async def asset(request: Request, asset_id: AssetId) -> Response:
        """One asset."""
        return send(request, one(asset_id, None))

    return router
