"""An asset's accounts of a period, and the proof that they follow from the envelopes."""

from dataclasses import replace

import pytest

from oracle.attestation.period import (
    Booked,
    ProvenPeriod,
    decode_period,
    encode_period,
    examine_period,
    period_of,
    total_wh,
)
from oracle.attestation.verification import examine_proof
from oracle.errors import ProofError
from oracle.reporting.document import canonical_bytes, parse_json

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture(name="proof")
def proof_fixture(fleet):
    return fleet.small_proof()[0]


@pytest.fixture(name="proven")
def proven_fixture(proof):
    start_ms = proof.body.registry.asset.commissioned_s * 1000
    return ProvenPeriod(period_of(examine_proof(proof, None).settlement, HOUR_MS, start_ms, start_ms + DAY_MS), proof)


def refusal_of(proven):
    with pytest.raises(ProofError) as caught:
        examine_period(decode_period(encode_period(proven)), None)
    return caught.value.step


def stating(proven, **changes):
    return replace(proven, period=replace(proven.period, **changes))


def test_every_watt_hour_of_the_settlement_is_in_the_period_that_covers_it(fleet, proven):
    examined = examine_period(decode_period(encode_period(proven)), fleet.anchor())
    assert examined.steps[-1].name == "anchor"
    booked = proven.period.booked
    settled = examined.settlement.meters.values()
    assert booked
    assert sum(one.energy_wh for one in booked) == sum(int(one.energy_wh.sum()) for one in settled)
    assert total_wh(booked, "attested") == sum(examined.settlement.settled.energy_wh.values())


def test_an_hour_is_a_period_and_the_hours_add_up(proof, proven):
    settlement = examine_proof(proof, None).settlement
    first, last = proven.period.from_ms, proven.period.until_ms
    hours = [period_of(settlement, HOUR_MS, start, start + HOUR_MS) for start in range(first, last, HOUR_MS)]
    assert sorted((b for hour in hours for b in hour.booked), key=str) == sorted(proven.period.booked, key=str)
    for hour in hours:
        examine_period(ProvenPeriod(hour, proof), None)


def test_whatever_else_is_stated_is_refused(proven):
    booked = proven.period.booked
    (one, *rest) = booked
    other_accounts = [
        (),
        rest,
        booked[::-1],
        (*booked, booked[-1]),
        (replace(one, energy_wh=one.energy_wh + 1), *rest),
        (replace(one, standing="withheld"), *rest),
        (replace(one, reason="uncorroborated"), *rest),
        (replace(one, meter_id="met-9"), *rest),
        (replace(one, start_ms=one.start_ms + HOUR_MS), *rest),
        (*booked, Booked("met-9", booked[-1].start_ms, "attested", "", 0)),
    ]
    for accounts in other_accounts:
        assert refusal_of(stating(proven, booked=tuple(accounts))) == "period"
    assert refusal_of(stating(proven, asset_id="another")) == "period"
    assert refusal_of(stating(proven, from_ms=proven.period.from_ms + HOUR_MS * 2)) == "period"


@pytest.mark.parametrize(("first", "last"), [(0, 0), (HOUR_MS, 0), (1, HOUR_MS), (0, HOUR_MS + 1), (-HOUR_MS, HOUR_MS)])
def test_a_period_is_of_whole_intervals(proven, first, last):
    assert refusal_of(stating(proven, from_ms=first, until_ms=last)) == "period"


def test_a_proof_that_does_not_hold_is_refused_at_its_own_step(proven):
    body = proven.proof.body
    for change, step in (
        (replace(body, signatures=body.signatures[:-1]), "quorum"),
        (replace(body, evidence=body.evidence[1:]), "evidence"),
    ):
        assert refusal_of(replace(proven, proof=replace(proven.proof, body=change))) == step


def test_any_single_changed_byte_of_what_is_stated_is_refused(proven):
    raw = encode_period(proven)
    start = raw.index(b'"period":')
    stated = range(start, raw.index(b'"proof":'))
    assert len(stated) > 500
    for place in stated:
        changed = bytearray(raw)
        changed[place] ^= 0x01
        with pytest.raises(ProofError):
            examine_period(decode_period(bytes(changed)), None)


def test_a_member_too_many_or_too_few_is_refused(proven):
    document = parse_json(encode_period(proven))
    for name in document:
        with pytest.raises(ProofError):
            decode_period(canonical_bytes({key: member for key, member in document.items() if key != name}))
    with pytest.raises(ProofError):
        decode_period(canonical_bytes({**document, "note": "hello"}))
