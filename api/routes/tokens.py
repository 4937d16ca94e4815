"""Carbon credits by token id: what was issued, where it is, what was retired."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from api.access.permissions import allowed
from api.http.answers import PUBLIC
from api.http.lists import answer_page
from api.http.openapi import csv_too
from api.http.parameters import FormAsked
from api.http.problems import NotFoundProblem
from api.projection.views import CreditView, Page
from api.routes.reading import answer_one
from api.services import Services
from contracts.state import from_bytes32

VINTAGE_BITS = 16
CreditId = Annotated[
    str,
    Path(
        description="token id: project and vintage, as a decimal number",
        pattern=r"^(0|[1-9][0-9]{0,77})$",
        examples=["48969644244146110432911033408105297842871463842949310671929063425049170674666"],
    ),
]
_CSV = csv_too(
    "credit_id,project_id,vintage,claim_kind,sealed,issued_g,…\r\n4896…,hunan-village,2026,credit,false,52710,…\r\n"
)


def tokens_routes(services: Services) -> APIRouter:
    """All ids that credits were issued under, and one of them."""
    router = APIRouter(prefix="/v1/tokens", tags=["public"])
    projection, kept = services.projection, services.kept

    @router.get(
        "",
        operation_id="tokens",
        response_model=Page[CreditView],
        responses=_CSV,
        dependencies=[Depends(allowed("tokens"))],
    )
    async def tokens(request: Request, form: FormAsked = None) -> Response:
        """Every credit id, one a project and vintage, as the chain counts it [gram CO2e]."""

        def page(_: str | None) -> Page[CreditView]:
            return Page[CreditView](items=projection.credits())

        return answer_page(request, CreditView, form, None, page, kept=kept, key="tokens", cache_control=PUBLIC)

    @router.get(
        "/{credit_id}", operation_id="token", response_model=CreditView, dependencies=[Depends(allowed("token"))]
    )
    async def token(request: Request, credit_id: CreditId) -> Response:
        """One credit id."""
        project_id, vintage = named_by(credit_id)
        return answer_one(
            request, kept, ("token", project_id, vintage), lambda: projection.credit(project_id, vintage), PUBLIC
        )

    return router


def named_by(credit_id: str) -> tuple[str, int]:
    """Return project and vintage that a token id names.

    Raises:
        NotFoundProblem: it names none.

    """
    number = int(credit_id)
    mask = (1 << VINTAGE_BITS) - 1
    try:
        return from_bytes32((number & ~mask).to_bytes(32)), number & mask
    except (ValueError, OverflowError):
        raise NotFoundProblem(
            f"token {credit_id} names no project and vintage; GET /v1/tokens lists those there are"
        ) from None
