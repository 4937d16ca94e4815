"""Credits of an account: what it holds, and the transactions by which it draws and retires them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.access.permissions import allowed, own_asset
from api.access.principal import Principal
from api.http.lists import answer_all
from api.http.openapi import csv_too
from api.http.parameters import FormAsked
from api.routes.accounts import Account, account_of, own_account
from api.services import Services
from api.transactions.orders import DrawOrder, RetireOrder
from api.transactions.prepared import StepsView
from api.transactions.views import HoldingsView, HoldingView

_HOLDINGS = "credit_id,project_id,…\r\n48969…,hunan,…\r\n"


def credits_routes(services: Services) -> APIRouter:
    """Holdings, and prepared draws and retirements. None of it where there is no chain to ask."""
    router = APIRouter(prefix="/v1/credits", tags=["credits"])
    transactions = services.transactions
    if transactions is None:
        return router

    @router.get("", operation_id="holdings", response_model=HoldingsView, responses=csv_too(_HOLDINGS))
    def holdings(
        request: Request,
        principal: Annotated[Principal, Depends(allowed("holdings"))],
        address: Account = None,
        form: FormAsked = None,
    ) -> Response:
        """Credits that an account holds, and those that wait for it in the vault, read from the newest block."""
        account = account_of(principal, address)
        return answer_all(request, lambda: transactions.holdings(account), HoldingView, form)

    @router.post("/retirements", operation_id="credit_retire")
    def credit_retire(
        order: RetireOrder, principal: Annotated[Principal, Depends(allowed("credit_retire"))]
    ) -> StepsView:
        """Prepare a retirement. What the account lacks is drawn from the vault first: send the steps in order.

        Nothing changes until your wallet has signed and sent them. What a contract would refuse is refused here, with its reason.
        """
        return transactions.retire(order, own_account(principal))

    @router.post("/draws", operation_id="credit_draw")
    def credit_draw(order: DrawOrder, principal: Annotated[Principal, Depends(allowed("credit_draw"))]) -> StepsView:
        """Prepare drawing an asset's credits from the vault to its beneficiary, or to the account that is named."""
        own_asset(principal, order.asset_id)
        return transactions.draw(order, own_account(principal))

    return router
