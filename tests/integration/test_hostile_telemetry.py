"""Whatever reaches the broker: it gets its own reason, the nodes go on, and the books still balance."""

import threading
import time

import cbor2
import pytest

from devices.device_key import GROUP_ORDER, SigningKey
from devices.device_signer import DeviceSigner
from devices.mqtt import MqttConnection
from devices.readings import Reading, Readings
from devices.telemetry import encode

DAY_MS = 86_400_000


@pytest.fixture
def publish(settled):
    connection = MqttConnection(settled.broker_url, "somebody")
    connection.start()
    assert connection.wait_connected(10)

    def send(payload, topic="heliograph/v1/demo/telemetry/gw-hongkong"):
        assert connection.publish(topic, payload)

    yield send
    connection.stop()


def reading(world, after_ms=600_000):
    plant = world.plants[0]
    return Readings.of([Reading(plant.baseline_ms + after_ms, plant.baseline_wh + 5)])


def signed(world, *, device=None, meter=None, key=None, network="demo", readings=None, sequence=100_000):
    plant = world.plants[0]
    return encode(
        readings or reading(world),
        device=device or plant.device_id,
        meter=meter or plant.meter.id,
        boot=7,
        first_sequence=sequence,
        previous=bytes(32),
        key=key or plant.key,
        network=network,
    ).wire


def high_s(wire):
    s = int.from_bytes(wire[-32:])
    return wire[:-32] + (GROUP_ORDER - s).to_bytes(32)


def non_deterministic(wire):
    """The same content, with the payload's map head in a longer form than needed."""
    tag = cbor2.loads(wire)
    protected, unprotected, payload, signature = tag.value
    longer = b"\xb8" + bytes([payload[0] & 0x1F]) + payload[1:]
    return cbor2.dumps(cbor2.CBORTag(18, [protected, dict(unprotected), longer, signature]))


def wait_for_reasons(world, reasons, timeout_s=15):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        counts = [node.journal.rejection_counts() for node in world.nodes]
        if all(reasons <= found.keys() for found in counts):
            return counts
        time.sleep(0.05)
    raise AssertionError(f"wanted {reasons}, nodes have {counts}")


def test_each_kind_of_bad_input_has_its_own_reason(settled, publish):
    world = settled.world
    assert world.plants[0].key.public.alg == "es256"
    good = signed(world)
    before = world.check_books()
    hostile = {
        "malformed": b"\xff not CBOR at all",
        "non_deterministic": non_deterministic(good),
        "bad_signature": signed(world, network="demo2"),
        "high_s": high_s(good),
        "unknown_device": signed(world, device="nobody"),
        "unlisted_key": signed(world, key=SigningKey.generate()),
    }
    for payload in hostile.values():
        publish(payload)
    publish(good, "heliograph/v1/demo/telemetry/gw/too/deep")
    publish(signed(world, readings=reading(world, 30 * DAY_MS), sequence=200_000))
    counts = wait_for_reasons(world, {*hostile, "wrong_topic", "future_time"})
    assert all(found[reason] == 1 for found in counts for reason in (*hostile, "wrong_topic", "future_time"))
    after = world.check_books()
    assert after.balanced
    assert after.total("minted_wh") == before.total("minted_wh")


def test_a_message_is_accepted_in_part(settled, publish):
    """One bad envelope does not spoil its neighbours."""
    world = settled.world
    before = [node.journal.tallies()[0] for node in world.nodes]
    publish(signed(world, sequence=300_000) + signed(world, device="nobody") + signed(world, sequence=300_001))
    wait_for_reasons(world, {"unknown_device"})
    assert [node.journal.tallies()[0] for node in world.nodes] == [count + 2 for count in before]


def test_future_readings_settle_once_their_time_has_come(settled, publish):
    """They wait, and do not make nodes differ."""
    world = settled.world
    publish(signed(world, readings=reading(world, 400 * DAY_MS), sequence=400_000))
    wait_for_reasons(world, {"future_time"})
    assert all(not node.journal.unreported(settled.span.until_ms) for node in world.nodes)
    assert all(len(node.journal.unreported(settled.span.until_ms + 401 * DAY_MS)) == 1 for node in world.nodes)


def test_equivocation_disputes_and_never_mints(settled, publish):
    """Two different readings under one sequence number: both are kept as evidence, neither is used."""
    world, plant = settled.world, settled.world.plants[0]
    signer = DeviceSigner(plant.device_id, plant.meter.id, plant.key, "demo", boot=9)
    envelopes = [signer.sign(reading(world)).wire]
    signer.next_sequence = 0
    envelopes.append(signer.sign(reading(world, 900_000)).wire)
    journaled = [node.journal.tallies()[0] for node in world.nodes]
    for wire in envelopes:
        publish(wire)
    deadline = time.monotonic() + 15
    while [node.journal.tallies()[0] for node in world.nodes] != [count + 2 for count in journaled]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    now_s = int(time.time())
    assert world.wait_delivered(threading.Event())
    assert world.settle(now_s) is not None
    books = world.check_books()
    assert books.findings == []
    assert '"equivocation":2' in world.nodes[0].journal.last_report().settlement_of(plant.asset_id)
