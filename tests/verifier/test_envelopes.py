"""Both programs read the envelopes of devices alike: vectors, damaged ones, and signatures on which libraries differ."""

import json
import os
import random
import subprocess

import pytest

from devices.telemetry import TelemetryError, decode, verify_signature
from tests.verifier.proofs import NETWORK, made_up_proof
from tests.verifier.verdicts import JAVASCRIPT, MODULES

SEED = 22
DAMAGED = 2000
pytestmark = pytest.mark.usefixtures("javascript")
KINDS = ("honest", "mixed_key", "mixed_nonce", "small_key", "small_nonce")


def ran(script, question):
    done = subprocess.run(
        ["node", JAVASCRIPT / script], input=json.dumps(question).encode(), env=os.environ | {"NODE_PATH": str(MODULES)},
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.fixture(name="vectors")
def vectors_fixture(repository):
    return json.loads((repository / "tests" / "vectors" / "envelope.json").read_text(encoding="utf-8"))


@pytest.fixture(name="wires")
def wires_fixture():
    return [
        envelope.wire for seed in range(12) for plant in made_up_proof(seed).plants for envelope in plant.envelopes()
    ]


def plain(number):
    return None if number is None else str(number)


def ours(wire, network=NETWORK):
    """What this package makes of an envelope, in the form in which `envelopes.js` prints it."""
    try:
        envelope = decode(wire, network=network)
        verify_signature(envelope)
    except TelemetryError as error:
        return {"refused": error.reason.value}
    rows = []
    for row in envelope.readings:
        kind, *registers = row.event or ("", 0, 0)
        event = [{"reset": "1", "replace": "2"}[kind], *map(str, registers)] if row.event else None
        rows.append([plain(n) for n in (row.time_ms, row.export_wh, row.import_wh, row.power_w)] + [event])
    thumbprint = envelope.public_key.thumbprint.hex()
    return {"digest": envelope.digest.hex(), "thumbprint": thumbprint, "readings": rows}


def theirs(wires, network=NETWORK):
    return ran("envelopes.js", {"network": network, "wires": [wire.hex() for wire in wires]})


def test_the_vectors_are_read_alike(vectors):
    for vector in vectors["envelopes"]:
        wire = bytes.fromhex(vector["wire"])
        (found,) = theirs([wire], vector["network"])
        assert found == ours(wire, vector["network"])
        assert (found["digest"], found["thumbprint"]) == (vector["digest"], vector["thumbprint"])


def test_the_vectors_are_refused_with_the_same_reason(vectors):
    found = theirs([bytes.fromhex(vector["wire"]) for vector in vectors["refused"]])
    assert found == [{"refused": vector["reason"]} for vector in vectors["refused"]]


def test_envelopes_of_made_up_plants_are_read_alike(wires):
    assert theirs(wires) == [ours(wire) for wire in wires]


def test_damaged_envelopes_are_judged_alike(wires):
    rng = random.Random(SEED)
    damaged = []
    for _ in range(DAMAGED):
        wire = bytearray(rng.choice(wires))
        for _ in range(rng.choice((1, 1, 2))):
            wire[rng.choice((rng.randrange(len(wire)), rng.randrange(60)))] = rng.choice(
                (0, 0x18, 0xFF, rng.randrange(256))
            )
        damaged.append(bytes(wire[: rng.choice((len(wire), len(wire), len(wire) - 1))]))
    for wire, found in zip(damaged, theirs(damaged), strict=True):
        known = ours(wire)
        assert ("refused" in found, found.get("digest")) == ("refused" in known, known.get("digest")), wire.hex()


def test_signatures_of_small_order_are_judged_alike(vectors):
    """A key or nonce with a part of order 8 verifies here and not there, if a program leaves it to its library."""
    (vector,) = [one for one in vectors["envelopes"] if one["alg"] == "eddsa"][:1]
    placeholder, wire = vector["public_key"], vector["wire"]
    before, after = vector["signed_bytes"].split(placeholder)
    asked = [
        {"kind": kind, "nonce": nonce, "before": before, "after": after} for kind in KINDS for nonce in range(77, 101)
    ]
    made = ran("odd_keys.js", asked)
    altered = [
        bytes.fromhex(wire.replace(placeholder, one["key"]).replace(vector["signature"], one["signature"]))
        for one in made
    ]
    network = vector["network"]
    known = [ours(one, network) for one in altered]
    assert theirs(altered, network) == known
    accepted = {question["kind"] for question, verdict in zip(asked, known, strict=True) if "digest" in verdict}
    refused = {question["kind"] for question, verdict in zip(asked, known, strict=True) if "refused" in verdict}
    assert accepted == {"honest", "mixed_key"}
    assert refused == {"mixed_key", "mixed_nonce", "small_key", "small_nonce"}
