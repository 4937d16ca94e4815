import json
from dataclasses import replace

import pytest

from contracts.state import MeterRole
from devices.telemetry import decode
from oracle.attestation.proof import (
    ProvenMeter,
    decode_anchor,
    decode_envelope,
    decode_proof,
    encode_anchor,
    encode_proof,
)
from oracle.attestation.signature import recover_signer, sign_digest
from oracle.attestation.verification import STEPS, verify_proof
from oracle.errors import ProofError
from oracle.reporting.document import canonical_bytes, parse_json
from oracle.reporting.registry import asset_leaf, meters_root
from oracle.reporting.report import Domain
from oracle.reporting.statement import Counter

FLIPS = (0x01, 0x20, 0x80)  # a neighbouring character, the other case, a byte that is not ASCII


@pytest.fixture(name="proof")
def proof_fixture(fleet):
    return fleet.small_proof()[0]


def refusal_of(raw, anchor):
    with pytest.raises(ProofError) as caught:
        verify_proof(decode_proof(raw), anchor)
    return caught.value


def test_a_proof_leads_from_statement_to_device_signatures(fleet, proof):
    raw = encode_proof(proof)
    steps = verify_proof(decode_proof(raw), fleet.anchor())
    assert tuple(step.name for step in steps) == STEPS
    assert encode_proof(decode_proof(raw)) == raw


def test_without_an_anchor_the_anchor_step_is_left_open(proof):
    assert "anchor" not in [step.name for step in verify_proof(proof, None)]


@pytest.mark.parametrize("flip", FLIPS)
def test_any_single_changed_byte_is_refused(proof, flip):
    raw = encode_proof(proof)
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= flip
        try:
            verify_proof(decode_proof(bytes(changed)), None)
        except ProofError:
            continue
        pytest.fail(f"byte {place} may be {changed[place]:#x}: ...{bytes(changed[place - 40 : place + 40])!r}")


def test_a_proof_signed_again_by_strangers_is_refused_by_the_anchor(fleet, make_fleet):
    strangers = make_fleet(secrets=[bytes([5, i]) * 16 for i in range(4)])
    forged, _ = strangers.small_proof()
    verify_proof(forged, None)
    verify_proof(forged, strangers.anchor())
    assert refusal_of(encode_proof(forged), fleet.anchor()).step == "anchor"


def test_a_proof_of_another_chain_is_refused_by_the_anchor(fleet, make_fleet):
    elsewhere = make_fleet(domain=Domain(1, fleet.domain.oracle))
    forged, _ = elsewhere.small_proof()
    verify_proof(forged, elsewhere.anchor())
    assert refusal_of(encode_proof(forged), fleet.anchor()).step == "anchor"


def test_an_address_has_one_spelling(proof):
    lower = replace(proof, body=replace(proof.body, domain=Domain(31337, proof.body.domain.oracle.lower())))
    assert refusal_of(encode_proof(lower), None).step == "document"


def test_a_proof_without_envelopes_proves_nothing(fleet, proof):
    bare = replace(proof.body, evidence=tuple(replace(link, envelopes=()) for link in proof.body.evidence))
    assert refusal_of(encode_proof(replace(proof, body=bare)), fleet.anchor()).step == "envelopes"


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda body: replace(body, signatures=body.signatures[:-1]), "quorum"),
        (lambda body: replace(body, signatures=body.signatures[::-1]), "quorum"),
        (lambda body: replace(body, statements=()), "statements"),
        (lambda body: replace(body, statements=body.statements * 2), "statements"),
        (lambda body: replace(body, registry=replace(body.registry, meters=body.registry.meters[:1])), "settlement"),
        (lambda body: replace(body, registry=replace(body.registry, meters=body.registry.meters * 2)), "registry"),
        (lambda body: replace(body, evidence=body.evidence[1:]), "evidence"),
        (lambda body: replace(body, evidence=body.evidence[::-1]), "evidence"),
        (lambda body: replace(body, evidence=(body.evidence[0], body.evidence[0])), "envelopes"),
        (lambda body: replace(body, network="other"), "envelopes"),
        (lambda body: replace(body, network="not a name"), "envelopes"),
    ],
)
def test_a_part_left_out_repeated_or_moved_is_refused_where_it_matters(proof, change, step):
    changed = replace(proof, body=change(proof.body))
    assert refusal_of(encode_proof(changed), None).step == step


def test_terms_that_no_arithmetic_can_use_are_refused(proof):
    document = parse_json(encode_proof(proof))
    for wrong in (True, "3000001", -1, 0.5, None, [3], 2**70):
        document["rules"]["terms"][0]["tariff"]["minor_per_mwh"] = wrong
        with pytest.raises(ProofError):
            decode_proof(json.dumps(document, separators=(",", ":"), sort_keys=True).encode())


