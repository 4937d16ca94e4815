import hashlib

import cbor2
import pytest

from api.notices.carriage import Carriage
from devices import acknowledgement
from devices.acknowledgement import AcceptedRange, Rejection
from tests.support.acknowledging_node import NODE_KEYS
from tests.support.meter_envelopes import NETWORK, envelope, minutes

FIRST, SECOND = envelope(minutes(0, 3)), envelope(minutes(3, 2), first_sequence=3)
RUBBISH = cbor2.dumps("no envelope")


def carriage(*items, copies=2, nodes=4):
    return Carriage(b"".join(items), network=NETWORK, copies_required=copies, nodes=nodes)


def ack(node, accepted=(), rejected=()):
    return acknowledgement.encode(
        node=node, gateway="http-1", accepted=tuple(accepted), rejected=tuple(rejected), key=NODE_KEYS[node],
        network=NETWORK,
    )  # fmt: skip


def covering(first, last, *, boot=1, device="inv-1"):
    return AcceptedRange(device, boot, first, last)


def refusal(item, reason="unknown_meter"):
    return Rejection("inv-1", 1, 0, reason, hashlib.sha256(item).digest())


def test_an_item_is_settled_once_enough_nodes_have_all_of_it():
    carried = carriage(FIRST.wire, SECOND.wire)
    assert carried.note(ack("node-0", [covering(0, 4)]))
    assert not carried.complete
    assert carried.note(ack("node-1", [covering(0, 2)]))
    first, second = carried.verdicts()
    assert (first.accepted_by, first.settled) == (("node-0", "node-1"), True)
    assert (second.accepted_by, second.settled) == (("node-0",), False)
    assert carried.note(ack("node-1", [covering(3, 4)]))
    assert carried.complete
    assert [each.node for each in carried.receipts] == ["node-0", "node-1", "node-1"]


def test_one_node_twice_is_one_copy():
    carried = carriage(FIRST.wire)
    carried.note(ack("node-0", [covering(0, 2)]))
    carried.note(ack("node-0", [covering(0, 4)]))
    assert not carried.complete


@pytest.mark.parametrize(
    "other", [covering(0, 1), covering(1, 2), covering(0, 9, boot=2), covering(0, 9, device="inv-2"), covering(3, 9)]
)
def test_what_does_not_cover_the_whole_item_is_not_about_it(other):
    carried = carriage(FIRST.wire)
    assert not carried.note(ack("node-0", [other]))
    assert carried.receipts == ()


def test_what_more_nodes_refuse_than_can_be_done_without_is_settled():
    carried = carriage(FIRST.wire, copies=3, nodes=4)
    carried.note(ack("node-0", rejected=[refusal(FIRST.wire)]))
    assert not carried.complete
    carried.note(ack("node-1", rejected=[refusal(FIRST.wire, "revoked_key")]))
    assert carried.complete
    (verdict,) = carried.verdicts()
    assert verdict.rejected_by == (("node-0", "unknown_meter"), ("node-1", "revoked_key"))


def test_a_refusal_names_the_bytes_and_so_outweighs_a_range_of_the_same_numbers():
    forged = bytearray(FIRST.wire)
    forged[-1] ^= 1
    carried = carriage(bytes(forged), copies=1, nodes=1)
    carried.note(ack("node-0", [covering(0, 2)], [refusal(bytes(forged), "bad_signature")]))
    (verdict,) = carried.verdicts()
    assert verdict.accepted_by == ()
    assert verdict.rejected_by == (("node-0", "bad_signature"),)


def test_a_refusal_is_taken_back_by_the_same_node():
    carried = carriage(FIRST.wire, copies=2, nodes=2)
    carried.note(ack("node-0", rejected=[refusal(FIRST.wire)]))
    carried.note(ack("node-0", [covering(0, 2)]))
    (verdict,) = carried.verdicts()
    assert (verdict.accepted_by, verdict.rejected_by) == (("node-0",), ())


def test_what_is_no_envelope_is_an_item_of_its_own_that_only_a_refusal_settles():
    carried = carriage(FIRST.wire, RUBBISH, b"\xff\xff", copies=1, nodes=1)
    carried.note(ack("node-0", [covering(0, 2)]))
    first, rubbish, rest = carried.verdicts()
    assert first.settled
    assert (rubbish.device, rubbish.first_sequence, rubbish.settled) == (None, None, False)
    carried.note(ack("node-0", rejected=[refusal(RUBBISH, "malformed"), refusal(b"\xff\xff", "malformed")]))
    assert carried.complete
    assert rest.sha256 != rubbish.sha256
