"""Retirements: credits taken out of circulation, for whom and what for. Their proof is in proofs.py."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api.access.permissions import allowed
from api.http.answers import PUBLIC
from api.http.lists import answer_page
from api.http.openapi import csv_too
from api.http.parameters import After, FormAsked, Limit, Number
from api.projection.views import Page, RetirementView
from api.routes.reading import answer_one
from api.services import Services

Beneficiary = Annotated[
    str | None, Query(description="address that they were retired for", pattern="^0x[0-9a-fA-F]{40}$")
]
_CSV = csv_too("number,credit_id,project_id,vintage,grams,first_serial,…\r\n1,4896…,hunan-village,2026,12000,1,…\r\n")


def retirements_routes(services: Services) -> APIRouter:
    """All retirements, newest first, and one of them."""
    router = APIRouter(prefix="/v1/retirements", tags=["public"])
    projection, kept = services.projection, services.kept

    @router.get(
        "",
        operation_id="retirements",
        response_model=Page[RetirementView],
        responses=_CSV,
        dependencies=[Depends(allowed("retirements"))],
    )
    async def retirements(
        request: Request,
        beneficiary: Beneficiary = None,
        limit: Limit = 100,
        after: After = None,
        form: FormAsked = None,
    ) -> Response:
        """Retirements, newest first: grams, serial numbers, beneficiary and purpose, as the chain keeps them."""
        return answer_page(
            request,
            RetirementView,
            form,
            after,
            lambda place: projection.retirements(place, limit, beneficiary),
            kept=kept,
            key=("retirements", limit, beneficiary),
            cache_control=PUBLIC,
        )

    @router.get(
        "/{number}",
        operation_id="retirement",
        response_model=RetirementView,
        dependencies=[Depends(allowed("retirement"))],
    )
    async def retirement(request: Request, number: Number) -> Response:
        """One retirement, by its number: that of its certificate."""
        return answer_one(request, kept, ("retirement", number), lambda: projection.retirement(number), PUBLIC)

    return router
