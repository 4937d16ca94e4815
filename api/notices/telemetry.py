"""Telemetry that comes over HTTP: handed to the broker as a gateway would, answered with what the nodes sign.

    POST body -> broker -> nodes' journals -> signed acknowledgements -> answer

The bridge is untrusted transport like any gateway: it signs nothing, and keeps nothing. Whoever sends has to keep
envelopes until the answer says, under the nodes' own signatures, that enough of them have each.
"""

import asyncio
import logging
import threading
from dataclasses import dataclass

from api.notices.carriage import Carriage, Verdict
from devices import topics
from devices.acknowledgement import Acknowledgement
from devices.device_key import PublicKey
from devices.identifier import require_identifier
from devices.mqtt import Delivery, MqttConnection
from devices.receipts import ReceiptError, verified
from devices.telemetry import MAX_ENVELOPE_BYTES

__all__ = ["MAX_BODY_BYTES", "BridgeAwayError", "BridgeBusyError", "Outcome", "TelemetryBridge"]

MAX_BODY_BYTES = MAX_ENVELOPE_BYTES
"""Of one message: as much as the longest single envelope."""
MOST_OPEN = 64
"""Messages that may wait for acknowledgements at a time."""
AGAIN_S = 3.0
"""A message that is not acknowledged is published again after this [s]: a broker may have lost it."""
SESSION_S = 60
"""How long the broker keeps acknowledgements for a bridge that is away [s]: nobody waits for them longer."""

_log = logging.getLogger(__name__)


class BridgeAwayError(Exception):
    """The broker is not connected: nothing was sent."""


class BridgeBusyError(Exception):
    """Too many messages wait for acknowledgements: nothing was sent."""


@dataclass(frozen=True)
class Outcome:
    """What became of one message."""

    complete: bool
    """Every item is with enough nodes, or refused by too many. Otherwise some of it is missing: send it again."""
    verdicts: tuple[Verdict, ...]
    receipts: tuple[Acknowledgement, ...]
    """What the nodes signed about it, as it came, signatures verified."""
    copies_required: int


class _Waiting:
    """A message and the coroutine that waits for its end."""

    def __init__(self, carriage: Carriage) -> None:
        self.carriage = carriage
        self.changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def wake(self) -> None:
        """From any thread. A loop that is closed has nobody waiting."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.changed.set)


class TelemetryBridge:
    """One gateway of the broker for all who send over HTTP.

    Args:
        name: identifier of this gateway; one connection of this name at a time.
        network: identifier of the network.
        broker_url: mqtt://[user:password@]host[:port], or mqtts://… for TLS.
        node_keys: public key of each node by its name; acknowledgements of others are ignored.
        copies_required: k, how many distinct nodes must have an envelope.
        timeout_s: how long an answer waits for the nodes [s].

    Raises:
        BrokerUrlError: the URL has another form, or a certificate cannot be used.
        ValueError: a name is not an identifier, or k is not between 1 and the number of nodes.

    """

    def __init__(  # noqa: PLR0913  what a gateway is made of
        self,
        name: str,
        network: str,
        broker_url: str,
        node_keys: dict[str, PublicKey],
        copies_required: int,
        *,
        timeout_s: float = 10.0,
    ) -> None:
        if not 1 <= copies_required <= len(node_keys):
            raise ValueError(f"copies_required {copies_required} is not between 1 and {len(node_keys)} nodes")
        self.name = require_identifier(name, "gateway")
        self.network = require_identifier(network, "network")
        self.copies_required = copies_required
        self.timeout_s = timeout_s
        self._node_keys = dict(node_keys)
        self._topic = topics.format_telemetry(network, name)
        self._lock = threading.Lock()
        self._open: set[_Waiting] = set()
        self._messages = self._acknowledgements = self._ignored = self._unfinished = 0
        self._mqtt = MqttConnection(
            broker_url,
            f"heliograph-{network}-gateway-{name}",
            subscriptions=(topics.format_ack_filter(network, name),),
            on_delivery=self._delivered,
            session_expiry_s=SESSION_S,
        )

    @property
    def connected(self) -> bool:
        """Whether the connection to the broker stands."""
        return self._mqtt.connected

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait for the broker, and tell whether it is there."""
        return self._mqtt.wait_connected(timeout_s)

    def start(self) -> None:
        """Connect, in the background; a broker that is not there yet is tried again and again."""
        self._mqtt.start()

    def close(self) -> None:
        """Stop, within two seconds. Whoever still waits gets what there is when his time is up."""
        self._mqtt.stop()

    def figures(self) -> dict[str, int]:
        """Counts since the start, and how many messages wait."""
        with self._lock:
            return {
                "telemetry_messages": self._messages,
                "telemetry_waiting": len(self._open),
                "telemetry_unfinished": self._unfinished,
                "telemetry_acknowledgements": self._acknowledgements,
                "telemetry_acknowledgements_ignored": self._ignored,
            }

    async def submit(self, message: bytes) -> Outcome:
        """Publish a message of envelopes and wait until enough nodes have answered, or the time is up.

        Raises:
            BridgeAwayError: the broker is not connected.
            BridgeBusyError: too many others wait.

        """
        carriage = Carriage(
            message, network=self.network, copies_required=self.copies_required, nodes=len(self._node_keys)
        )
        waiting = _Waiting(carriage)
        with self._lock:
            if len(self._open) >= MOST_OPEN:
                raise BridgeBusyError(f"{MOST_OPEN} messages wait for acknowledgements already")
            self._open.add(waiting)
        try:
            if not self._mqtt.publish(self._topic, message):
                raise BridgeAwayError(f"the broker at {self._mqtt.address} is not connected")
            await self._settle(waiting)
        finally:
            with self._lock:
                self._open.discard(waiting)
                self._messages += 1
                self._unfinished += not carriage.complete
        with self._lock:
            return Outcome(carriage.complete, carriage.verdicts(), carriage.receipts, self.copies_required)

    async def _settle(self, waiting: _Waiting) -> None:
        """Wait until the message is settled or the time is up; publish it again now and then."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + self.timeout_s
        again_s = loop.time() + AGAIN_S
        while True:
            with self._lock:
                waiting.changed.clear()
                if waiting.carriage.complete:
                    return
            now_s = loop.time()
            if now_s >= end_s:
                return
            if now_s >= again_s:
                self._mqtt.publish(self._topic, waiting.carriage.message)
                again_s = now_s + AGAIN_S
            try:
                await asyncio.wait_for(waiting.changed.wait(), min(end_s, again_s) - now_s)
            except TimeoutError:
                continue

    def _delivered(self, delivery: Delivery) -> None:
        try:
            ack = verified(
                delivery.topic,
                delivery.payload,
                gateway=self.name,
                network=self.network,
                node_keys=self._node_keys,
            )
        except ReceiptError as error:
            self._ignored += 1
            _log.warning("gateway %s ignores an acknowledgement: %s", self.name, error)
            return
        with self._lock:
            self._acknowledgements += 1
            concerned = [waiting for waiting in self._open if waiting.carriage.note(ack)]
        for waiting in concerned:
            waiting.wake()
