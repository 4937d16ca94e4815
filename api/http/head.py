"""HEAD wherever there is GET: the same headers, without the body."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """ASGI middleware that answers HEAD by what GET would have said. Streams, which have no end, are closed at once."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        ended = False

        async def receive_until_ended() -> "Message":
            return {"type": "http.disconnect"} if ended else await receive()

        async def send_without_body(message: "Message") -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                ended = True

        await self._app({**scope, "method": "GET"}, receive_until_ended, send_without_body)
