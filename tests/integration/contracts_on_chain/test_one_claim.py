"""The same watt-hour never backs a credit and an energy certificate, whatever the quorum signs."""

from dataclasses import replace

import pytest

from contracts.state import ClaimRight, credit_id, to_bytes32
from contracts.transaction import ChainRefusalError
from tests.support.contract_deployment import asset, project_of, publish, statement

HOURLY, PIER = "hourly", "pier-1"


@pytest.fixture(name="certified")
def certified_fixture(deployment):
    """An asset whose energy backs certificates, beside those whose energy backs credits."""
    project = replace(project_of(deployment.book), project_id=HOURLY, claim_right=ClaimRight.CERTIFICATE)
    deployment.send("AssetRegistry", "setProject", to_bytes32(HOURLY), project.to_abi())
    listed = replace(asset(PIER, deployment.admin), project_id=HOURLY)
    deployment.send("AssetRegistry", "setAsset", to_bytes32(PIER), listed.to_abi())
    return deployment


def test_signed_credits_over_certified_energy_mint_nothing(certified):
    statements = [statement("shatin-1", 10_000), statement(PIER, 10_000)]
    proofs = publish(certified, statements)
    certified.send("SettlementEngine", "settle", 1, statements, proofs)
    marks = {name: certified.read("MarkLedger", "markOf", to_bytes32(name), 2026)[0] for name in ("shatin-1", PIER)}
    assert [marks["shatin-1"][1], marks[PIER][1]] == [6_000, 0]  # grams, of as many signed
    assert [marks["shatin-1"][0], marks[PIER][0]] == [10_000, 10_000]  # the energy itself is settled
    assert certified.read("CarbonCredit", "totalSupply", credit_id(HOURLY, 2026)) == 0
    assert certified.read("CarbonCredit", "totalSupply", credit_id("rooftops", 2026)) == 6_000


def test_the_claim_of_a_project_is_not_exchanged_for_the_other(certified):
    project = replace(project_of(certified.book), project_id=HOURLY)
    with pytest.raises(ChainRefusalError, match="ProjectFixed"):
        certified.send("AssetRegistry", "setProject", to_bytes32(HOURLY), project.to_abi())
    moved = asset(PIER, certified.admin)
    with pytest.raises(ChainRefusalError, match="AssetFixed"):
        certified.send("AssetRegistry", "setAsset", to_bytes32(PIER), moved.to_abi())
    nameless = replace(project, project_id="new", claim_right=ClaimRight.CERTIFICATE, document_hash=bytes(32))
    with pytest.raises(ChainRefusalError, match="DocumentMissing"):
        certified.send("AssetRegistry", "setProject", to_bytes32("new"), nameless.to_abi())
