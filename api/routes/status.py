"""Whether it is up, and how fresh what it shows is."""

from fastapi import APIRouter

from api.views import Health, Views


def status_routes(views: Views) -> APIRouter:
    """Health of the node behind the API."""
    router = APIRouter(tags=["status"])

    @router.get("/healthz")
    def health() -> Health:
        """Counts and freshness of what the node has heard and published."""
        return views.health()

    @router.get("/", include_in_schema=False)
    def index() -> dict[str, str]:
        return {
            "health": "/healthz",
            "assets": "/v1/assets",
            "production": "/v1/assets/{asset_id}/production",
            "readings": "/v1/assets/{asset_id}/readings",
            "credits": "/v1/assets/{asset_id}/credits",
            "proof": "/v1/assets/{asset_id}/proof",
            "anchor": "/v1/anchor",
            "description": "/openapi.json",
        }

    return router
