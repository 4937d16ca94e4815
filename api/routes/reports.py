"""Reports, with who signed them and what the chain says of them."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.access.permissions import allowed
from api.http.answers import PUBLIC
from api.http.lists import answer_page
from api.http.openapi import csv_too
from api.http.parameters import After, FormAsked, Limit, Number
from api.projection.views import Page, ReportView
from api.routes.reading import answer_one, now_step
from api.services import Services

_CSV = csv_too("epoch,digest,prev,cutoff,published_at,…\r\n1,0x5a…,0x00…,2026-11-02T16:00:00Z,…\r\n")


def reports_routes(services: Services) -> APIRouter:
    """Every report, newest first, and one of them."""
    router = APIRouter(prefix="/v1/reports", tags=["public"])
    projection, kept = services.projection, services.kept

    @router.get(
        "",
        operation_id="reports",
        response_model=Page[ReportView],
        responses=_CSV,
        dependencies=[Depends(allowed("reports"))],
    )
    async def reports(request: Request, limit: Limit = 100, after: After = None, form: FormAsked = None) -> Response:
        """Reports, newest first: what they state, who signed, whether the chain has them pending, active or disabled."""
        return answer_page(
            request,
            ReportView,
            form,
            after,
            lambda place: projection.reports(place, limit),
            kept=kept,
            key=("reports", limit),
            version=(projection.version(), now_step()),
            cache_control=PUBLIC,
        )

    @router.get("/{epoch}", operation_id="report", response_model=ReportView, dependencies=[Depends(allowed("report"))])
    async def report(request: Request, epoch: Number) -> Response:
        """One report, by its number."""
        version = projection.version(), now_step()
        return answer_one(request, kept, ("report", epoch), lambda: projection.report(epoch), PUBLIC, version)

    return router
