"""Which acknowledgement answers which sending, and what a gateway believes."""

import numpy as np
import pytest

from api.bench import fleet
from api.bench.answers import UNANSWERED, Answers, latencies_ms, percentile
from devices import acknowledgement
from devices.acknowledgement import AcceptedRange, Rejection
from devices.device_key import SigningKey

BATCH = 10
KEY = SigningKey.from_seed("es256", bytes(32))


def ack(*ranges, node=fleet.NODE, gateway="gw-0", key=KEY, rejected=(), network=fleet.NETWORK):
    accepted = tuple(AcceptedRange(fleet.device_name(device), 1, first, last) for device, first, last in ranges)
    return acknowledgement.encode(
        node=node, gateway=gateway, accepted=accepted, rejected=rejected, key=key, network=network
    ).wire


def heard(*arrivals):
    answers = Answers()
    for arrived_ns, wire in arrivals:
        answers.take(wire, arrived_ns, gateway="gw-0", key=KEY.public, batch=BATCH)
    return answers


def answered(answers, *sendings):
    envelopes, sent_ns = (np.array(column, dtype=np.int64) for column in zip(*sendings, strict=True))
    return answers.answered_ns(envelopes, sent_ns).tolist()


def test_a_sending_is_answered_by_the_range_that_covers_it():
    answers = heard((1000, ack((0, 0, 9))), (2000, ack((1, 0, 9))))
    assert not answers.faults
    assert answered(answers, (1, 500), (0, 400), (64, 600)) == [2000, 1000, UNANSWERED]


def test_a_joined_range_answers_every_envelope_in_it_and_half_of_one_answers_none():
    answers = heard((1000, ack((3, 5, 34))))
    sendings = [(3 + 64 * number, 10) for number in range(4)]
    assert answered(answers, *sendings) == [UNANSWERED, 1000, 1000, UNANSWERED]


def test_the_second_sending_waits_for_the_second_answer():
    answers = heard((1000, ack((0, 0, 9))), (5000, ack((0, 0, 9))))
    assert answered(answers, (0, 100), (0, 900)) == [1000, 5000], "the first answer, though later, is not its own"


def test_an_answer_to_both_sendings_counts_for_both():
    assert answered(heard((1000, ack((0, 0, 9)))), (0, 100), (0, 900)) == [1000, 1000]


def test_an_answer_before_the_second_sending_does_not_answer_it():
    answers = heard((1000, ack((0, 0, 9))))
    assert answered(answers, (0, 100), (0, 1500)) == [1000, UNANSWERED]
    answers = heard((1000, ack((0, 0, 9))), (1100, ack((0, 0, 9))), (3000, ack((0, 0, 9))))
    assert answered(answers, (0, 100), (0, 1500)) == [1000, 3000], (
        "delivered twice, acknowledged twice, then sent again"
    )


def test_answers_of_another_boot_epoch_or_device_count_for_nothing():
    stranger = acknowledgement.encode(
        node=fleet.NODE, gateway="gw-0", key=KEY, network=fleet.NETWORK, rejected=(),
        accepted=(AcceptedRange("dev-00", 2, 0, 9), AcceptedRange("nobody", 1, 0, 9)),
    ).wire  # fmt: skip
    assert answered(heard((1000, stranger)), (0, 1)) == [UNANSWERED]


@pytest.mark.parametrize(
    "wire",
    [
        ack((0, 0, 9))[:-1] + b"\x00",
        ack((0, 0, 9), key=SigningKey.from_seed("es256", bytes([1]) * 32)),
        ack((0, 0, 9), node="node-2"),
        ack((0, 0, 9), gateway="gw-1"),
        ack((0, 0, 9), network="other"),
        b"\x00",
    ],
)
def test_what_no_gateway_would_believe_answers_nothing_and_is_a_fault(wire):
    answers = heard((1000, wire))
    assert len(answers.faults) == 1
    assert answered(answers, (0, 1)) == [UNANSWERED]


def test_rejections_are_kept_by_the_item_they_name():
    refused = Rejection("dev-00", 2, 0, "bad_signature", bytes(range(32)))
    assert heard((1, ack(rejected=(refused,)))).rejected == {bytes(range(32)): "bad_signature"}


def test_latency_runs_from_the_schedule_and_leaves_out_what_was_not_answered():
    due = np.array([0, 1_000_000, 2_000_000])
    assert latencies_ms(due, np.array([5_000_000, UNANSWERED, 3_500_000])).tolist() == [5.0, 1.5]


def test_a_percentile_is_a_number_that_occurred():
    assert percentile(np.array([1.0, 2.0, 3.0, 100.0]), 50) == 2.0
    assert percentile(np.arange(1.0, 101.0), 99) == 99.0
    assert percentile(np.array([]), 99) is None
