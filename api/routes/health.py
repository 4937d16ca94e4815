"""Whether the server lives, whether it can do its work, and its figures for Prometheus."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from api.http.problems import ProblemError
from api.services import Services

NO_STORE = {"Cache-Control": "no-store"}


@runtime_checkable
class Health(Protocol):
    """What the process that serves the application knows of itself."""

    def figures(self) -> Mapping[str, Any]:
        """What passed since the start, and how things stand."""
        ...

    def hindrances(self) -> list[str]:
        """What keeps it from its work."""
        ...

    def degradations(self) -> list[str]:
        """What goes wrong while it works: sources that are away, so that what is shown is stale."""
        ...

    def exposition(self) -> tuple[bytes, str]:
        """The figures in Prometheus's text format, and its media type."""
        ...


class Readiness(BaseModel):
    """Whether the server can do its work. Where it cannot, the problem document says what is in the way."""

    ready: bool
    degradations: list[str] = Field(description="what goes wrong while it works, such as a source that is away")


def health_routes(services: Services) -> APIRouter:
    """Routes for whoever watches the server. None of them needs a credential, and none tells a secret."""
    router = APIRouter(tags=["health"])
    health = services.health if isinstance(services.health, Health) else None

    @router.get("/healthz", operation_id="healthz", summary="Sign of life", response_model=dict[str, Any])
    async def healthz() -> JSONResponse:
        """Figures of the process, as long as it lives."""
        return JSONResponse(dict(health.figures()) if health else {"network": services.network}, headers=NO_STORE)

    @router.get(
        "/readyz", operation_id="readyz", summary="Whether the server can do its work", response_model=Readiness
    )
    async def readyz() -> JSONResponse:
        """200 also while a source is away: reads go on, and `degradations` says what is stale."""
        hindrances = health.hindrances() if health else []
        degradations = health.degradations() if health else stale_sources(services)
        if hindrances:
            members = {"ready": False, "hindrances": hindrances, "degradations": degradations}
            raise ProblemError("part-away", "; ".join(hindrances), members=members)
        return JSONResponse(Readiness(ready=True, degradations=degradations).model_dump(), headers=NO_STORE)

    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        """The figures of /healthz as metrics."""
        if health is None:
            return Response(b"", media_type="text/plain", headers=NO_STORE)
        body, media_type = health.exposition()
        return Response(body, headers=NO_STORE, media_type=media_type)

    return router


def stale_sources(services: Services) -> list[str]:
    """Say of each source that is away since when, and why."""
    freshness = services.projection.freshness()
    return [
        f"{name}: does not answer since {source.stale_since:%Y-%m-%dT%H:%M:%SZ}: {source.fault}"
        for name, source in (("journal", freshness.journal), ("chain", freshness.chain))
        if source.stale_since is not None
    ]
