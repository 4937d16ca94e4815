"""Why an interval's energy was attested, withheld or disputed, in plain words."""

import json
from typing import Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.access.permissions import allowed
from api.http.answers import ready, send
from api.http.openapi import also
from api.http.parameters import AssetId, SinceNamed, Until
from api.http.problems import ProblemError
from api.routes.proofs import proven
from api.routes.reading import LongWork
from api.services import Services

HOUR_MS = 3_600_000


class ShareView(BaseModel):
    """Energy of one standing and reason, with why and what to do."""

    standing: Literal["attested", "withheld", "disputed"]
    reason: str = Field(description="reason code; empty where attested")
    wh: int
    because: str = Field(description="fits after “because”")
    remedy: str = Field(description="what to do; empty where nothing is held back")


class SetAsideView(BaseModel):
    """Readings that were not used, of one reason."""

    reason: str
    count: int
    first: str = Field(description="when the first of them is dated, RFC 3339")
    register_wh: int = Field(description="what it showed")
    because: str
    remedy: str


class MeterExplained(BaseModel):
    """What metering decided of one meter's interval."""

    meter_id: str
    role: str
    readings: int = Field(description="readings dated in the interval, used or not")
    shares: list[ShareView]
    set_aside: list[SetAsideView]
    notes: list[str] = Field(description="sentences: where the energy comes from, or why there is none")


class BookedView(ShareView):
    """What stands of the bookings."""

    meter_id: str


class BookingView(BaseModel):
    """One entry of the ledger."""

    epoch: int = Field(description="number of the report that booked it")
    meter_id: str
    start: str = Field(description="start of the ledger's interval, RFC 3339 in the asset's standard time")
    standing: Literal["attested", "withheld", "disputed"]
    reason: str
    wh: int = Field(description="negative where it left that account")


class ExplanationView(BaseModel):
    """All that can be said of an asset's interval; times are in the asset's standard time."""

    asset: str
    start: str
    end: str
    meters: list[MeterExplained]
    booked: list[BookedView]
    history: list[BookingView] = Field(description="in the order booked, at most 1000")
    history_count: int
    notes: list[str] = Field(description="what the explanation rests on")


def explanation_routes(services: Services) -> APIRouter:
    """The explanation of an interval of an asset."""
    router = APIRouter(prefix="/v1/assets/{asset_id}", tags=["plants"])
    work = LongWork()

    @router.get(
        "/explanation",
        operation_id="explanation",
        response_model=ExplanationView,
        responses=also(409),
        dependencies=[Depends(allowed("explanation"))],
    )
    async def explanation(request: Request, asset_id: AssetId, since: SinceNamed, until: Until = None) -> Response:
        """What metering decided of the readings of (from, to], and what reports booked; without `to`, of one hour.

        An interval that ends before it begins is taken to be as long as the smallest one: a millisecond.
        """
        services.projection.asset(asset_id)
        source = services.proofs
        if source is None:
            raise ProblemError("part-away", "this server has no journal to explain; ask one beside a node")
        end_ms = since + HOUR_MS if until is None else max(until, since + 1)
        body = await proven(work, lambda: json.dumps(source.explanation(asset_id, since, end_ms)).encode())
        return send(request, ready(body))

    return router
