"""Publishing, settling and paying on an in-process chain, as Python sees it, and what is refused."""

from dataclasses import astuple, replace

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from web3.logs import DISCARD

from contracts.registration import identity_entries, send_entries, share_entries
from contracts.state import Identity, InvestorClass, RootStatus, ShareIssue, credit_id, revenue_id, to_bytes32
from contracts.transaction import ChainRefusalError
from oracle.reporting.statement import LEAF_TYPES
from tests.support.contract_deployment import (
    CUTOFF,
    DAY,
    JANUARY,
    NODES,
    leaf,
    parent,
    publish,
    report_over,
    sign,
    statement,
    typed_digest,
)


def energy_wh(deployment, asset_id):
    """What is settled of an asset in 2026 [Wh]."""
    return deployment.read("MarkLedger", "markOf", to_bytes32(asset_id), 2026)[0][0]


def test_three_of_four_nodes_publish_and_anybody_settles(deployment):
    statements = [statement("shatin-1", 600_502), statement("lamma-1", 10_000)]
    proofs = publish(deployment, statements)
    receipt = deployment.send("SettlementEngine", "settle", 1, statements, proofs)
    settled = deployment.contract("MarkLedger").events.Settled().process_receipt(receipt, DISCARD)
    words = {event["args"]["assetVintage"]: event["args"]["mark"] % 2**48 for event in settled}
    assert words == {revenue_id("shatin-1", 2026): 600_502, revenue_id("lamma-1", 2026): 10_000}
    read = deployment.read
    assert energy_wh(deployment, "shatin-1") == 600_502
    assert read("MarkLedger", "entitlingRevenue", to_bytes32("shatin-1")) == [600_502 * 3000, JANUARY]
    assert read("CarbonCredit", "totalSupply", credit_id("rooftops", 2026)) == 360_301 + 6_000
    vault = deployment.book.addresses["CarbonCredit"]
    assert read("CarbonCredit", "balanceOf", vault, credit_id("rooftops", 2026)) == 366_301
    # Settled again, nothing more: no unit.
    again = deployment.send("SettlementEngine", "settle", 1, statements, proofs)
    assert deployment.contract("MarkLedger").events.Settled().process_receipt(again, DISCARD) == ()
    assert read("CarbonCredit", "totalSupply", credit_id("rooftops", 2026)) == 366_301
    # The next report is cumulative: its difference is minted.
    more = [statement("shatin-1", 600_602), statement("lamma-1", 10_000)]
    deployment.send("SettlementEngine", "settle", 2, more, publish(deployment, more))
    assert energy_wh(deployment, "shatin-1") == 600_602


def test_one_multiproof_settles_many(deployment):
    statements = [statement("shatin-1", 600_502), statement("lamma-1", 10_000)]
    publish(deployment, statements)
    ordered = sorted(statements, key=lambda fields: leaf(LEAF_TYPES, fields))
    deployment.send("SettlementEngine", "settleMulti", 1, ordered, [], [True])
    assert (energy_wh(deployment, "shatin-1"), energy_wh(deployment, "lamma-1")) == (600_502, 10_000)


def test_the_contracts_digest_is_eth_accounts(deployment):
    report = replace(report_over(deployment, keccak(b"root")), totals=(2**128 - 1, 0, 7), registry_block=2**64 - 1)
    oracle = deployment.book.addresses["ProductionOracle"]
    digest = typed_digest(report, deployment.book.chain_id, oracle)
    assert deployment.read("ProductionOracle", "reportDigest", astuple(report)) == digest


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        (NODES[:2], r"WrongSignatureLength\(expected=195, given=130\)"),
        ([NODES[0], NODES[1], NODES[1]], r"UnknownSigner\(index=2"),
        ([NODES[1], NODES[0], NODES[2]], r"UnknownSigner\(index=1"),
        ([*NODES[:2], Account.from_key(b"\x09" * 32)], r"UnknownSigner\(index=2"),
    ],
)
def test_what_is_no_quorum_does_not_publish(deployment, nodes, reason):
    report = report_over(deployment, keccak(b"root"))
    with pytest.raises(ChainRefusalError, match=f"^publish: {reason}"):
        deployment.send("ProductionOracle", "publish", astuple(report), sign(deployment, report, nodes))
    assert deployment.read("ProductionOracle", "lastEpoch") == 0


def test_a_high_s_signature_does_not_publish(deployment):
    report = report_over(deployment, keccak(b"root"))
    signatures = sign(deployment, report)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high_s = (order - int.from_bytes(signatures[32:64], "big")).to_bytes(32, "big")
    forged = signatures[:32] + high_s + bytes([55 - signatures[64]]) + signatures[65:]
    with pytest.raises(ChainRefusalError, match=r"InvalidSignature\(index=0\)"):
        deployment.send("ProductionOracle", "publish", astuple(report), forged)


def test_another_chains_report_does_not_publish(deployment):
    report = report_over(deployment, keccak(b"root"))
    foreign = sign(deployment, report, chain_id=31338)
    with pytest.raises(ChainRefusalError, match=r"UnknownSigner|InvalidSignature"):
        deployment.send("ProductionOracle", "publish", astuple(report), foreign)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"epoch": 1}, r"EpochNotBeyond\(last=1, given=1\)"),
        ({"prev": bytes(32)}, "WrongPrev"),
        ({"config_digest": bytes(32)}, "WrongConfig"),
        ({"cutoff": CUTOFF - 1}, "CutoffFell"),
        ({"cutoff": 2**40}, "CutoffInFuture"),
        ({"root": bytes(32)}, "RootMissing"),
    ],
)
def test_a_report_that_does_not_follow_is_refused(deployment, changes, reason):
    publish(deployment, [statement("shatin-1", 1), statement("lamma-1", 1)])
    report = replace(report_over(deployment, keccak(b"root")), **changes)
    with pytest.raises(ChainRefusalError, match=reason):
        deployment.send("ProductionOracle", "publish", astuple(report), sign(deployment, report))


