from dataclasses import replace

import pytest

from oracle.attestation.proof import decode_anchor, decode_proof, encode_anchor, encode_proof
from oracle.attestation.verification import STEPS, verify_proof
from oracle.errors import ProofError
from oracle.reporting.document import canonical_bytes, parse_json
from oracle.reporting.report import Domain

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
        (lambda body: replace(body, registry=replace(body.registry, meters=body.registry.meters[:1])), "envelopes"),
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
            decode_proof(__import__("json").dumps(document, separators=(",", ":"), sort_keys=True).encode())


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


def test_no_figure_of_a_self_signed_proof_raises_anything_but_a_refusal(make_fleet, proof):
    """Whoever signs for themselves may write any number: none of them may break the verifier."""
    body = proof.body
    entry = body.registry
    hostile = [
        replace(body, report=replace(body.report, epoch=2**64)),
        replace(body, report=replace(body.report, cutoff_s=-1)),
        replace(body, domain=Domain(2**256, body.domain.oracle)),
        replace(body, registry=replace(entry, asset=replace(entry.asset, asset_id="no name"))),
        replace(body, registry=replace(entry, project=replace(entry.project, methodology=b"short"))),
        replace(body, registry=replace(entry, path=(b"short",))),
    ]
    for changed in hostile:
        refusal_of(encode_proof(replace(proof, body=changed)), None)
