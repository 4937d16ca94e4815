"""Proofs that a server makes for those who ask: out of a journal that it only reads, as far as owners released their evidence."""

import json
import shutil
from dataclasses import replace

import pytest
from web3 import HTTPProvider, Web3

from api.proofs.source import RETIREMENT_FORMAT, NotProvenError, ProofSource
from api.proofs.verify import Ground, verify_file
from oracle.attestation.credit_verification import examine_credits
from oracle.attestation.credits import decode_credits
from oracle.attestation.period import decode_period
from oracle.attestation.proof import decode_anchor, decode_proof, proof_from_document
from oracle.attestation.verification import verify_proof
from oracle.errors import ChainError, ConfigError, JournalError
from oracle.reporting.merkle import root_from_proof
from tests.support.credit_site import NETWORK, credit_site


@pytest.fixture(scope="module")
def site(tmp_path_factory, require):
    require("anvil", shutil.which("anvil"), "npm ci in contracts/, and its anvil on the PATH")
    with credit_site(tmp_path_factory.mktemp("credits")) as site:
        yield site


@pytest.fixture(scope="module")
def source(site):
    world = site.world
    return ProofSource(
        world.folder / "node-1" / "journal.sqlite", NETWORK, (world.rules,), world.book, world.chain.connect, "latest"
    )


@pytest.fixture(scope="module")
def asset_id(site):
    return next(p.asset_id for p in site.world.plants if site.world.rules.terms_of(p.asset_id).factor is not None)


def away():
    """A client of a chain node that does not answer."""
    return Web3(HTTPProvider("http://127.0.0.1:1", exception_retry_configuration=None))


def test_released_evidence_leads_from_the_retirement_down_to_the_devices(site, source, asset_id):
    raw = source.retirement(2, [asset_id], lambda _: True)
    proven = decode_credits(raw)
    examine_credits(proven)
    assert proven.body.credits.retirement.grams == site.parts[1]
    assert verify_file(raw, None, site.url, lambda _: None).ground is Ground.OWN_WORD


def test_evidence_that_is_not_released_is_not_in_the_file_and_what_nodes_signed_is(source, asset_id):
    full = decode_proof(source.statements(asset_id))
    raw = source.retirement(2, [asset_id], lambda _: False)
    told = json.loads(raw)
    assert (told["format"], told["withheld"], told["chain"], told["proofs"]) == (
        RETIREMENT_FORMAT,
        [asset_id],
        None,
        [],
    )
    (attested,) = told["attestations"]
    assert "evidence" not in attested
    for link in full.body.evidence:
        for envelope in link.envelopes:
            assert envelope.encode() not in raw
    anchored = json.loads(source.anchor())
    assert attested["signer_set"] == anchored["signer_set"]
    for proven, stated in zip(attested["statements"], full.body.statements, strict=True):
        path = [bytes.fromhex(step[2:]) for step in proven["path"]]
        assert root_from_proof(stated.statement.leaf, path) == full.body.report.root


def test_where_the_chain_shows_no_storage_the_released_proofs_are_given(source, asset_id):
    source = replace(source)
    source.statements(asset_id)  # the signer set is known from now on
    without = replace(source, connect=away)
    told = json.loads(without.retirement(2, [asset_id], lambda _: True))
    assert (told["withheld"], told["attestations"]) == ([], [])
    assert "127.0.0.1" in told["chain"]
    (document,) = told["proofs"]
    verify_proof(proof_from_document(document), decode_anchor(source.anchor()))


def test_an_interval_is_proven_where_one_begins(site, source, asset_id):
    proof = decode_proof(source.statements(asset_id))
    interval_ms = site.world.rules.ledger_interval_ms
    start_ms = (proof.body.report.cutoff_s * 1000 // interval_ms - 12) * interval_ms
    period = decode_period(source.interval(asset_id, start_ms))
    assert (period.period.from_ms, period.period.until_ms) == (start_ms, start_ms + interval_ms)
    with pytest.raises(NotProvenError, match="no ledger interval begins there"):
        source.interval(asset_id, start_ms + 1)
    with pytest.raises(NotProvenError, match="no report reaches"):
        source.interval(asset_id, 253_402_300_799_999 // interval_ms * interval_ms)


def test_what_no_report_covers_is_not_proven(source):
    with pytest.raises(NotProvenError, match="no report covers nothing"):
        source.statements("nothing")


def test_the_last_anchor_is_told_while_the_chain_is_away(source):
    told = source.anchor()
    assert replace(source, connect=away).anchor() == told
    with pytest.raises(ChainError):
        replace(source, connect=away, _anchors={}).anchor()


def test_a_journal_that_is_not_there_and_rules_that_are_not_known(source, asset_id, tmp_path):
    with pytest.raises(JournalError, match="there is no such journal"):
        replace(source, journal=tmp_path / "none.sqlite").statements(asset_id)
    assert not (tmp_path / "none.sqlite").exists()
    with pytest.raises(JournalError, match="of network demo"):
        replace(source, network="other").statements(asset_id)
    other = replace(source.rules[0], confirmations=source.rules[0].confirmations + 1)
    with pytest.raises(ConfigError, match="made under other rules"):
        replace(source, rules=(other,), _recent=type(source._recent)(1)).statements(asset_id)
