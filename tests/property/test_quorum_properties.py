"""Fewer than k signers never attest; k do, whoever else speaks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.attestation.quorum import Attestation, AttestedReport, assemble, check_quorum
from oracle.attestation.signature import HALF_ORDER, sign_digest
from oracle.attestation.signer_set import SignerSet, threshold_for_minting
from oracle.errors import ReportError
from oracle.keyring.memory import MemoryKeyring
from oracle.reporting.report import NO_REPORT, Domain, Report, Totals

DOMAIN = Domain(31337, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SECRETS = [bytes([i + 1]) * 32 for i in range(7)]
RINGS = [MemoryKeyring(secret, None) for secret in SECRETS]


def world(n):
    signer_set = SignerSet.of([ring.address for ring in RINGS[:n]], threshold_for_minting(n), 1)
    report = Report(
        1, NO_REPORT, 1_750_000_000, signer_set.config_digest(DOMAIN), bytes(32), 7, bytes(32), b"\1" * 32, Totals(1, 2, 3),
        1, bytes(32),
    )  # fmt: skip
    return signer_set, report


def high_s(signature):
    s = ORDER - int.from_bytes(signature[32:64])
    return signature[:32] + s.to_bytes(32) + bytes([signature[64] ^ 7])  # 27 <-> 28


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 6),
    st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(["own", "high s", "other chain", "other report", "junk"])),
        max_size=12,
    ),
)
def test_fewer_than_k_signers_never_attest_and_k_do(n, said):
    signer_set, report = world(n)
    digest = report.digest(DOMAIN)
    attestations = []
    for node, kind in said:
        own = sign_digest(SECRETS[node], digest)
        signature = {
            "own": own,
            "high s": high_s(own),
            "other chain": sign_digest(SECRETS[node], report.digest(Domain(1, DOMAIN.oracle))),
            "other report": sign_digest(SECRETS[node], bytes(32)),
            "junk": bytes([node]) * 65,
        }[kind]
        attestations.append(Attestation(1, digest, RINGS[node].address, signature))
    sound = {node for node, kind in said if kind == "own" and node < n}
    if len(sound) < signer_set.threshold:
        with pytest.raises(ReportError, match="signatures needed"):
            assemble(report, DOMAIN, signer_set, attestations)
        return
    attested = assemble(report, DOMAIN, signer_set, attestations)
    signers = check_quorum(attested, DOMAIN, signer_set)
    assert len(signers) == len(set(signers)) == signer_set.threshold
    assert set(signers) <= {RINGS[node].address for node in sound}


@given(st.integers(1, 200))
def test_k_is_two_thirds_so_that_two_quorums_share_an_honest_node(n):
    k = threshold_for_minting(n)
    faulty = (n - 1) // 3
    assert 3 * k >= 2 * n > 3 * (k - 1)
    assert k <= n - faulty
    assert 2 * k - n > faulty


@pytest.fixture(name="signed")
def signed_fixture():
    signer_set, report = world(4)
    by_signer = sorted((RINGS[i].address.lower(), sign_digest(SECRETS[i], report.digest(DOMAIN))) for i in range(4))
    return signer_set, report, tuple(signature for _, signature in by_signer)


def test_three_of_four_are_enough_and_ascending(signed):
    signer_set, report, signatures = signed
    assert check_quorum(AttestedReport(report, signatures[:3]), DOMAIN, signer_set) == signer_set.signers[:3]
    assert AttestedReport(report, signatures[:3]).packed_signatures == b"".join(signatures[:3])


def test_every_other_way_to_a_quorum_is_refused(signed):
    signer_set, report, signatures = signed
    a, b, c, d = signatures
    stranger = sign_digest(SECRETS[6], report.digest(DOMAIN))
    for wrong, why in [
        ((a, b), "2 signatures"),
        ((a, b, c, d), "4 signatures"),
        ((a, a, b), "ascending"),
        ((b, a, c), "ascending"),
        ((a, b, high_s(c)), "high s"),
        ((a, b, c[:64] + b"\0"), "v = 0"),
        ((a, b, c[:64]), "65 bytes"),
        ((a, b, bytes(64) + b"\x1b"), "no key"),
        ((a, b, stranger), "not in the signer set"),
    ]:
        with pytest.raises(ReportError, match=why):
            check_quorum(AttestedReport(report, wrong), DOMAIN, signer_set)


@pytest.mark.parametrize("domain", [Domain(1, DOMAIN.oracle), Domain(31337, "0x" + "00" * 20)])
def test_a_report_of_another_chain_or_contract_is_refused(signed, domain):
    signer_set, report, signatures = signed
    with pytest.raises(ReportError, match="another signer set, contract or chain"):
        check_quorum(AttestedReport(report, signatures[:3]), domain, signer_set)


def test_signatures_are_low_s_and_always_the_same():
    for secret in SECRETS:
        signature = sign_digest(secret, bytes(range(32)))
        assert int.from_bytes(signature[32:64]) <= HALF_ORDER
        assert signature == sign_digest(secret, bytes(range(32)))


def test_a_signer_set_that_the_contract_would_refuse_is_none():
    addresses = sorted((ring.address for ring in RINGS[:4]), key=str.lower)
    for signers, threshold in [
        (addresses[::-1], 3),
        ([addresses[0], *addresses], 3),
        (addresses, 0),
        (addresses, 5),
        ([addresses[0].lower(), *addresses[1:]], 3),
        (["0x12"], 1),
        ([], 0),
    ]:
        with pytest.raises(ReportError):
            SignerSet(tuple(signers), threshold, 0)
