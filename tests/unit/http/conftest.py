import asyncio

import httpx
import pytest


class Client:
    """Asks an ASGI application in this process."""

    def __init__(self, app):
        self._app = app

    def __call__(self, method, path, **asked):
        async def ask():
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://heliograph.test") as client:
                return await client.request(method, path, **asked)

        return asyncio.run(ask())


@pytest.fixture
def ask():
    """`ask(app)` makes a client; `client(method, path, ...)` an answer."""
    return Client
