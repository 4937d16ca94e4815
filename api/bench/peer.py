"""The peer: what is usually written for this. MQTT with QoS 1, JSON, a synchronous write to InfluxDB, then the PUBACK.

No signature is checked. A message is [[device, meter, [[time_ms, export_wh], ...]], ...] and becomes one write.
"""

import json
from multiprocessing.connection import Connection
from typing import Any

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write.point import Point
from influxdb_client.client.write_api import SYNCHRONOUS
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from api.bench.children import child

Devices = list[tuple[str, str, list[tuple[int, int]]]]


def joined(devices: Devices) -> str:
    """Line protocol, put together as text."""
    lines = []
    for device, meter, readings in devices:
        head = f"meter_reading,device={device},meter={meter} export_wh="
        lines += [f"{head}{export_wh}i {time_ms}" for time_ms, export_wh in readings]
    return "\n".join(lines)


def points(devices: Devices) -> list[Point]:
    """The client library's own objects."""
    return [
        Point("meter_reading").tag("device", device).tag("meter", meter).field("export_wh", wh).time(time_ms, "ms")  # type: ignore[no-untyped-call]
        for device, meter, readings in devices
        for time_ms, wh in readings
    ]


VARIANTS = {"joined": joined, "points": points}


@child
def consume(pipe: Connection, variant: str, broker_port: int, influx_url: str, stored: Any) -> None:  # noqa: ANN401
    """Store what arrives on `peer` until told to stop; `stored.value` counts the readings that are durable."""
    writer = InfluxDBClient(influx_url, "-", org="-").write_api(write_options=SYNCHRONOUS)

    def on_message(client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        devices: Devices = json.loads(message.payload)
        writer.write("bench", "-", VARIANTS[variant](devices), write_precision="ms")  # type: ignore[arg-type]
        client.ack(message.mid, message.qos)
        stored.value += sum(len(readings) for _, _, readings in devices)

    client = paho.Client(CallbackAPIVersion.VERSION2, manual_ack=True)
    client.on_message = on_message
    client.connect("127.0.0.1", broker_port)
    client.subscribe("peer", qos=1)
    client.loop_start()
    pipe.send("ready")
    pipe.recv()
    client.loop_stop()
