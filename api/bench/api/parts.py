"""The application that is measured, put together as `heliograph api` does, over a projection that was filled."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI

from api.access.access import Access, AccessSettings
from api.access.limits import NO_LIMITS
from api.access.principal import Role
from api.clocks import system_ms
from api.notices.notices import Notices
from api.processes.application import counted_application
from api.processes.traffic import Tally
from api.projection.projection import Projection
from api.services import Services

PROJECTION = "projection.sqlite"
PUBLIC_URL = "http://127.0.0.1"
CHAIN_ID = 31337


@contextmanager
def bench_application(folder: Path) -> Iterator[tuple[FastAPI, Projection, str]]:
    """The application, the projection to write events into, and the key of an operator, who sees all assets."""
    projection = Projection.open(folder / PROJECTION, network="bench")
    try:
        settings = AccessSettings(PUBLIC_URL, CHAIN_ID, NO_LIMITS)
        access = Access.open(folder / "access.sqlite", settings, projection.assets_of)
        try:
            _, key = access.keys.make(role=Role.OPERATOR, scopes=frozenset({"read"}), label="bench", now_ms=system_ms())
            notices = Notices.open(folder, projection)
            notices.start()
            try:
                services = Services(
                    projection=projection, access=access, network="bench", public_url=PUBLIC_URL, notices=notices,
                    state=folder,
                )  # fmt: skip
                yield counted_application(services, Tally()), projection, key
            finally:
                notices.close()
        finally:
            access.close()
    finally:
        projection.close()
