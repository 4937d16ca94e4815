"""The HTTP API."""

from fastapi import FastAPI

from api.problems import install_problems
from api.routes.assets import asset_routes
from api.routes.status import status_routes
from api.views import Views


def create_app(views: Views) -> FastAPI:
    """Make the application over one node's views.

    FastAPI's own documentation page is left out: it loads scripts from another host. The description itself is at
    /openapi.json.
    """
    app = FastAPI(title="Heliograph", docs_url=None, redoc_url=None)
    install_problems(app)
    app.include_router(status_routes(views))
    app.include_router(asset_routes(views))
    return app
