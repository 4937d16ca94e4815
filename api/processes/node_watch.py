"""Whether the node that writes the journal answers: asked at its own health endpoint, beside everything else."""

import json
import threading
import time
from urllib.error import HTTPError
from urllib.request import urlopen

from api.projection.source import NODE, Sources

PAUSE_S = 2.0
TIMEOUT_S = 2.0
MOST_BYTES = 65_536


class NodeWatch:
    """A thread that asks /readyz again and again, and notes the answer among the sources.

    A journal can be read long after the node that wrote it has gone; only its node knows that nothing new will come.
    """

    def __init__(self, sources: Sources, address: str) -> None:
        """Watch a node.

        Args:
            sources: where it is noted.
            address: of its health endpoint, without a path: http://127.0.0.1:8081

        """
        self.hindrances: list[str] = []
        """What keeps the node from its work, by its own word; empty while it does not answer."""
        self._sources = sources
        self._address = address
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watches-node", daemon=True)

    def start(self) -> None:
        """Watch in the background until `stop`."""
        self._sources.watch_node()
        self._thread.start()

    def stop(self) -> None:
        """Stop; a question under way is left to itself."""
        self._stopping.set()
        self._thread.join(0.2)

    def look(self) -> None:
        """Ask once, and note what comes of it."""
        began = time.monotonic()
        try:
            self.hindrances = self._ask()
        except (OSError, ValueError) as error:
            self.hindrances = []
            reason = getattr(error, "reason", error)
            self._sources.failed(NODE, f"the node's health endpoint does not answer: {type(reason).__name__}")
        else:
            self._sources.answered(NODE, began)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(PAUSE_S)

    def _ask(self) -> list[str]:
        try:
            with urlopen(f"{self._address}/readyz", timeout=TIMEOUT_S) as answer:  # noqa: S310  http(s), as configured
                told = json.loads(answer.read(MOST_BYTES))
        except HTTPError as error:  # 503 tells what is in the way
            with error:
                told = json.loads(error.read(MOST_BYTES))
        if not isinstance(told, dict) or not isinstance(told.get("hindrances"), list):
            raise ValueError("no node answers there")  # noqa: TRY004  what came over the network, not a caller's mistake
        return [str(each) for each in told["hindrances"]]
