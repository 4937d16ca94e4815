"""Revenue: what an account has earned and can claim, what off-takers pay in, and the transactions for both."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from api.access.permissions import allowed
from api.access.principal import Principal
from api.http.lists import answer_all, answer_page
from api.http.openapi import csv_too
from api.http.parameters import IDENTIFIER, After, FormAsked, Limit
from api.projection.views import ClaimView, DepositView, MonthView, Page
from api.routes.accounts import Account, account_of, own_account
from api.services import Services
from api.transactions.orders import AllowOrder, ClaimOrder, DepositOrder
from api.transactions.prepared import StepsView
from api.transactions.transactions import Transactions
from api.transactions.views import EntitledMonth, EntitlementView

Asset = Annotated[str | None, Query(alias="asset_id", description="only of this asset", pattern=IDENTIFIER)]
_ENTITLED = "asset_id,month,…\r\nroof-7,202610,…\r\n"
_DEPOSITS = csv_too(
    "asset_id,month,minor,by,at,block,transaction\r\nroof-7,202610,81250000,0x52…,2026-11-02T01:00:00Z,…\r\n"
)
_CLAIMS = csv_too("asset_id,month,minor,by,at,block,transaction,to\r\nroof-7,202610,40625000,0x52…,…\r\n")
_MONTHS = csv_too(
    "asset_id,month,attested_minor,funded_minor,paid_minor,…\r\nroof-7,202610,81250000,81250000,40625000,…\r\n"
)


def revenue_routes(services: Services) -> APIRouter:
    """Revenue by month, deposits and claims; with a chain to ask also what an account is entitled to, and what it can send."""
    router = APIRouter(prefix="/v1/revenue", tags=["revenue"])
    projection, kept = services.projection, services.kept

    @router.get("/months", operation_id="receivables", response_model=Page[MonthView], responses=_MONTHS)
    async def receivables(
        request: Request, principal: Annotated[Principal, Depends(allowed("receivables"))], form: FormAsked = None
    ) -> Response:
        """Revenue of your assets by month: attested, funded by deposits, paid out, written down."""
        return answer_all(
            request,
            lambda: Page[MonthView](items=projection.revenue(principal.assets)),
            MonthView,
            form,
            kept=kept,
            key=("receivables", principal.assets),
        )

    @router.get("/deposits", operation_id="deposits", response_model=Page[DepositView], responses=_DEPOSITS)
    async def deposits(  # noqa: PLR0913, PLR0917  each is a parameter of the query
        request: Request,
        principal: Annotated[Principal, Depends(allowed("deposits"))],
        asset_id: Asset = None,
        limit: Limit = 100,
        after: After = None,
        form: FormAsked = None,
    ) -> Response:
        """Money that was paid in for months of your assets, newest first."""
        ids = principal.assets if asset_id is None else frozenset({projection.asset(asset_id).asset_id})
        return answer_page(
            request,
            DepositView,
            form,
            after,
            lambda place: projection.deposits(ids, place, limit),
            kept=kept,
            key=("deposits", ids, limit),
        )

    @router.get("/claims", operation_id="claims", response_model=Page[ClaimView], responses=_CLAIMS)
    async def claims(  # noqa: PLR0913, PLR0917  each is a parameter of the query
        request: Request,
        principal: Annotated[Principal, Depends(allowed("claims"))],
        asset_id: Asset = None,
        limit: Limit = 100,
        after: After = None,
        form: FormAsked = None,
    ) -> Response:
        """Money that was claimed, newest first: an owner sees its own claims, an operator those of all."""
        ids = None if asset_id is None else frozenset({projection.asset(asset_id).asset_id})
        return answer_page(
            request,
            ClaimView,
            form,
            after,
            lambda place: projection.claims(ids, place, limit, principal.address),
            kept=kept,
            key=("claims", ids, limit, principal.address),
        )

    if services.transactions is not None:
        _add_transactions(router, services.transactions)
    return router


def _add_transactions(router: APIRouter, transactions: Transactions) -> None:
    @router.get("", operation_id="entitlement", response_model=EntitlementView, responses=csv_too(_ENTITLED))
    def entitlement(
        request: Request,
        principal: Annotated[Principal, Depends(allowed("entitlement"))],
        address: Account = None,
        form: FormAsked = None,
    ) -> Response:
        """Revenue that an account has earned, was paid, can claim and waits for, by asset and month, at the newest block."""
        account = account_of(principal, address)
        return answer_all(request, lambda: transactions.entitlement(account), EntitledMonth, form)

    @router.post("/claims", operation_id="revenue_claim")
    def revenue_claim(
        order: ClaimOrder, principal: Annotated[Principal, Depends(allowed("revenue_claim"))]
    ) -> StepsView:
        """Prepare claiming what deposits cover: earned units are collected first. No steps where there is nothing to claim."""
        return transactions.claim(order, own_account(principal))

    @router.post("/deposits", operation_id="revenue_deposit")
    def revenue_deposit(
        order: DepositOrder, principal: Annotated[Principal, Depends(allowed("revenue_deposit"))]
    ) -> StepsView:
        """Prepare paying in for an asset's month, as its off-taker does.

        The first step allows the sum. It comes with a permit: instead of sending the step, sign that, and send the same request
        again with `deadline` and `signature`.
        """
        return transactions.deposit(order, own_account(principal))

    @router.post("/permits", operation_id="share_permit")
    def share_permit(order: AllowOrder, principal: Annotated[Principal, Depends(allowed("share_permit"))]) -> StepsView:
        """Prepare letting an account move your shares of an asset: by transaction, or by a permit to sign."""
        return transactions.allow_shares(order, own_account(principal))
