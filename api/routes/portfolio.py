"""What an owner has, at a glance."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.access.permissions import allowed
from api.access.principal import Principal
from api.http.answers import Ready, ready, send
from api.http.lists import written
from api.http.quick import Lane, QuickRoute, plain_nothing, quick
from api.projection.views import PortfolioView
from api.routes.reading import now_step
from api.services import Services


def portfolio_routes(services: Services) -> APIRouter:
    """The asker's assets together."""
    router = APIRouter(prefix="/v1", tags=["plants"], route_class=QuickRoute)
    projection, kept = services.projection, services.kept

    def of(_: object, principal: Principal) -> Ready:
        version = projection.version(), now_step()
        make = partial(projection.portfolio, principal.assets)
        return kept.get(("portfolio", principal.assets), lambda: ready(written(make())), version)

    @router.get("/portfolio", operation_id="portfolio", response_model=PortfolioView)
    @quick(Lane(allowed("portfolio"), plain_nothing, of))
    async def portfolio(request: Request, principal: Annotated[Principal, Depends(allowed("portfolio"))]) -> Response:
        """Power now, energy today, credits, the month's revenue, and what is held back, of all assets that are yours."""
        return send(request, of(None, principal))

    return router
