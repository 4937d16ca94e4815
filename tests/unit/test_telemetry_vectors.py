import json
import re
from pathlib import Path

import pytest

from devices import acknowledgement, telemetry
from devices.cose_sign1 import external_aad
from devices.device_key import SigningKey
from devices.telemetry import Reading, Readings, TelemetryError

ROOT = Path(__file__).parents[2]
VECTORS = json.loads((ROOT / "tests" / "vectors" / "envelope.json").read_text(encoding="utf-8"))
README = (ROOT / "devices" / "README.md").read_text(encoding="utf-8")


def rows(vector):
    return [
        Reading(**(reading | {"event": tuple(reading["event"]) if reading["event"] else None}))
        for reading in vector["readings"]
    ]


@pytest.mark.parametrize("vector", VECTORS["envelopes"])
def test_envelopes_are_read_as_the_vectors_say(vector):
    envelope = telemetry.decode(bytes.fromhex(vector["wire"]), network=vector["network"])
    telemetry.verify_signature(envelope)
    assert list(envelope.readings) == rows(vector)
    for name in ("device", "meter", "boot", "first_sequence"):
        assert getattr(envelope, name) == vector[name]
    for name in ("previous", "digest", "signature", "signed_bytes"):
        assert getattr(envelope, name).hex() == vector[name]
    assert envelope.public_key.raw.hex() == vector["public_key"]
    assert envelope.public_key.thumbprint.hex() == vector["thumbprint"]
    assert external_aad(telemetry.DOMAIN, vector["network"]).hex() == vector["external_aad"]
    assert vector["protected"] in vector["wire"]
    assert vector["payload"] in vector["wire"]


@pytest.mark.parametrize("vector", VECTORS["envelopes"])
def test_envelopes_are_written_as_the_vectors_say(vector):
    envelope = telemetry.encode(
        Readings.of(rows(vector)),
        device=vector["device"],
        meter=vector["meter"],
        boot=vector["boot"],
        first_sequence=vector["first_sequence"],
        previous=bytes.fromhex(vector["previous"]),
        key=SigningKey.from_seed(vector["alg"], bytes.fromhex(vector["seed"])),
        network=vector["network"],
    )
    assert envelope.signed_bytes.hex() == vector["signed_bytes"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["what"])
def test_refusals_have_the_reason_of_the_vectors(vector):
    with pytest.raises(TelemetryError) as caught:
        telemetry.verify_signature(telemetry.decode(bytes.fromhex(vector["wire"]), network="demo"))
    assert caught.value.reason == vector["reason"]


@pytest.mark.parametrize("vector", VECTORS["acknowledgements"])
def test_acknowledgements_are_read_as_the_vectors_say(vector):
    ack = acknowledgement.decode(bytes.fromhex(vector["wire"]), network=vector["network"])
    acknowledgement.verify_signature(ack)
    assert (ack.node, ack.gateway, ack.signed_bytes.hex()) == (
        vector["node"],
        vector["gateway"],
        vector["signed_bytes"],
    )
    assert [[a.device, a.boot, a.first, a.last] for a in ack.accepted] == vector["accepted"]
    found = [[r.device, r.boot, r.sequence, r.reason, r.item_sha256.hex()] for r in ack.rejected]
    assert found == vector["rejected"]


def test_the_worked_example_of_the_readme_is_the_first_vector_to_the_byte():
    block = README.split("<!-- worked example: begin -->")[1].split("<!-- worked example: end -->")[0]
    lines = [line for line in block.splitlines() if line.strip() and not line.startswith("```")]
    dump = "".join(re.match(r"\s*((?:[0-9a-f]{2})+(?: (?:[0-9a-f]{2})+)*)(?=\s{2}|$)", line).group(1) for line in lines)
    vector = VECTORS["envelopes"][0]
    assert dump.replace(" ", "") == vector["wire"]
    assert f"{len(vector['wire']) // 2} bytes:" in README
    assert vector["digest"] in README
    assert vector["thumbprint"] in README


def test_the_readme_lists_every_reason():
    assert all(f"| `{reason.value}` |" in README for reason in telemetry.Reason)