def test_an_epoch_is_skipped_and_stays_empty(deployment):
    publish(deployment, [statement("shatin-1", 1), statement("lamma-1", 1)])
    statements = [statement("shatin-1", 1000), statement("lamma-1", 1000)]
    one, other = (leaf(LEAF_TYPES, fields) for fields in statements)
    report = replace(report_over(deployment, parent(one, other)), epoch=4)
    late = replace(report, epoch=3)
    deployment.send("ProductionOracle", "publish", astuple(report), sign(deployment, report))
    assert deployment.read("ProductionOracle", "lastEpoch") == 4
    assert deployment.read("ProductionOracle", "statusOf", 3) == RootStatus.UNKNOWN
    assert deployment.read("ProductionOracle", "activeRoot", 3) == bytes(32)
    with pytest.raises(ChainRefusalError, match=r"EpochNotBeyond\(last=4, given=3\)"):
        deployment.send("ProductionOracle", "publish", astuple(late), sign(deployment, late))
    with pytest.raises(ChainRefusalError, match=r"RootNotActive\(epoch=3\)"):
        deployment.send("SettlementEngine", "settle", 3, statements, [[other], [one]])
    deployment.send("SettlementEngine", "settle", 4, statements, [[other], [one]])
    assert energy_wh(deployment, "shatin-1") == 1000
    # The next report follows on the last one published.
    publish(deployment, statements)
    assert deployment.read("ProductionOracle", "lastEpoch") == 5


def test_of_two_reports_on_one_digest_one_lands(deployment):
    first, second = report_over(deployment, keccak(b"ours")), report_over(deployment, keccak(b"theirs"))
    second = replace(second, epoch=first.epoch + 1)
    deployment.send("ProductionOracle", "publish", astuple(first), sign(deployment, first))
    with pytest.raises(ChainRefusalError, match="WrongPrev"):
        deployment.send("ProductionOracle", "publish", astuple(second), sign(deployment, second))


def test_settling_needs_a_root_and_a_proof(deployment):
    statements = [statement("shatin-1", 1000), statement("lamma-1", 1000)]
    proofs = publish(deployment, statements)
    with pytest.raises(ChainRefusalError, match=r"RootNotActive\(epoch=7\)"):
        deployment.send("SettlementEngine", "settle", 7, statements, proofs)
    forged = [statements[0], statement("lamma-1", 1001)]
    with pytest.raises(ChainRefusalError, match=r"BadProof\(index=1\)"):
        deployment.send("SettlementEngine", "settle", 1, forged, proofs)


def test_a_statement_over_its_ceiling_is_held_back_and_the_batch_goes_on(deployment):
    statements = [statement("shatin-1", 31 * 48_000 + 1001), statement("lamma-1", 1000)]
    receipt = deployment.send("SettlementEngine", "settle", 1, statements, publish(deployment, statements))
    skipped = deployment.contract("MarkLedger").events.Skipped().process_receipt(receipt, DISCARD)
    assert [event["args"]["assetVintage"] for event in skipped] == [revenue_id("shatin-1", 2026)]
    assert energy_wh(deployment, "shatin-1") == 0
    assert energy_wh(deployment, "lamma-1") == 1000


def test_revenue_is_paid_from_a_deposit_and_credits_are_retired(deployment):
    owner, payee = deployment.admin, deployment.web3.eth.accounts[5]
    far = 2**40
    send_entries(
        deployment.web3,
        owner,
        deployment.book,
        [
            *identity_entries(Identity(one, 344, InvestorClass.RETAIL, far) for one in (owner, payee)),
            *share_entries([ShareIssue("shatin-1", "shatin-1", "SUN", 1_000_000, owner)]),
        ],
    )
    for statements in (
        [statement("shatin-1", 1000), statement("lamma-1", 1000)],
        [statement("shatin-1", 1000, CUTOFF + DAY), statement("lamma-1", 1000, CUTOFF + DAY)],
    ):
        epoch = deployment.read("ProductionOracle", "lastEpoch") + 1
        deployment.send("SettlementEngine", "settle", epoch, statements, publish(deployment, statements))
    asset_id, receivable = to_bytes32("shatin-1"), revenue_id("shatin-1", JANUARY)
    deployment.send("RevenueShare", "collect", asset_id, [JANUARY], owner)
    assert deployment.read("RevenueShare", "balanceOf", owner, receivable) == 3_000_000
    deployment.send("HKDStablecoin", "mint", owner, 3_000_000)
    deployment.send("HKDStablecoin", "approve", deployment.book.addresses["RevenueShare"], 3_000_000)
    deployment.send("RevenueShare", "deposit", asset_id, JANUARY, 3_000_000)
    assert deployment.read("RevenueShare", "owed", owner, receivable) == 3_000_000
    deployment.send("RevenueShare", "claim", [receivable], payee)
    assert deployment.read("HKDStablecoin", "balanceOf", payee) == 3_000_000
    credit = credit_id("rooftops", 2026)
    deployment.send("CarbonCredit", "draw", asset_id, 2026, 600, owner)
    deployment.send("CarbonCredit", "retire", credit, 500, (payee, bytes(32), "", "2026 footprint"))
    assert deployment.read("CarbonCredit", "totalSupply", credit) == 700
    deployment.send("RetirementCertificate", "certify", 1)
    assert deployment.read("RetirementCertificate", "ownerOf", 1) == payee
