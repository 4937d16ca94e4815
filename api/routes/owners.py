"""What owners say about themselves. It can be erased, and is in no other place."""

from datetime import datetime
from typing import Annotated, Literal

from eth_utils.address import to_checksum_address
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from api.access.owners import Details
from api.access.permissions import allowed
from api.access.principal import Principal
from api.projection.instants import instant
from api.routes.sessions import ADDRESS, NO_STORE, Asked
from api.services import Services

Address = Annotated[
    str,
    Path(pattern=ADDRESS, description="address of the owner", examples=["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"]),
]
_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
_EMAIL = r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,190}$"
Language = Literal["en", "zh-Hant", "zh-Hans"]


class DetailsAsked(Asked):
    """What an owner says; what is left out is not kept."""

    name: str | None = Field(
        default=None, min_length=1, max_length=200, pattern=_ONE_LINE, examples=["A Village School"]
    )
    email: str | None = Field(default=None, max_length=255, pattern=_EMAIL, examples=["roof@school.example"])
    language: Language | None = None


class OwnerView(BaseModel):
    """What is kept of an owner."""

    address: str
    name: str | None
    email: str | None
    language: Language | None
    changed_at: datetime | None = Field(description="null if nothing is kept")


def owners_routes(services: Services) -> APIRouter:
    """Details of owners: their own, or those that the operator looks after."""
    router = APIRouter(prefix="/v1/owners", tags=["access"])
    access = services.access

    @router.get("/{address}", operation_id="owner_get", dependencies=[Depends(allowed("owner_get"))])
    def owner_get(response: Response, address: Address) -> OwnerView:
        """What is kept of an owner."""
        kept = access.owners.find(to_checksum_address(address))
        response.headers.update(NO_STORE)
        return OwnerView.model_validate(
            {
                "address": kept.address,
                "name": kept.name,
                "email": kept.email,
                "language": kept.language,
                "changed_at": None if kept.changed_ms is None else instant(kept.changed_ms),
            }
        )

    @router.put("/{address}", operation_id="owner_put", status_code=204, dependencies=[Depends(allowed("owner_put"))])
    def owner_put(address: Address, asked: DetailsAsked) -> Response:
        """Keep what an owner says, in place of what was kept."""
        details = Details(to_checksum_address(address), asked.name, asked.email, asked.language, access.now_ms())
        access.owners.put(details)
        return Response(status_code=204, headers=NO_STORE)

    @router.delete("/{address}", operation_id="owner_erase", status_code=204)
    def owner_erase(
        request: Request, address: Address, principal: Annotated[Principal, Depends(allowed("owner_erase"))]
    ) -> Response:
        """Erase all that is kept of an owner: details, sessions, keys, webhooks, and who handed documents in.

        Evidence that they released is public no more. What the audit log says of them names nobody any more.
        """
        erased = to_checksum_address(address)
        if services.notices is not None:
            services.notices.webhooks.forget(erased)
        if services.depot is not None:
            services.depot.forget(erased)
        access.erase_owner(principal, erased)
        request.state.is_on_record = True
        return Response(status_code=204, headers=NO_STORE)

    return router
