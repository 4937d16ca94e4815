"""Headers that every answer carries: nothing is loaded from elsewhere, framed, or guessed at.

Pages get all of them. Data, which a browser only shows, gets those that mean something there, and may load nothing at all.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
DATA_HEADERS = {
    "content-security-policy": DATA_POLICY,
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}
DATA = frozenset({b"application/json", b"application/problem+json", b"text/csv", b"text/event-stream"})
"""Media types that no browser takes for a page."""
STRICT_TRANSPORT = "max-age=31536000"
"""Where people reach the server by https: for a year, browsers do not try http."""


class SecurityHeaders:
    """ASGI middleware that adds them; a header that the answer has already stays."""

    def __init__(self, app: "ASGIApp", *, https: bool = False) -> None:
        self._app = app
        transport = {"strict-transport-security": STRICT_TRANSPORT} if https else {}
        self._of_pages = _written(SECURITY_HEADERS | transport)
        self._of_data = _written(DATA_HEADERS | transport)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                present = dict(headers)
                is_data = present.get(b"content-type", b"").partition(b";")[0] in DATA
                more = self._of_data if is_data else self._of_pages
                message["headers"] = [*headers, *(each for each in more if each[0] not in present)]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _written(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), content.encode()) for name, content in headers.items()]
