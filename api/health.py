"""Whether a process lives and whether it can do its work, over HTTP on 127.0.0.1."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
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


@contextmanager
def serve_app(app: FastAPI, port: int) -> Iterator[str]:
    """Serve on 127.0.0.1 while the context lasts; hand out the address.

    Args:
        app: what is served.
        port: where; 0 means a free one.

    Raises:
        OSError: the port is taken.

    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()  # before the address is told: whoever connects at once must be heard
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"port {port} cannot be used: {error.strerror}") from error
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="health", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=2)
        listener.close()
