"""Serve the HTTP API from a thread of this process."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from api.app import create_app
from api.views import Views


@contextmanager
def serve(views: Views, port: int) -> Iterator[str]:
    """Serve on 127.0.0.1 while the context lasts; hand out the address.

    Args:
        views: what is looked at.
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
        raise OSError(error.errno, f"port {port} cannot be used: {error.strerror}", "--port") from error
    config = uvicorn.Config(create_app(views), log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="api", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=3)
        listener.close()
