"""Changes of the registry, prepared: who holds the role of the registrar sends them, and the chain decides."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AfterValidator, StringConstraints

from api.access.permissions import allowed
from api.http.parameters import IDENTIFIER, AssetId
from api.services import Services
from api.transactions.orders import LARGEST_COUNT, CommissionOrder, MeterOrder, RegisterOrder, RotateOrder
from api.transactions.prepared import StepsView

MeterId = Annotated[str, Path(description="name of the meter", pattern=IDENTIFIER, examples=["meter-007"])]


def _counted(text: str) -> str:
    if int(text) >= LARGEST_COUNT:
        raise ValueError(f"{text} is not below {LARGEST_COUNT}: envelopes count with 64 bits")
    return text


Count = Annotated[str, StringConstraints(pattern="^[0-9]{1,20}$"), AfterValidator(_counted)]
Boot = Annotated[
    Count, Query(description="boot epoch of the device from which on its envelopes are refused", examples=["1"])
]
Sequence = Annotated[Count, Query(description="sequence number in that boot epoch", examples=["0"])]
Device = Annotated[
    str | None,
    Query(description="needed where the meter has several valid keys", pattern=IDENTIFIER, examples=["dev-007"]),
]
Sender = Annotated[
    str | None,
    Query(description="account of the registrar; without it the call is not tried", pattern="^0x[0-9a-fA-F]{40}$"),
]


def registry_routes(services: Services) -> APIRouter:
    """Assets, commissioning, meters and device keys. None of it where there is no chain to ask."""
    router = APIRouter(prefix="/v1/assets", tags=["registry"])
    transactions = services.transactions
    if transactions is None:
        return router

    @router.post("", operation_id="asset_register", dependencies=[Depends(allowed("asset_register"))])
    def asset_register(order: RegisterOrder) -> StepsView:
        """Prepare registering an asset, and its project where that is new."""
        return transactions.register_asset(order)

    @router.post(
        "/{asset_id}/commissioning",
        operation_id="asset_commission",
        dependencies=[Depends(allowed("asset_commission"))],
    )
    def asset_commission(asset_id: AssetId, order: CommissionOrder) -> StepsView:
        """Prepare commissioning: the asset is active, and nothing before the instant counts."""
        return transactions.commission(asset_id, order)

    @router.post("/{asset_id}/meters", operation_id="meter_add", dependencies=[Depends(allowed("meter_add"))])
    def meter_add(asset_id: AssetId, order: MeterOrder) -> StepsView:
        """Prepare listing a meter with its device's key and the register that was confirmed."""
        return transactions.add_meter(asset_id, order)

    @router.put(
        "/{asset_id}/meters/{meter_id}/key",
        operation_id="meter_key_rotate",
        dependencies=[Depends(allowed("meter_key_rotate"))],
    )
    def meter_key_rotate(asset_id: AssetId, meter_id: MeterId, order: RotateOrder) -> StepsView:
        """Prepare a new device key: the old one counts up to a point that the device has signed, the new one from its baseline."""
        return transactions.rotate_key(asset_id, meter_id, order)

    @router.delete(
        "/{asset_id}/meters/{meter_id}/key",
        operation_id="meter_key_revoke",
        dependencies=[Depends(allowed("meter_key_revoke"))],
    )
    def meter_key_revoke(  # noqa: PLR0913, PLR0917  each is a parameter of the query
        asset_id: AssetId,
        meter_id: MeterId,
        boot: Boot,
        sequence: Sequence,
        device_id: Device = None,
        sender: Sender = None,
    ) -> StepsView:
        """Prepare revoking a device's key from a point on that the device itself has signed, never from a time."""
        return transactions.revoke_key(asset_id, meter_id, device_id, int(boot), int(sequence), sender)

    return router
