"""A receiver of webhooks as an owner would run it: it checks signatures, and answers what a test tells it to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace


class Receiver:
    """Listens on 127.0.0.1. `received` has (path, headers in lower case, body) of each request, as it came."""

    def __init__(self):
        self.received = []
        self.answer = 200
        self.headers = {}
        self.hold = threading.Event()
        """Requests are answered once this is set."""
        self.hold.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def bodies(self):
        return [json.loads(body) for _, _, body in self.received]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.hold.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sent = {name.lower(): text for name, text in self.headers.items()}
                receiver.received.append((self.path, sent, body))
                receiver.hold.wait(30)
                try:
                    self.send_response(receiver.answer)
                    for name, text in receiver.headers.items():
                        self.send_header(name, text)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    return  # whoever sent it is gone: a test killed him

            do_GET = do_POST  # noqa: N815  a redirect that is followed would come as GET

            def log_message(self, *_):
                return

        return Handler


def nothing():
    """A url on this machine where nobody listens."""
    with Receiver() as receiver:
        url = receiver.url
    return SimpleNamespace(url=url)
