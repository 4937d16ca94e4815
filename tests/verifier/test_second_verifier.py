"""Two programs that share no line read oracle/PROOF.md alike: what one accepts the other does, and both refuse at the same step."""

import json
import random

import pytest

from oracle.attestation.proof import encode_proof
from oracle.attestation.verification import STEPS
from tests.verifier.corruptions import corrupted_bytes, corrupted_member, kind_of, members
from tests.verifier.forgeries import FORGERIES
from tests.verifier.oddities import odd_figures, odd_rules
from tests.verifier.verdicts import accepted_alike, judged_alike, python_verdict, refused_alike

CORRUPTED = 1000
SEED = 20
MAY_BE_SHORTER = ("registry", "meters")
"""A list whose order means nothing, and which need not show a meter that has no influence (oracle/PROOF.md)."""


def energy_wh(good):
    return sum(proven.statement.energy_wh.net for proven in good.proof.body.statements)


def test_both_verifiers_accept_good_proofs(good, javascript):
    assert len(good) == 100
    raw = encode_proof(good[0].proof)
    assert python_verdict(raw, good[0].signers.anchor) == {"held": list(STEPS)}
    accepted_alike([(str(i), encode_proof(g.proof), g.signers.anchor) for i, g in enumerate(good)], javascript)


def test_good_proofs_differ_in_all_that_decides(good):
    """They would prove little if they were all alike."""
    settlements = [json.loads(link.settlement) for one in good for link in one.proof.body.evidence]
    reasons = {reason for one in settlements for meter in one["meters"] for reason in meter["rejected"]}
    common = "absent decrease duplicate equivocation future jump over_capacity replay sentinel stale zero"
    assert reasons >= set(common.split())
    assert sum(energy_wh(one) > 0 for one in good) > len(good) // 2
    assert any(meter["withheld_wh"] for one in settlements for meter in one["meters"])
    assert any(meter["disputed_wh"] for one in settlements for meter in one["meters"])
    assert any(len(one["energy_wh"]) > 1 for one in settlements)
    assert any(one["crossing_wh"] for one in settlements)
    assert {"", "no_right", "certificate_right", "other_methodology"} <= {one["credit_refusal"] for one in settlements}
    assert any(proven.statement.credits_g.net for one in good for proven in one.proof.body.statements)
    assert any(one.proof.rules.ceilings for one in good)
    assert {len(one.proof.body.evidence) for one in good} == {1, 2, 3, 4}


def test_both_verifiers_refuse_corrupted_proofs_at_the_same_step(good, javascript):
    """Each kind of member is changed at least once, canonical JSON made of it again; some files are damaged as bytes."""
    rng = random.Random(SEED)
    documents = [json.loads(encode_proof(one.proof)) for one in good]
    places = {}
    for number, document in enumerate(documents):
        for path in members(document):
            if path != MAY_BE_SHORTER:
                places.setdefault(kind_of(path), []).append((number, path))
    kinds = sorted(places)
    assert CORRUPTED > 4 * len(kinds) > 400
    cases = []
    for turn in range(CORRUPTED):
        number, path = rng.choice(places[kinds[turn % len(kinds)]])
        raw = encode_proof(good[number].proof)
        altered = corrupted_bytes(rng, raw) if turn % 10 == 9 else corrupted_member(rng, documents[number], path)
        cases.append((f"turn {turn}, proof {number}, {path}", altered, good[number].signers.anchor))
    steps = refused_alike(cases, javascript)
    assert {"document", "quorum", "statements", "registry", "rules", "envelopes", "evidence"} <= set(steps)


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda forge: forge.__name__)
def test_both_verifiers_refuse_forgeries_signed_again_at_the_same_step(forge, good, javascript):
    rng = random.Random(SEED)
    producing = rng.sample([one for one in good if energy_wh(one) > 0], 4)
    cases = [(f"proof {i}", encode_proof(forge(rng, one)), one.signers.anchor) for i, one in enumerate(producing)]
    steps = set(refused_alike(cases, javascript))
    assert steps <= {"registry", "rules", "envelopes", "evidence", "settlement", "anchor"}


@pytest.mark.parametrize("odd", [odd_figures, odd_rules], ids=lambda odd: odd.__name__)
def test_odd_figures_that_a_quorum_signs_are_judged_alike(odd, good, javascript):
    rng = random.Random(SEED)
    cases = [case for one in good[:8] for case in odd(rng, one)]
    steps = judged_alike(cases, javascript)
    assert steps.total() > 100
    assert {"accepted", "rules" if odd is odd_rules else "settlement"} <= set(steps)


def test_the_order_of_meters_means_nothing(good, javascript):
    cases = []
    for number, one in enumerate(good):
        document = json.loads(encode_proof(one.proof))
        document["registry"]["meters"].reverse()
        raw = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        cases.append((f"proof {number}", raw, one.signers.anchor))
    accepted_alike(cases[:20], javascript)
