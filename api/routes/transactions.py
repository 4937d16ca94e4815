"""What became of a transaction that a wallet has sent."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse

from api.access.permissions import allowed
from api.services import Services
from api.transactions.views import TransactionView

TransactionHash = Annotated[
    str,
    Path(
        description="hash that the wallet gave",
        pattern="^0x[0-9a-fA-F]{64}$",
        examples=["0x" + "3f" * 32],
    ),
]


def transactions_routes(services: Services) -> APIRouter:
    """One transaction, in words. None of it where there is no chain to ask."""
    router = APIRouter(prefix="/v1/transactions", tags=["credits"])
    transactions = services.transactions
    if transactions is None:
        return router

    @router.get(
        "/{transaction_hash}",
        operation_id="transaction_status",
        response_model=TransactionView,
        dependencies=[Depends(allowed("transaction_status"))],
    )
    def transaction_status(transaction_hash: TransactionHash) -> JSONResponse:
        """Whether it is in a block, what it did, why a contract refused it, and what usually follows."""
        found = transactions.status(transaction_hash)
        return JSONResponse(found.model_dump(mode="json", by_alias=True), headers={"Cache-Control": "no-store"})

    return router
