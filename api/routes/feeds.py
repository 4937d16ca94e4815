"""Feeds that other contracts read: figures of an asset or of the fleet, and whether they are fresh."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.access.permissions import allowed
from api.http.answers import PUBLIC
from api.http.lists import answer_page
from api.http.openapi import csv_too
from api.http.parameters import FormAsked
from api.projection.views import FeedView, Page
from api.routes.reading import now_step
from api.services import Services

_CSV = csv_too(
    "asset_id,metric,address,answer,decimals,state,updated_at\r\nyuenlong-farm,energy,0x1f…,98240,0,fresh,…\r\n"
)


def feeds_routes(services: Services) -> APIRouter:
    """All feeds."""
    router = APIRouter(prefix="/v1", tags=["public"])
    projection, kept = services.projection, services.kept

    @router.get(
        "/feeds",
        operation_id="feeds",
        response_model=Page[FeedView],
        responses=_CSV,
        dependencies=[Depends(allowed("feeds"))],
    )
    async def feeds(request: Request, form: FormAsked = None) -> Response:
        """Every feed (AggregatorV3Interface) with its newest answer, a decimal string, and whether it is fresh."""

        def page(_: str | None) -> Page[FeedView]:
            return Page[FeedView](items=projection.feeds())

        version = projection.version(), now_step()
        return answer_page(
            request, FeedView, form, None, page, kept=kept, key="feeds", version=version, cache_control=PUBLIC
        )

    return router
