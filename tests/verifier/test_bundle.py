"""The verifier that pages load judges as the one that Node runs: same steps, said one by one."""

import json
import random
import shutil

import pytest

from oracle.attestation.proof import encode_proof, proof_document
from oracle.attestation.verification import STEPS
from oracle.reporting.document import canonical_bytes
from tests.verifier.corruptions import corrupted_bytes, corrupted_member, kind_of, members
from tests.verifier.forgeries import FORGERIES
from tests.verifier.oddities import odd_figures
from tests.verifier.verdicts import BUNDLE, accepted_alike, bundled_verdicts, judged_alike, refused_alike

SEED = 6
CORRUPTED = 500


@pytest.fixture(scope="module", name="bundled")
def bundled_fixture(require):
    require("node", shutil.which("node"), "install Node.js 20 or newer")
    require("the bundle", BUNDLE.is_file(), "make assets")
    return bundled_verdicts


def test_the_bundle_accepts_good_proofs_and_says_each_step(good, bundled):
    """That each step was said as it was passed is checked by `bundled.js`."""
    accepted_alike([(str(i), encode_proof(g.proof), g.signers.anchor) for i, g in enumerate(good[:40])], bundled)
    accepted_alike([("without anchor", encode_proof(good[0].proof), None)], bundled)


def test_the_bundle_refuses_corrupted_proofs_at_the_same_step(good, bundled):
    rng = random.Random(SEED)
    documents = [json.loads(encode_proof(one.proof)) for one in good[:40]]
    places = {}
    for number, document in enumerate(documents):
        for path in members(document):
            if path != ("registry", "meters"):  # may be shorter
                places.setdefault(kind_of(path), []).append((number, path))
    kinds = sorted(places)
    cases = []
    for turn in range(CORRUPTED):
        number, path = rng.choice(places[kinds[turn % len(kinds)]])
        raw = encode_proof(good[number].proof)
        altered = corrupted_bytes(rng, raw) if turn % 10 == 9 else corrupted_member(rng, documents[number], path)
        cases.append((f"turn {turn}, proof {number}, {path}", altered, good[number].signers.anchor))
    steps = refused_alike(cases, bundled)
    assert {"document", "quorum", "statements", "registry", "rules", "envelopes", "evidence"} <= set(steps)


def test_the_bundle_refuses_forgeries_signed_again_at_the_same_step(good, bundled):
    rng = random.Random(SEED)
    producing = [
        one for one in good[:40] if any(proven.statement.energy_wh.net for proven in one.proof.body.statements)
    ]
    cases = [
        (f"{forge.__name__} {i}", encode_proof(forge(rng, one)), one.signers.anchor)
        for forge in FORGERIES
        for i, one in enumerate(producing[:2])
    ]
    refused_alike(cases, bundled)


def test_the_bundle_judges_odd_figures_alike(good, bundled):
    rng = random.Random(SEED)
    steps = judged_alike([case for one in good[:3] for case in odd_figures(rng, one)], bundled)
    assert {"accepted", "settlement"} <= set(steps)


ATTESTED = ("network", "domain", "signer_set", "report", "signatures", "statements", "registry")
SIGNED_BY_NODES = ["quorum", "statements", "registry", "anchor"]


def shown_in_part(one, **altered):
    """What a server shows of a retirement whose owner keeps the readings private."""
    document = proof_document(one.proof)
    attestation = {name: document[name] for name in ATTESTED} | altered
    return {
        "format": "heliograph-retirement/1", "number": "1", "withheld": [document["registry"]["asset"]["asset_id"]],
        "chain": None, "attestations": [attestation], "proofs": [],
    }  # fmt: skip


def test_what_is_shown_in_part_is_checked_as_far_as_it_is_shown_and_says_so(good, bundled):
    one, other = good[0], good[1]
    unseen = one.proof.body.registry.asset.asset_id
    with_a_proof = shown_in_part(one) | {"proofs": [proof_document(one.proof)], "chain": "keeps no receipts"}
    private, mixed = bundled(
        [
            (what, canonical_bytes(each), one.signers.anchor)
            for what, each in (("private", shown_in_part(one)), ("mixed", with_a_proof))
        ]
    )
    assert private == {"held": SIGNED_BY_NODES, "part": {"withheld": [unseen], "chain": None}}
    assert mixed["part"] == {"withheld": [unseen], "chain": "keeps no receipts"}
    assert mixed["held"] == [*SIGNED_BY_NODES, *STEPS]
    swapped = shown_in_part(one, statements=proof_document(other.proof)["statements"])
    silent = shown_in_part(one) | {"withheld": []}
    nothing = shown_in_part(one) | {"withheld": [], "attestations": []}
    cases = [
        (what, canonical_bytes(each), one.signers.anchor)
        for what, each in (("swapped", swapped), ("silent", silent), ("nothing", nothing))
    ]
    cases.append(("other signers", canonical_bytes(shown_in_part(one)), other.signers.anchor))
    assert [verdict.get("refused") for verdict in bundled(cases)] == ["statements", "document", "document", "anchor"]
