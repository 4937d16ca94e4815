"""A node that does nothing but acknowledge: what a gateway needs to see of one."""

import hashlib
import time

from devices import acknowledgement, topics
from devices.acknowledgement import AcceptedRange, Rejection
from devices.device_key import SigningKey
from devices.mqtt import MqttConnection
from devices.telemetry import decode, split, verify_signature

NETWORK = "test"
NODE_KEYS = {f"node-{i}": SigningKey.from_seed("es256", bytes([i + 1]) * 32) for i in range(4)}
PUBLIC_KEYS = {name: key.public for name, key in NODE_KEYS.items()}


class FakeNode:
    """Acknowledges what it receives, except for the devices it was told to refuse."""

    def __init__(self, url, name, *, refuse=(), key=None, silent=False):
        self.name, self.refuse, self.silent = name, refuse, silent
        self.key = key or NODE_KEYS[name]
        self.received = []
        self.connection = MqttConnection(
            url,
            f"test-{name}",
            subscriptions=(topics.format_telemetry_filter(NETWORK),),
            on_delivery=self.deliver,
            manual_ack=True,
        )

    def deliver(self, delivery):
        gateway = topics.parse(delivery.topic).gateway
        accepted, rejected = [], []
        for item in split(delivery.payload).items:
            envelope = decode(item, network=NETWORK)
            verify_signature(envelope)
            self.received.append(envelope)
            if envelope.device in self.refuse:
                sha = hashlib.sha256(item).digest()
                rejected.append(
                    Rejection(envelope.device, envelope.boot, envelope.first_sequence, "unknown_meter", sha)
                )
            else:
                accepted.append(
                    AcceptedRange(envelope.device, envelope.boot, envelope.first_sequence, envelope.last_sequence)
                )
        delivery.acknowledge()
        if not self.silent:
            ack = acknowledgement.encode(
                node=self.name,
                gateway=gateway,
                accepted=tuple(accepted),
                rejected=tuple(rejected),
                key=self.key,
                network=NETWORK,
            )
            self.connection.publish(topics.format_ack(NETWORK, gateway, self.name), ack.wire)

    def __enter__(self):
        self.connection.start()
        assert self.connection.wait_connected(10)
        time.sleep(0.2)  # let the subscription reach the broker
        return self

    def __exit__(self, *_):
        self.connection.stop()


def eventually(condition, timeout_s=10):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)
