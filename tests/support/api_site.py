"""`heliograph api` as a process beside a node: its configuration, and a way to the chain that can be cut."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request

from api.ports import free_port
from tests.support.heliograph_process import HeliographProcess
from tests.support.secure_site import NETWORK

CONFIG = """
[api]
name = "api-1"
network = "{network}"
journal = "{journal}"
rules = "rules.toml"
state = "api-state"
port = {port}
public_url = "http://127.0.0.1:{port}"
node_health = "http://127.0.0.1:{node}"
[chain]
rpc_url = "http://127.0.0.1:{rpc}"
address_book = "address-book.json"
finality = "latest"
[health]
port = {health}
[log]
format = "json"
"""


class Relay:
    """A way to a server on this machine that can be cut and opened again, as often as a test likes."""

    def __init__(self, target):
        self.port = free_port()
        self._target = target
        self._listener = None
        self._open = []

    def open(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source, sink):
    try:
        while octets := source.recv(65536):
            sink.sendall(octets)
    except OSError:
        pass
    for one in (source, sink):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class ApiUnderTest(HeliographProcess):
    """The process, and requests to it."""

    def __init__(self, system, rpc_port):
        super().__init__("api", system.folder / "api.toml", system.folder / "api.log")
        self.folder = system.folder
        self.port, self.health_port = free_port(), free_port()
        self.key = None
        self.config.write_text(
            CONFIG.format(
                network=NETWORK, journal=system.journal, port=self.port, node=system.node.port, rpc=rpc_port,
                health=self.health_port,
            )
        )  # fmt: skip

    def command(self, *arguments):
        """A command of `heliograph api`, to its end; its JSON."""
        command = [sys.executable, "-m", "api.cli", "api", *arguments, "--config", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def is_ready(self):
        return self.get("/healthz")[0] == 200

    def end(self, number=signal.SIGTERM):
        return super().end(number)

    def get(self, path, *, method="GET", port=None, **headers):
        """(status, headers, JSON) of an answer; (0, {}, {}) if there is none."""
        if self.key is not None:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        address = f"http://127.0.0.1:{port or self.port}{path}"
        asked = urllib.request.Request(address, method=method, headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return answer.status, answer.headers, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.load(error)
        except OSError:
            return 0, {}, {}

    def json(self, path):
        status, _, document = self.get(path)
        assert status == 200, document
        return document

    def stale(self):
        """Sources that are stale, each with since when."""
        sources = self.json("/v1/status")["sources"]
        return {name: source["stale_since"] for name, source in sources.items() if source and source["stale_since"]}
