"""The way of a watt-hour: six stations, their counts and how fresh they are known."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from api.access.permissions import allowed, own_asset
from api.access.principal import Principal
from api.http.answers import PRIVATE, PUBLIC, Ready, ready, send
from api.http.lists import written
from api.http.parameters import IDENTIFIER
from api.http.quick import Lane, QuickRoute, plain_nothing, quick
from api.projection.views import Status
from api.routes.reading import now_step
from api.services import Services

AssetFilter = Annotated[
    list[Annotated[str, Path(pattern=IDENTIFIER)]] | None,
    Query(alias="asset_id", description="of these assets only; they must be yours to see", max_length=100),
]


def status_routes(services: Services) -> APIRouter:
    """Status of the whole fleet, or of some assets."""
    router = APIRouter(prefix="/v1", tags=["public"], route_class=QuickRoute)
    projection, kept = services.projection, services.kept

    def of(wanted: frozenset[str] | None) -> Ready:
        version = projection.version(), now_step()
        return kept.get(("status", wanted), lambda: ready(written(projection.status(wanted))), version)

    @router.get("/status", operation_id="status", response_model=Status)
    @quick(Lane(allowed("status"), plain_nothing, lambda _, __: of(None), PUBLIC))
    async def status(
        request: Request, principal: Annotated[Principal, Depends(allowed("status"))], asset_id: AssetFilter = None
    ) -> Response:
        """The way of a watt-hour: meters reporting, readings journaled, nodes agreed, report on chain, minted, paid.

        Counts of the fleet are public; with `asset_id` they are those of assets that are yours to see. `sources` says since when
        journal or chain do not answer: what is shown is as old as that.
        """
        wanted = frozenset(projection.asset(own_asset(principal, each)).asset_id for each in asset_id or ()) or None
        return send(request, of(wanted), PRIVATE if wanted else PUBLIC)

    return router
