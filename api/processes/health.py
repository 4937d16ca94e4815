"""Whether a process lives and whether it can do its work, and its figures for Prometheus, over HTTP on 127.0.0.1."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response

from api.processes.metrics import CONTENT_TYPE, exposition


def health_app(
    figures: Callable[[], Mapping[str, Any]],
    hindrances: Callable[[], list[str]],
    degradations: Callable[[], list[str]] = list,
) -> FastAPI:
    """Make the application.

    Args:
        figures: what /healthz shows, and in numbers /metrics; that they answer at all is the sign of life.
        hindrances: what keeps the process from its work; /readyz is 200 without any, else 503 with their list.
        degradations: what goes wrong beside its work; /readyz lists it and stays 200.

    """
    app = FastAPI(title="Heliograph process", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return JSONResponse(dict(figures()))

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        found = hindrances()
        told = {"ready": not found, "hindrances": found, "degradations": degradations()}
        return JSONResponse(told, 503 if found else 200)

    @app.get("/metrics")
    def metrics() -> Response:
        shown = {**figures(), "ready": not hindrances(), "degradations": len(degradations())}
        return Response(exposition(shown), media_type=CONTENT_TYPE)

    return app
