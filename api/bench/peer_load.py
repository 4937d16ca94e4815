"""Keeps the peer busy and counts what it makes durable: a closed loop, so the figure is the most that it can do."""

import json
import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from api.bench import fleet
from api.bench.children import child, spawned
from api.bench.peer import VARIANTS, consume
from api.bench.servers import ServerError, influx_behind_nginx, mosquitto

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

OUTSTANDING = 20
"""Messages on the way to the peer, as the broker allows by default: it always has the next one."""
WARM_UP_S = 1.0
PREPARED_READINGS = 150_000
"""Readings prepared for each second: more than the peer can store."""
PREPARED_MESSAGES = 5_000
"""The same in messages."""


@dataclass(frozen=True)
class PeerLoad:
    """Messages of the run's size, in JSON."""

    batch: int
    """Readings of one device in a row."""
    per_message: int
    """Devices a message."""
    start_ms: int
    """When reading 0 was taken [ms UTC]."""

    @property
    def readings(self) -> int:
        """Readings a message."""
        return self.batch * self.per_message

    def payload(self, message: int) -> bytes:
        """JSON of the readings that the run's message of this number holds when nothing is displaced."""
        devices = []
        for envelope in range(message * self.per_message, (message + 1) * self.per_message):
            number, device = divmod(envelope, fleet.DEVICES)
            columns = fleet.readings(device, number * self.batch, self.batch, self.start_ms)
            export_wh = columns.export_wh.to_list() if columns.export_wh else []
            rows = list(zip(columns.time_ms.tolist(), export_wh, strict=True))
            devices.append([fleet.device_name(device), fleet.meter_name(device), rows])
        return json.dumps(devices, separators=(",", ":")).encode()


@dataclass(frozen=True)
class PeerFigures:
    """Readings per second that the peer made durable, by variant; None with the reason if it could not run."""

    readings_per_s: dict[str, float] | None
    reason: str | None = None

    @property
    def best(self) -> float | None:
        """The better variant."""
        return max(self.readings_per_s.values()) if self.readings_per_s else None


def measure_peer(folder: Path, load: PeerLoad, seconds: float) -> PeerFigures:
    """Measure each variant for a time, with servers of its own, on the readings of the run in its messages' size."""
    figures = {}
    try:
        for variant in VARIANTS:
            figures[variant] = _measure(folder / variant, variant, load, seconds)
    except ServerError as error:
        return PeerFigures(None, str(error))
    return PeerFigures(figures)


def _measure(folder: Path, variant: str, load: PeerLoad, seconds: float) -> float:
    stored: Synchronized[int] = multiprocessing.get_context("spawn").Value("q", 0)
    with (
        influx_behind_nginx(folder / "influx") as influx,
        mosquitto(folder / "broker") as broker,
        spawned() as children,
    ):
        a_second = min(PREPARED_READINGS / load.readings, PREPARED_MESSAGES)
        messages = round(a_second * (seconds + WARM_UP_S)) + OUTSTANDING
        publisher = children.start("publisher", _publish, broker.port, load, messages, stored)
        publisher.recv()
        consumer = children.start("peer", consume, variant, broker.port, influx.url, stored)
        consumer.recv()
        publisher.send("begin")
        time.sleep(WARM_UP_S)
        before, began = stored.value, time.monotonic()
        while time.monotonic() - began < seconds and stored.value < load.readings * messages:
            time.sleep(0.01)
        done, took = stored.value - before, time.monotonic() - began
        publisher.send("stop")
        consumer.send("stop")
        children.join()
        if not done or influx.stored() < before + done:
            raise ServerError(f"the peer said {before + done} readings were stored, InfluxDB has {influx.stored()}")
    return done / took


@child
def _publish(pipe: Connection, port: int, load: PeerLoad, messages: int, stored: "Synchronized[int]") -> None:
    payloads = [load.payload(message) for message in range(messages)]
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    pipe.send("ready")
    pipe.recv()
    for number, each in enumerate(payloads):
        while number - stored.value // load.readings >= OUTSTANDING:
            if pipe.poll(0.0005):
                client.loop_stop()
                return
        client.publish("peer", each, qos=1)
    pipe.recv()
    client.loop_stop()
