"""Fuzzed payloads against the head-end's judgement alone, without a broker: every reason that is documented, and no other."""

import re
from collections import Counter

import pytest

from devices.envelope_reader import EnvelopeReader
from devices.rejection import Reason
from oracle.headend.admission import AdmissionReason, admit
from oracle.reporting.registry import Objection
from tests.load.fuzz_site import GATEWAY, REASONS, fuzz_registry
from tests.load.fuzzed_payloads import FuzzedPayloads

NETWORK = "demo"
START_MS = 1_782_864_000_000
MESSAGES = 6000
NOW_MS = START_MS + 40_000_000


@pytest.fixture(scope="module")
def payloads():
    return FuzzedPayloads(3, NETWORK, GATEWAY, START_MS)


@pytest.fixture(scope="module")
def messages(payloads):
    return list(payloads.take(MESSAGES))


@pytest.mark.parametrize(
    ("readme", "heading", "codes"),
    [
        ("devices/README.md", "## Reasons", set(Reason)),
        ("oracle/README.md", "### Reason codes of the head-end", {*Reason, *Objection, *AdmissionReason}),
    ],
)
def test_the_documented_reasons_are_those_of_the_program(repository, readme, heading, codes):
    table = (repository / readme).read_text().split(f"\n{heading}\n")[1].split("\n#")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == codes


def test_every_documented_reason_is_hit_and_nothing_else_happens(payloads, messages):
    registry, reader = fuzz_registry(payloads.devices), EnvelopeReader(NETWORK)
    reasons, accepted = Counter(), 0
    for message in messages:
        verdict = admit(message.topic, message.payload, reader=reader, registry=registry, now_ms=NOW_MS)
        reasons.update(each.reason for each in (*verdict.refused, *verdict.remarks))
        accepted += len(verdict.accepted)
    assert set(reasons) == REASONS
    assert accepted > MESSAGES // 5


def test_what_was_seen_before_does_not_change_a_verdict(payloads, messages):
    """Shapes that a reader has learnt speed verdicts up and never make one."""
    registry, learned = fuzz_registry(payloads.devices), EnvelopeReader(NETWORK)
    for message in messages[:3000]:
        fast, strict = (
            admit(message.topic, message.payload, reader=reader, registry=registry, now_ms=NOW_MS)
            for reader in (learned, EnvelopeReader(NETWORK))
        )
        assert fast.refused == strict.refused
        assert [said(each) for each in fast.accepted] == [said(each) for each in strict.accepted]


def said(envelope):
    return envelope.digest, envelope.wire, envelope.last_sequence, list(envelope.readings)


def test_a_third_is_validly_signed(messages):
    assert sum(message.signed for message in messages) >= 0.3 * MESSAGES


def test_one_seed_gives_one_stream():
    one, other = (FuzzedPayloads(5, NETWORK, GATEWAY, START_MS).take(300) for _ in range(2))
    assert [(m.topic, len(m.payload)) for m in one] == [(m.topic, len(m.payload)) for m in other]
