"""The application as a process serves it: with its requests counted."""

from fastapi import FastAPI

from api.app import create_app
from api.processes.traffic import Tally, Traffic
from api.services import Services


def counted_application(services: Services, tally: Tally) -> FastAPI:
    """Make the application, and count around everything else that it does."""
    app = create_app(services)
    app.add_middleware(Traffic, tally=tally)
    return app
