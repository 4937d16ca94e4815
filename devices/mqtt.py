"""One MQTT connection that stays up: MQTT 5 where the broker speaks it, else 3.1.1; persistent session; manual ack.

Used by gateways and by head-ends. It reconnects by itself, forever, and never reads a clock.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from devices.broker_address import BrokerAddress, BrokerUrlError, Tls
from devices.mqtt_version import speaks_mqtt5

__all__ = ["SESSION_EXPIRY_SECONDS", "BrokerAddress", "BrokerUrlError", "Delivery", "MqttConnection", "Tls", "Will"]

SESSION_EXPIRY_SECONDS = 7 * 86_400
_STOP_SECONDS = 1.0
_RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


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
        url: mqtt://[user:password@]host[:port], or mqtts://… for TLS.
        client_id: names the session; no two connections of one broker may share it.
        subscriptions: topic filters, subscribed with QoS 1 at each connect.
        on_delivery: called with each message.
        on_connected: called after each connect.
        will: published by the broker when the connection is lost.
        manual_ack: the PUBACK waits for Delivery.acknowledge.
        receive_maximum: unacknowledged messages that an MQTT 5 broker may have on the way to us.
        tls: certificates for mqtts://, where the URL does not name them.
        session_expiry_s: how long an MQTT 5 broker keeps the session of one who is away [s].

    Raises:
        BrokerUrlError: the URL has another form, or a certificate cannot be used.

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
        tls: Tls | None = None,
        session_expiry_s: int = SESSION_EXPIRY_SECONDS,
    ) -> None:
        self._session_expiry_s = session_expiry_s
        self._refused: str | None = None
        self.address = BrokerAddress.parse(url, tls)
        self._ssl = self.address.tls.context() if self.address.tls else None
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
    def refused(self) -> str | None:
        """Why the broker does not let us hear what we asked for; None if it does."""
        return self._refused

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
                properties.SessionExpiryInterval = self._session_expiry_s
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
                self._reload_certificate()
                if speaks_mqtt5(self.address, self._ssl):
                    self._refused = None
                    return MQTTProtocolVersion.MQTTv5
                if any(topic.startswith("$share/") for topic in self._subscriptions):
                    if self._refused is None:
                        self._refused = (
                            f"the broker at {self.address} does not speak MQTT 5: subscriptions cannot be shared"
                        )
                        _log.error("%s", self._refused)
                    self._stopped.wait(_RETRY_SECONDS)
                    continue
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
        if self._ssl is not None:
            client.tls_set_context(self._ssl)
        client.on_pre_connect = self._before_connect
        client.on_connect = self._connect_answered
        client.on_publish = self._published
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        return client

    def _before_connect(self, _client: paho.Client, _userdata: object) -> None:
        self._reload_certificate()

    def _reload_certificate(self) -> None:
        """Take up a certificate that was renewed on disk; while the new files are no pair, the old ones serve."""
        if self.address.tls is None or self._ssl is None:
            return
        try:
            self.address.tls.load_certificate(self._ssl)
        except BrokerUrlError as error:
            _log.warning("going on with the certificate read before: %s", error)

    def _published(
        self, client: paho.Client, _userdata: object, _mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if client is self._client and reason.is_failure:
            _log.warning("the broker at %s refuses a message: %s", self.address, reason)

    def _subscribed(
        self,
        client: paho.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if client is not self._client:
            return
        refused = [str(reason) for reason in reasons if reason.is_failure]
        self._refused = f"the broker at {self.address} refuses a subscription: {refused[0]}" if refused else None
        if self._refused is not None:
            _log.error("%s", self._refused)

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
        # What is kept until then is not the message: paho's takes 8 KB beside its payload.
        connection, mid, qos = self._connection, message.mid, message.qos

        def acknowledge() -> None:
            if self._manual_ack and connection == self._connection and client is self._client:
                client.ack(mid, qos)

        if self._on_delivery is not None:
            try:
                topic = message.topic
            except UnicodeDecodeError:
                acknowledge()
                return
            self._on_delivery(Delivery(topic, bytes(message.payload), acknowledge))
        else:
            acknowledge()
