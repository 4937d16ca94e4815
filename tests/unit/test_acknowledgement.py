import cbor2
import pytest

from devices import telemetry
from devices.acknowledgement import DOMAIN, MAX_ENTRIES, AcceptedRange, Rejection, decode, encode, verify_signature
from devices.cose_sign1 import seal
from devices.device_key import ALGORITHMS, SigningKey
from devices.telemetry import Reason, TelemetryError

KEY = SigningKey.from_seed("es256", bytes(range(32)))
ACCEPTED = (AcceptedRange("dev-1", 1, 0, 287), AcceptedRange("dev-2", 4, 9, 9))
REJECTED = (
    Rejection("dev-1", 1, 288, "high_s", b"a" * 32),
    Rejection(None, None, None, "malformed", b"b" * 32),
)


def sealed(**changes):
    entries = {1: "node-1", 2: "gw-1", 3: [["d", 1, 0, 9]], 4: [[None, None, None, "malformed", bytes(32)]]}
    entries |= {int(key[1:]): entry for key, entry in changes.items()}
    kept = {key: entry for key, entry in entries.items() if entry is not None}
    return seal(cbor2.dumps(kept), KEY, domain=DOMAIN, network="demo")


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_a_node_signed_is_what_a_gateway_reads(alg):
    key = SigningKey.from_seed(alg, bytes(32))
    sent = encode(node="node-1", gateway="gw-1", accepted=ACCEPTED, rejected=REJECTED, key=key, network="demo")
    ack = decode(sent.wire, network="demo")
    verify_signature(ack)
    assert ack == sent
    assert (ack.node, ack.gateway, ack.accepted, ack.rejected) == ("node-1", "gw-1", ACCEPTED, REJECTED)
    assert ack.public_key == key.public


def test_an_envelope_is_no_acknowledgement_and_the_other_way_round():
    ack = encode(node="n", gateway="g", accepted=(), rejected=(), key=KEY, network="demo")
    with pytest.raises(TelemetryError):
        telemetry.decode(ack.wire, network="demo")
    twin = seal(cbor2.dumps({1: "n", 2: "g", 3: [], 4: []}), KEY, domain=telemetry.DOMAIN, network="demo")
    with pytest.raises(TelemetryError) as caught:
        verify_signature(decode(twin, network="demo"))
    assert caught.value.reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"k1": None}, Reason.MALFORMED),
        ({"k1": "no/slash"}, Reason.MALFORMED),
        ({"k2": 5}, Reason.MALFORMED),
        ({"k3": {}}, Reason.MALFORMED),
        ({"k3": [["d", 1, 5, 4]]}, Reason.MALFORMED),
        ({"k3": [["d", 1, 0]]}, Reason.MALFORMED),
        ({"k3": [["d", 1, 0, 1 << 63]]}, Reason.MALFORMED),
        ({"k3": [[None, 1, 0, 1]]}, Reason.MALFORMED),
        ({"k3": [["d", 1, 0, 1]] * (MAX_ENTRIES + 1)}, Reason.OVERSIZE),
        ({"k4": [["d", 1, 0, "Bad reason", bytes(32)]]}, Reason.MALFORMED),
        ({"k4": [["d", 1, 0, "late", bytes(31)]]}, Reason.MALFORMED),
        ({"k4": [["d", True, 0, "late", bytes(32)]]}, Reason.MALFORMED),
        ({"k5": 0}, Reason.MALFORMED),
        ({"k1": None, "k5": 0}, Reason.MALFORMED),
    ],
)
def test_each_wrong_payload_has_its_reason(changes, reason):
    with pytest.raises(TelemetryError) as caught:
        decode(sealed(**changes), network="demo")
    assert caught.value.reason is reason


def test_every_single_byte_change_is_refused():
    wire = encode(node="n", gateway="g", accepted=ACCEPTED, rejected=REJECTED, key=KEY, network="demo").wire
    for at in range(len(wire)):
        for flip in (0x01, 0x80, 0xFF):
            altered = wire[:at] + bytes([wire[at] ^ flip]) + wire[at + 1 :]
            with pytest.raises(TelemetryError):
                verify_signature(decode(altered, network="demo"))
