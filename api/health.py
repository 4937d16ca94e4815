"""Whether a process lives and whether it can do its work, over HTTP on 127.0.0.1."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse


def health_app(figures: Callable[[], Mapping[str, Any]], hindrances: Callable[[], list[str]]) -> FastAPI:
    """Make the application.

    Args:
        figures: what /healthz shows; that it answers at all is the sign of life.
        hindrances: what keeps the process from its work; /readyz is 200 without any, else 503 with their list.

    """
    app = FastAPI(title="Heliograph process", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        return JSONResponse(dict(figures()))

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        found = hindrances()
        return JSONResponse({"ready": not found, "hindrances": found}, 503 if found else 200)

    return app