def test_a_member_too_many_or_too_few_is_refused(proof):
    document = parse_json(encode_proof(proof))
    for name in list(document):
        short = {key: member for key, member in document.items() if key != name}
        with pytest.raises(ProofError):
            decode_proof(canonical_bytes(short))
    with pytest.raises(ProofError):
        decode_proof(canonical_bytes({**document, "note": "hello"}))


def test_another_spelling_of_the_same_json_is_no_proof(proof):
    raw = encode_proof(proof)
    for other in (b" " + raw, raw + b"\n", b"\xef\xbb\xbf" + raw, raw.replace(b'"network"', b'"\\u006eetwork"')):
        with pytest.raises(ProofError):
            decode_proof(other)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b"1e999", b"NaN", b"\xff", b"[" * 100_000, b"9" * 5000])
def test_what_is_no_proof_at_all_is_refused_as_such(raw):
    for read in (decode_proof, decode_anchor):
        with pytest.raises(ProofError):
            read(raw)


def test_an_anchor_may_be_spelt_by_hand(fleet):
    raw = encode_anchor(fleet.anchor())
    assert decode_anchor(raw) == fleet.anchor()
    assert decode_anchor(raw.replace(b",", b" ,\n ")) == fleet.anchor()


def signed_again(fleet, proof, **changes):
    """The proof with other members of its registry entry, hashed and signed again throughout by its own signers."""
    body = proof.body
    entry = body.registry
    meters = tuple(replace(proven.meter, **changes.get("meter", {})) for proven in entry.meters[:1])
    project = replace(entry.project, meters_root=meters_root(meters), **changes.get("project", {}))
    asset = replace(entry.asset, **changes.get("asset", {}))
    rules = replace(proof.rules, **changes.get("rules", {}))
    report = replace(
        body.report,
        registry_hash=asset_leaf(asset, project),
        rules_digest=rules.digest,
        **changes.get("report", {}),
    )
    statements = tuple(replace(proven, path=()) for proven in body.statements)
    if "statement" in changes:
        statements = tuple(
            replace(proven, statement=replace(proven.statement, **changes["statement"])) for proven in statements
        )
    report = replace(report, root=statements[0].statement.leaf)
    digest = report.digest(body.domain)
    signatures = sorted(
        (sign_digest(s, digest) for s in fleet.secrets[:3]), key=lambda s: recover_signer(digest, s).lower()
    )
    proven = replace(
        entry, asset=asset, project=project, path=(), meters=tuple(ProvenMeter(meter, ()) for meter in meters)
    )
    links = tuple(
        replace(
            link,
            envelopes=tuple(e for e in link.envelopes if decode(decode_envelope(e), network="demo").device == "dev-0"),
        )
        for link in body.evidence
    )
    changed = replace(
        body, report=report, signatures=tuple(signatures), registry=proven, statements=statements, evidence=links
    )
    return encode_proof(replace(proof, body=changed, rules=rules))


@pytest.mark.parametrize(
    "changes",
    [
        {"meter": {"nameplate_w": 0}},
        {"meter": {"nameplate_w": 2**64 - 1}},
        {"meter": {"baseline_wh": 2**64 - 1}},
        {"meter": {"baseline_time_ms": 2**64 - 1}},
        {"meter": {"revoked_boot": 1, "revoked_sequence": 2}},
        {"meter": {"role": MeterRole.LOAD}},
        {"asset": {"utc_offset_s": 2**31 - 1}},
        {"rules": {"rated_overload_ppm": 0}},
        {"rules": {"terms": {}}},
        {"report": {"cutoff_s": 2**64 - 1}, "statement": {"cutoff_s": 2**64 - 1}},
        {"statement": {"energy_wh": Counter(2**128 - 1, 2**128 - 1)}},
        {"statement": {"vintage": 0}},
        {},
    ],
)
def test_no_figure_of_a_self_signed_proof_raises_anything_but_a_refusal(fleet, proof, changes):
    """Whoever signs for themselves may write any number: none of them may break the verifier."""
    refusal = refusal_of(signed_again(fleet, proof, **changes), None)
    assert refusal.step in ("rules", "evidence", "settlement"), refusal


@pytest.mark.parametrize(
    "change",
    [
        lambda body: replace(body, report=replace(body.report, epoch=2**64)),
        lambda body: replace(body, report=replace(body.report, cutoff_s=-1)),
        lambda body: replace(body, domain=Domain(2**256, body.domain.oracle)),
        lambda body: replace(
            body, registry=replace(body.registry, asset=replace(body.registry.asset, asset_id="no name"))
        ),
        lambda body: replace(
            body, registry=replace(body.registry, project=replace(body.registry.project, methodology=b"x" * 33))
        ),
        lambda body: replace(body, registry=replace(body.registry, path=(b"short",))),
        lambda body: replace(body, signatures=(bytes(65),) * 3),
        lambda body: replace(body, signatures=(b"",) * 3),
    ],
)
def test_what_fits_no_type_of_the_contract_is_a_refusal(proof, change):
    refusal_of(encode_proof(replace(proof, body=change(proof.body))), None)
