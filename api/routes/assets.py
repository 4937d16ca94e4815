"""Assets: what they are, what they produced, what was minted, and the proof of it."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from api.views import AssetView, CreditsView, ProductionInterval, Views

AssetId = Annotated[str, Path(description="name of the asset", examples=["yuenlong-farm"])]
Since = Annotated[datetime, Query(alias="from", description="first instant, RFC 3339")]
Until = Annotated[datetime, Query(alias="to", description="instant after the last, RFC 3339")]
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


def asset_routes(views: Views) -> APIRouter:
    """Everything about assets; read only."""
    router = APIRouter(prefix="/v1", tags=["assets"])

    @router.get("/assets")
    def assets() -> list[AssetView]:
        """All registered assets with their energy up to the last report."""
        return views.assets()

    @router.get("/assets/{asset_id}")
    def asset(asset_id: AssetId) -> AssetView:
        """One asset."""
        return views.asset(asset_id)

    @router.get("/assets/{asset_id}/production")
    def production(asset_id: AssetId, since: Since = EARLIEST, until: Until = LATEST) -> list[ProductionInterval]:
        """Every watt-hour, by meter and interval: attested, withheld or disputed, with the reason."""
        return views.production(asset_id, _ms(since), _ms(until))

    @router.get("/assets/{asset_id}/readings")
    def readings(asset_id: AssetId, since: Since, until: Until) -> dict[str, list[dict[str, Any]]]:
        """Raw readings by meter, as the devices sent them."""
        found = views.samples(asset_id, _ms(since), _ms(until))
        return {meter_id: [asdict(sample) for sample in samples] for meter_id, samples in found.items()}

    @router.get("/assets/{asset_id}/credits")
    def credits_of(asset_id: AssetId) -> list[CreditsView]:
        """What was minted, by vintage, read from the chain."""
        return views.credits(asset_id)

    @router.get("/assets/{asset_id}/proof", response_class=Response)
    def proof(asset_id: AssetId) -> Response:
        """The proof of the asset's statements: a file for `heliograph verify`."""
        disposition = f'attachment; filename="{asset_id}.json"'
        return Response(
            views.proof(asset_id), media_type="application/json", headers={"Content-Disposition": disposition}
        )

    @router.get("/anchor", response_class=Response)
    def anchor() -> Response:
        """Signers and contract that proofs can be held against; get it from a source you trust."""
        return Response(views.anchor(), media_type="application/json")

    return router


def _ms(instant: datetime) -> int:
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)
