"""One MQTT connection that stays up: MQTT 5 where the broker speaks it, else 3.1.1; persistent session; manual ack.

Used by gateways and by head-ends. It reconnects by itself, forever, and never reads a clock.
"""

import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

DEFAULT_PORT = 1883
SESSION_EXPIRY_SECONDS = 7 * 86_400
_STOP_SECONDS = 1.0
_RETRY_SECONDS = 1.0
_ANSWER_SECONDS = 3.0
_PROBE = b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x0a\x00\x00\x00"  # CONNECT: MQTT 5, clean start, no name, no properties
_CONNACK, _REFUSED_VERSION_3 = 0x20, 1

_log = logging.getLogger(__name__)


class BrokerUrlError(ValueError):
    """Not a URL of the form mqtt://[user:password@]host[:port]."""


@dataclass(frozen=True)
class BrokerAddress:
    """Where a broker is and how to enter."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "BrokerAddress":
        """Parse `mqtt://[user:password@]host[:port]`; user and password may be percent-encoded.

        Raises:
            BrokerUrlError: not of that form. The message does not repeat the password.

        """
        try:
            parts = urlsplit(url)
            port = DEFAULT_PORT if parts.port is None else parts.port
        except ValueError as error:
            raise BrokerUrlError(f"not a broker URL: {error}") from error
        extra = parts.path.strip("/") or parts.query or parts.fragment
        if parts.scheme != "mqtt" or not parts.hostname or extra or not port:
            raise BrokerUrlError("a broker URL has the form mqtt://[user:password@]host[:port]")
        username = unquote(parts.username) if parts.username else None
        password = unquote(parts.password) if parts.password else None
        return cls(parts.hostname, port, username, password)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Will:
    """What the broker publishes, retained, when the connection is lost."""

    topic: str
    payload: bytes


@dataclass(frozen=True)
class Delivery:
    """A message from the broker."""

    topic: str
    payload: bytes
    acknowledge: Callable[[], None] = field(compare=False)
    """Send the PUBACK (with manual_ack). From any thread; without effect once the connection is another one: the
    broker then delivers the message again."""


class MqttConnection:
    """A connection that keeps trying. Callbacks run on its network thread and must be quick.

    Args:
        url: mqtt://[user:password@]host[:port].
        client_id: names the session; no two connections of one broker may share it.
        subscriptions: topic filters, subscribed with QoS 1 at each connect.
        on_delivery: called with each message.
        on_connected: called after each connect.
        will: published by the broker when the connection is lost.
        manual_ack: the PUBACK waits for Delivery.acknowledge.
        receive_maximum: unacknowledged messages that an MQTT 5 broker may have on the way to us.

    Raises:
        BrokerUrlError: the URL has another form.

    """

    def __init__(  # noqa: PLR0913 - keyword-only: what a connection is made of
        self,
        url: str,
        client_id: str,
        *,
        subscriptions: tuple[str, ...] = (),
        on_delivery: Callable[[Delivery], None] | None = None,
        on_connected: Callable[[], None] | None = None,
        will: Will | None = None,
        manual_ack: bool = False,
        receive_maximum: int = 256,
    ) -> None:
        self.address = BrokerAddress.parse(url)
        self._client_id = client_id
        self._subscriptions = subscriptions
        self._on_delivery = on_delivery
        self._on_connected = on_connected
        self._will = will
        self._manual_ack = manual_ack
        self._receive_maximum = receive_maximum
        self._lock = threading.Lock()
        self._client: paho.Client | None = None
        self._connection = 0
        self._connected = threading.Event()
        self._stopped = threading.Event()

    @property
    def connected(self) -> bool:
        """Whether the broker has admitted us and the connection stands."""
        return self._connected.is_set()

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait for the connection to stand, and tell whether it does."""
        return self._connected.wait(timeout_s)

    def start(self) -> None:
        """Begin to connect, in the background. A broker that is not there yet is tried again and again."""
        threading.Thread(target=self._begin, name=f"mqtt-start-{self._client_id}", daemon=True).start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Hand a message with QoS 1 to the connection; False if there is none, and nothing is queued then."""
        client = self._client
        if client is None or not self.connected:
            return False
        return client.publish(topic, payload, qos=1, retain=retain).rc == paho.MQTT_ERR_SUCCESS

    def publish_last(self, topic: str, payload: bytes, timeout_s: float) -> None:
        """Publish a retained message and wait for the broker to have it, but no longer than the timeout."""
        client = self._client
        if client is None or not self.connected:
            return
        try:
            client.publish(topic, payload, qos=1, retain=True).wait_for_publish(timeout_s)
        except (RuntimeError, ValueError):
            _log.info("the last message to %s was not sent", topic)

    def stop(self) -> None:
        """Disconnect and end the network thread, within two seconds. The broker keeps the session."""
        with self._lock:
            self._stopped.set()
            client, self._client = self._client, None
        self._connected.clear()
        if client is not None:
            client.disconnect()
            stopper = threading.Thread(target=client.loop_stop, name="mqtt-stop", daemon=True)
            stopper.start()
            stopper.join(_STOP_SECONDS)

    def _begin(self) -> None:
        version = self._negotiate()
        if version is None:
            return
        client = self._build(version)
        with self._lock:
            if self._stopped.is_set():
                return
            self._client = client
            if version == MQTTProtocolVersion.MQTTv5:
                properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho leaves it so
                properties.SessionExpiryInterval = SESSION_EXPIRY_SECONDS
                properties.ReceiveMaximum = self._receive_maximum
                client.connect_async(
                    self.address.host, self.address.port, keepalive=30, clean_start=False, properties=properties
                )
            else:
                client.connect_async(self.address.host, self.address.port, keepalive=30)
            client.loop_start()

    def _negotiate(self) -> MQTTProtocolVersion | None:
        """Wait for the broker and find out what it speaks; None if stopped meanwhile."""
        waiting = False
        while not self._stopped.is_set():
            try:
                if speaks_mqtt5(self.address):
                    return MQTTProtocolVersion.MQTTv5
                _log.info("the broker at %s does not speak MQTT 5: using MQTT 3.1.1", self.address)
            except OSError as error:
                if not waiting:
                    _log.info("waiting for the broker at %s: %s", self.address, error)
                waiting = True
                self._stopped.wait(_RETRY_SECONDS)
            else:
                return MQTTProtocolVersion.MQTTv311
        return None

    def _build(self, version: MQTTProtocolVersion) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if version == MQTTProtocolVersion.MQTTv5 else False,
            protocol=version,
            manual_ack=self._manual_ack,
        )
        client.reconnect_delay_set(min_delay=1, max_delay=15)
        client.max_inflight_messages_set(256)
        if self.address.username is not None:
            client.username_pw_set(self.address.username, self.address.password)
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, qos=1, retain=True)
        client.on_connect = self._connect_answered
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        return client

    def _connect_answered(
        self,
        client: paho.Client,
        _userdata: object,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if client is not self._client:
            return
        if reason.is_failure:
            _log.warning("the broker at %s refuses us: %s", self.address, reason)
            return
        self._connection += 1
        if self._subscriptions:
            client.subscribe([(topic, 1) for topic in self._subscriptions])
        self._connected.set()
        _log.info("connected to the broker at %s", self.address)
        if self._on_connected is not None:
            self._on_connected()

    def _disconnected(
        self,
        client: paho.Client,
        _userdata: object,
        _flags: paho.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if client is not self._client:
            return
        was_connected = self._connected.is_set()
        self._connected.clear()
        self._connection += 1
        if was_connected:
            _log.info("lost the broker at %s: %s; connecting again", self.address, reason)

    def _received(self, client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        connection = self._connection

        def acknowledge() -> None:
            if self._manual_ack and connection == self._connection and client is self._client:
                client.ack(message.mid, message.qos)

        if self._on_delivery is not None:
            try:
                topic = message.topic
            except UnicodeDecodeError:
                acknowledge()
                return
            self._on_delivery(Delivery(topic, bytes(message.payload), acknowledge))
        else:
            acknowledge()


def speaks_mqtt5(address: BrokerAddress) -> bool:
    """Ask a broker whether it speaks MQTT 5, with a CONNECT that a broker of MQTT 3.1.1 can read up to its refusal.

    A CONNECT with properties cannot serve: some brokers of MQTT 3.1.1 take them for the length of a name and wait for
    the rest of it. No answer at all counts as no.

    Raises:
        OSError: the broker cannot be reached.

    """
    with socket.create_connection((address.host, address.port), timeout=_ANSWER_SECONDS) as probe:
        answer = b""
        try:
            probe.sendall(_PROBE)
            while len(answer) < 4 and (more := probe.recv(4 - len(answer))):
                answer += more
        except (TimeoutError, ConnectionError):
            return False
    return len(answer) == 4 and answer[0] == _CONNACK and answer[3] != _REFUSED_VERSION_3
