"""What an asset's meters said: raw readings, and a day's power against a clear sky."""

import re
from datetime import date

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.access.permissions import allowed
from api.http.answers import Ready, ready, send
from api.http.lists import answer_page, written
from api.http.openapi import csv_too
from api.http.parameters import After, AssetId, Day, FormAsked, Limit, Since, Until, span_of
from api.http.problems import NotFoundProblem
from api.http.quick import Lane, QuickRoute, plain_name, plain_query, quick
from api.projection.views import Page, PowerView, ReadingView
from api.routes.reading import LongWork, now_step
from api.services import Services

_READINGS = csv_too("meter_id,at,export_wh,power_w\r\nmet-1,2026-11-01T04:05:00Z,1203345,7710\r\n")
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9998, 12, 31)
"""Days whose instants can be told."""
_DAY = frozenset({"day"})
_PLAIN_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def readings_routes(services: Services) -> APIRouter:
    """Readings and power of one asset."""
    router = APIRouter(prefix="/v1/assets/{asset_id}", tags=["plants"], route_class=QuickRoute)
    projection, kept = services.projection, services.kept
    work = LongWork(workers=2, waiting=64)

    @router.get(
        "/readings",
        operation_id="readings",
        response_model=Page[ReadingView],
        responses=_READINGS,
        dependencies=[Depends(allowed("readings"))],
    )
    async def readings(  # noqa: PLR0913, PLR0917  one argument a parameter of the query
        request: Request,
        asset_id: AssetId,
        since: Since = None,
        until: Until = None,
        limit: Limit = 100,
        after: After = None,
        form: FormAsked = None,
    ) -> Response:
        """Raw readings as the devices signed them, out of the journal."""

        def more(place: str | None) -> Page[ReadingView]:
            return projection.readings(asset_id, *span_of(since, until), place, limit)

        # Envelopes are decoded for it, from another file: beside the event loop
        return await work.run(lambda: answer_page(request, ReadingView, form, after, more))

    def one_power(asked: tuple[str, date], _: object) -> Ready:
        if not FIRST_DAY <= asked[1] <= LAST_DAY:
            raise NotFoundProblem(f"nothing can be known of that day; ask for one from {FIRST_DAY} to {LAST_DAY}")
        version = projection.version(asked[0]), now_step()
        return kept.get(("power", asked), lambda: ready(written(projection.power(*asked))), version)

    @router.get("/power", operation_id="power", response_model=PowerView, dependencies=[Depends(allowed("power"))])
    @quick(Lane(allowed("power"), _read_day, one_power))
    async def power(request: Request, asset_id: AssetId, day: Day) -> Response:
        """One local day: mean power by step, what a clear sky would give, and the energy of its hours."""
        return send(request, one_power((asset_id, day), None))

    return router


def _read_day(request: Request) -> tuple[str, date] | None:
    """Read the plain form of a question for a day."""
    asset_id, query = plain_name(request, "asset_id"), plain_query(request, _DAY)
    if asset_id is None or not query or not _PLAIN_DAY.fullmatch(query["day"]):
        return None
    try:
        return asset_id, date.fromisoformat(query["day"])
    except ValueError:
        return None
