"""The audit log, to be read and computed anew."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from api.access.audit import AuditRow
from api.access.permissions import OWN, PERMISSIONS, allowed
from api.access.principal import Principal
from api.http.lists import answer_page
from api.http.openapi import csv_too
from api.http.parameters import After, FormAsked, Limit
from api.projection.instants import instant
from api.projection.views import Page
from api.services import Services

_CSV = csv_too("number,at,at_ms,role,actor,…\r\n1,2026-11-02T16:00:00Z,1793635200000,operator,key:5f0c6f4e1f1b,…\r\n")


class AuditView(BaseModel):
    """One write."""

    number: int
    at: datetime
    at_ms: int = Field(description="the instant as it is linked [ms since 1970]")
    role: str
    actor: str = Field(description="person:… of an owner, key:… of an operator or auditor, public, or command")
    address: str | None = Field(description="who that person is, unless it was erased; not part of what is linked")
    operation: str
    target: str = Field(description="what it was about: an asset, a key")
    status: int = Field(description="HTTP status of the answer; 0 for commands")
    link: str = Field(
        description="SHA-256 of `heliograph-audit/1` and a line feed, the link before (32 zero bytes before the first), and the "
        "canonical JSON (RFC 8785) of number, at_ms, role, actor, operation, target, status"
    )


class AuditPage(Page[AuditView]):
    """Rows in order, and where the log ends: keep the head elsewhere, and a log that was cut off or rewritten shows."""

    head_number: int
    head_link: str


def audit_routes(services: Services) -> APIRouter:
    """The log: an owner's own rows, or all."""
    router = APIRouter(prefix="/v1/audit", tags=["access"])
    log = services.access.audit

    @router.get("", operation_id="audit", response_model=AuditPage, responses=_CSV)
    def audit(
        request: Request,
        principal: Annotated[Principal, Depends(allowed("audit"))],
        limit: Limit = 100,
        after: After = None,
        form: FormAsked = None,
    ) -> Response:
        """Every write, oldest first: who, what, when, and how it came out."""
        address = principal.address if PERMISSIONS["audit"].reach(principal.role) is OWN else None

        def page_after(place: str | None) -> AuditPage:
            found = log.rows(int(place or 0), limit + 1, address)
            following = str(found[limit - 1].number) if len(found) > limit else None
            number, link = log.head()
            items = [_view(row) for row in found[:limit]]
            return AuditPage(items=items, next=following, head_number=number, head_link=link.hex())

        return answer_page(request, AuditView, form, after, page_after)

    return router


def _view(row: AuditRow) -> AuditView:
    return AuditView(
        number=row.number,
        at=instant(row.at_ms),
        at_ms=row.at_ms,
        role=row.role,
        actor=row.actor,
        address=row.address,
        operation=row.operation,
        target=row.target,
        status=row.status,
        link=row.link.hex(),
    )
