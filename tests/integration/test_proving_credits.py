"""From a certificate on a real chain down to the device signatures: written by `prove`, checked by `verify`."""

import random
import shutil
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from api.cli import heliograph
from api.demo.chains import start_chain
from api.proofs.blocks import prove_block
from api.proofs.chain import require_blocks
from api.proofs.verify import Ground, verify_file
from contracts.address_book import connect
from contracts.state import to_bytes32
from contracts.transaction import send
from devices.device_key import SigningKey
from oracle.attestation.block import check_block
from oracle.attestation.credit_storage import issuance_in, issuance_slot, retirement_in, retirement_slots
from oracle.attestation.credit_verification import examine_credits
from oracle.attestation.credits import decode_credits, encode_credits
from oracle.attestation.proof import Contracts
from oracle.attestation.signature import recover_signer, sign_digest
from oracle.attestation.signer_set import SignerSet
from oracle.errors import ChainError, ConfigError, JournalError, ProofError
from oracle.keyring.memory import MemoryKeyring
from tests.support.contract_deployment import revert, snapshot
from tests.support.credit_site import DAYS, LONG_PURPOSE, NOBODY, credit_site, node_file

DEVICE_KEY = SigningKey.from_seed("eddsa", bytes(31) + b"\1")


@pytest.fixture(scope="module")
def site(tmp_path_factory, require):
    """Plants with credits on anvil: two days settled, some of the credits drawn and retired."""
    require("anvil", shutil.which("anvil"), "npm ci in contracts/, and its anvil on the PATH")
    with credit_site(tmp_path_factory.mktemp("credits")) as site:
        yield site


@pytest.fixture(scope="module")
def retired(site):
    """The file of the second retirement, and an anchor that names all that it needs."""
    raw = encode_credits(site.exporter.retirement(2))
    blocks = [block.block_hash for block in decode_credits(raw).body.blocks]
    return SimpleNamespace(raw=raw, proven=decode_credits(raw), anchor=site.exporter.anchor(blocks))


def verified(raw, trust=None, rpc=None):
    steps = []
    found = verify_file(raw, trust, rpc, steps.append)
    return found, [step.name for step in steps]


def refusal_of(proven, **changes):
    """The step at which a file with other members is refused."""
    changed = replace(proven, body=replace(proven.body, **changes))
    with pytest.raises(ProofError) as caught:
        examine_credits(decode_credits(encode_credits(changed)))
    return caught.value.step


def test_a_certificate_leads_down_to_the_device_signatures(site):
    first = 1
    for number, grams in enumerate(site.parts, 1):
        raw = encode_credits(site.exporter.retirement(number))
        proven = decode_credits(raw)
        stated = proven.body.credits
        assert (stated.first_serial, stated.last_serial) == (first, first + grams - 1)
        kept = site.credit.functions.retirement(number).call()
        names = (
            "credit_id",
            "grams",
            "first_serial",
            "retired_s",
            "holder",
            "beneficiary",
            "name_hash",
            "name",
            "purpose",
        )
        for name, on_chain in zip(names, kept if isinstance(kept, tuple) else kept.values(), strict=True):
            assert getattr(stated.retirement, name) == on_chain, name
        assert site.certificates.functions.ownerOf(number).call() == stated.retirement.beneficiary
        found, steps = verified(raw, site.exporter.anchor(block.block_hash for block in proven.body.blocks))
        assert found.ground is Ground.ANCHORED
        assert (
            steps[-7:] == ["proofs", "blocks", "issuance", "range", "statements", "retirement", "anchor", "chain"][-7:]
        )
        assert f"retirement {number}, " in found.findings[-1]
        first += grams


def test_any_range_of_serials_leads_to_the_assets_that_were_minted_for(site):
    """What each asset was minted is what its statement says; and where two portions meet, one serial leads to each."""
    last = site.world.nodes[0].journal.last_report()
    minted = {
        s.asset_id: s.credits_g.issued
        for s in last.statements
        if s.vintage == site.vintage and last.registry.assets[s.asset_id].project_id == site.project
    }
    whole = site.exporter.credits(site.project, site.vintage, 1, sum(minted.values()))
    examine_credits(whole)
    portions = whole.body.credits.portions
    by_asset = dict.fromkeys(minted, 0)
    for portion in portions:
        by_asset[portion.asset_id] += portion.last_serial - portion.first_serial + 1
    assert by_asset == minted
    assert len({portion.epoch for portion in portions}) == DAYS
    assert len(portions) > DAYS
    for portion, following in pairwise(portions):
        assert following.first_serial == portion.last_serial + 1
        both = site.exporter.credits(site.project, site.vintage, portion.last_serial, following.first_serial)
        assert [(one.asset_id, one.epoch) for one in both.body.credits.portions] == [
            (portion.asset_id, portion.epoch),
            (following.asset_id, following.epoch),
        ]
        examine_credits(decode_credits(encode_credits(both)))
    with pytest.raises(ConfigError, match="were not minted"):
        site.exporter.credits(site.project, site.vintage, sum(minted.values()) + 1, sum(minted.values()) + 2)
    with pytest.raises(ConfigError, match="does not hold"):
        site.exporter.credits(site.project, site.vintage, 1, sum(minted.values()) + 1)


def test_what_it_rests_on_is_said(site, retired):
    """The chain's part needs a trusted block or a chain node; without either it is the exporter's word."""
    raw, anchor = retired.raw, retired.anchor
    book = site.world.book
    for trust, rpc, ground in (
        (anchor, None, Ground.ANCHORED),
        (anchor, site.url, Ground.ANCHORED),
        (book, site.url, Ground.ANCHORED),
        (replace(anchor, blocks=()), site.url, Ground.ANCHORED),
        (None, site.url, Ground.OWN_WORD),
        (replace(anchor, contracts=None), None, Ground.OWN_WORD),
        (replace(anchor, blocks=anchor.blocks[1:]), None, Ground.UNANCHORED),
        (replace(anchor, blocks=()), None, Ground.UNANCHORED),
        (None, None, Ground.UNANCHORED),
    ):
        found, _ = verified(raw, trust, rpc)
        assert found.ground is ground, (trust, rpc)
        assert ("the exporter's word" in found.conclusion) == (ground is Ground.UNANCHORED)


def test_other_signers_contracts_or_chains_are_refused(site, retired):
    raw, anchor = retired.raw, retired.anchor
    swapped = Contracts(anchor.contracts.ledger, anchor.contracts.credit)
    elsewhere = replace(site.world.book, addresses={**site.world.book.addresses, "CarbonCredit": NOBODY})
    for trust, rpc, step in (
        (replace(anchor, contracts=swapped), None, "anchor"),
        (replace(anchor, domain=replace(anchor.domain, chain_id=1)), None, "anchor"),
        (replace(anchor, signer_set=replace(anchor.signer_set, threshold=4)), None, "anchor"),
        (elsewhere, site.url, "anchor"),
    ):
        with pytest.raises(ProofError) as caught:
            verify_file(raw, trust, rpc, lambda _: None)
        assert caught.value.step == step
    with start_chain("anvil") as another:  # the same chain id, another history
        with pytest.raises(ChainError, match="does not answer for contract"):
            verify_file(raw, None, another.name.removeprefix("anvil at "), lambda _: None)
        with pytest.raises(ProofError, match="is not of the chain"):
            require_blocks(another.connect(), retired.proven.body.blocks)


def test_evidence_of_other_signers_is_refused_though_the_mints_are_real(site, retired):
    """Somebody makes up evidence for credits that were minted, and signs it: the blocks are the chain's, the reports are not."""
    proven = retired.proven
    secrets = [bytes([21, n]) * 16 for n in range(4)]
    strangers = SignerSet.of([MemoryKeyring(one, DEVICE_KEY).address for one in secrets], 3, 1)
    made_up = []
    for proof in proven.proofs:
        report = replace(proof.body.report, config_digest=strangers.config_digest(proof.body.domain))
        digest = report.digest(proof.body.domain)
        signatures = sorted(
            (sign_digest(one, digest) for one in secrets[:3]), key=lambda each: recover_signer(digest, each).lower()
        )
        body = replace(proof.body, report=report, signer_set=strangers, signatures=tuple(signatures))
        made_up.append(replace(proof, body=body))
    raw = encode_credits(replace(proven, proofs=tuple(made_up)))
    assert verified(raw)[0].ground is Ground.UNANCHORED
    for trust, rpc, step in (
        (retired.anchor, None, "anchor"),
        (site.world.book, site.url, "chain"),
        (None, site.url, "chain"),
    ):
        with pytest.raises(ProofError) as caught:
            verify_file(raw, trust, rpc, lambda _: None)
        assert caught.value.step == step


def test_what_is_stated_otherwise_is_refused(retired):
    proven = retired.proven
    body, stated = proven.body, proven.body.credits
    (first, *rest) = stated.portions
    one = stated.retirement
    for changes, step in (
        ({"retirement": replace(one, beneficiary=one.holder)}, "retirement"),
        ({"retirement": replace(one, name="Somebody")}, "retirement"),
        ({"retirement": replace(one, purpose=one.purpose + "!")}, "retirement"),
        ({"retirement": replace(one, retired_s=one.retired_s + 1)}, "retirement"),
        ({"retirement": replace(one, number=1)}, "retirement"),
        ({"retirement": replace(one, number=0)}, "retirement"),
        ({"retirement": replace(one, number=2**256)}, "retirement"),
        ({"portions": ()}, "proofs"),
        ({"portions": tuple(rest)}, "proofs" if len({p.asset_id for p in rest}) < len(proven.proofs) else "range"),
        ({"portions": (replace(first, epoch=first.epoch + 1), *rest)}, "range"),
        ({"portions": (replace(first, block=first.block + 1), *rest)}, "range"),
        ({"portions": (replace(first, asset_id="another"), *rest)}, "proofs"),
        ({"last_serial": stated.last_serial - 1}, "range"),
        ({"first_serial": 0}, "range"),
        ({"last_serial": 2**80}, "range"),
        ({"vintage": stated.vintage + 1}, "issuance"),
        ({"vintage": 2**16}, "issuance"),
        ({"project_id": "hongkong"}, "proofs"),
        ({"project_id": "not a name"}, "proofs"),
    ):
        assert refusal_of(proven, credits=replace(stated, **changes)) == step, changes
    assert refusal_of(proven, contracts=replace(body.contracts, ledger=body.contracts.credit)) == "range"
    assert refusal_of(proven, contracts=replace(body.contracts, credit=body.contracts.ledger)) == "issuance"
    assert refusal_of(proven, contracts=replace(body.contracts, credit=body.contracts.credit.lower())) == "document"


def test_issues_and_blocks_left_out_repeated_or_moved_are_refused(retired):
    proven = retired.proven
    blocks = proven.body.blocks
    assert len(blocks) == DAYS + 1
    bare = replace(blocks[0], receipts=())
    without_storage = replace(blocks[-1], storage=())
    for changed, step in (
        ((), "blocks"),
        (blocks[1:], "issuance"),  # which would move every serial number
        (blocks[:1] + blocks[2:], "issuance"),
        (blocks[::-1], "issuance"),
        ((blocks[0], *blocks), "issuance"),
        (blocks[:-1], "issuance"),
        ((bare, *blocks[1:]), "issuance"),
        ((*blocks[:-1], without_storage), "issuance"),
        ((replace(blocks[0], block_hash=blocks[1].block_hash), *blocks[1:]), "blocks"),
        ((replace(blocks[0], header=blocks[1].header), *blocks[1:]), "blocks"),
        ((replace(blocks[0], receipts=blocks[1].receipts), *blocks[1:]), "blocks"),
    ):
        assert refusal_of(proven, blocks=tuple(changed)) == step
    for place, storage in enumerate(blocks[-1].storage[0].slots):
        fewer = tuple(slot for at, slot in enumerate(blocks[-1].storage[0].slots) if at != place)
        shown = replace(blocks[-1], storage=(replace(blocks[-1].storage[0], slots=fewer),))
        assert refusal_of(proven, blocks=(*blocks[:-1], shown)) in {"issuance", "retirement"}, storage


def test_proofs_and_members_left_out_or_too_many_are_refused(site, retired):
    proven = retired.proven
    proofs, members = proven.proofs, proven.body.members
    assert members, "an issue of several assets, not all of which the range leads to"
    assert refusal_of(proven, members=members[1:]) == "range"
    assert refusal_of(proven, members=members * 2) == "range"
    moved = replace(members[0], asset=replace(members[0].asset, asset_id="another"))
    assert refusal_of(proven, members=(moved, *members[1:])) == "range"
    assert refusal_of(proven, members=(replace(members[0], path=()), *members[1:])) == "range"
    for changed in ((), proofs * 2, proofs[1:]):
        with pytest.raises(ProofError) as caught:
            examine_credits(replace(proven, proofs=tuple(changed)))
        assert caught.value.step == "proofs"
    asset_id = proofs[0].body.registry.asset.asset_id
    newer = site.exporter.statements(asset_id)
    if newer.body.report.epoch != proofs[0].body.report.epoch:
        with pytest.raises(ProofError) as caught:
            examine_credits(replace(proven, proofs=(newer, *proofs[1:])))
        assert caught.value.step in {"range", "statements"}


def test_any_changed_byte_is_refused(retired):
    """Of all that is not in the proofs of assets, which have their own test."""
    raw = retired.raw
    start, end = raw.index(b'"proofs":'), raw.rindex(b"]}")
    places = [place for place in range(len(raw)) if not start <= place < end]
    chance = random.Random(11)
    stated = range(raw.index(b'"contracts":'), raw.index(b'"members":'))
    for place in {*chance.sample(places, 300), *chance.sample(stated, 300)}:
        changed = bytearray(raw)
        changed[place] ^= chance.choice((0x01, 0x20, 0x80))
        with pytest.raises(ProofError):
            examine_credits(decode_credits(bytes(changed)))


def test_storage_is_read_where_the_contract_keeps_it(site):
    """The layout that the verifier knows, held against what the contract answers."""
    number = site.exporter.web3.eth.block_number
    slots = [issuance_slot(site.token)]
    for retirement in range(1, 4):
        kept = site.credit.functions.retirement(retirement).call()
        *_, name, purpose = kept if isinstance(kept, tuple) else kept.values()
        slots += retirement_slots(retirement, len(name.encode()), len(purpose.encode()))
    block = check_block(prove_block(site.exporter.web3, number, (), {site.credit.address: slots}))
    storage = block.storage[site.credit.address]
    issuance = site.credit.functions.issuanceOf(to_bytes32(site.project), site.vintage).call()
    issued, reversed_, offset, *_ = issuance if isinstance(issuance, tuple) else issuance.values()
    assert issuance_in(storage, site.token).__dict__ == {
        "issued_g": issued, "reversed_g": reversed_, "offset_g": offset,
    }  # fmt: skip
    assert [retirement_in(storage, n).grams for n in (1, 2, 3)] == site.parts
    assert [len(retirement_in(storage, n).purpose) for n in (1, 2, 3)] == [8, len(LONG_PURPOSE), 32]


def test_what_the_journal_or_the_chain_does_not_know_is_said(site):
    with pytest.raises(ConfigError, match="no retirement 4"):
        site.exporter.retirement(4)
    with pytest.raises(JournalError, match="epoch 99"):
        site.exporter.statements(site.world.plants[0].asset_id, 99)
    other_rules = replace(site.exporter, rules=(replace(site.world.rules, confirmations=1),))
    with pytest.raises(ConfigError, match="was made under other rules"):
        other_rules.retirement(1)
    both = replace(other_rules, rules=(*other_rules.rules, site.world.rules))
    assert encode_credits(both.retirement(1)) == encode_credits(site.exporter.retirement(1))
    with pytest.raises(ChainError, match="does not answer eth_getBlockByNumber"):
        prove_block(site.exporter.web3, 10**9)


def test_what_signers_before_a_rotation_signed_is_proven_with_them(site):
    """The chain remembers each signer set: a proof names the one that its report was signed by."""
    web3, book = site.exporter.web3, site.world.book
    before = snapshot(web3)
    oracle = connect(web3, book, "ProductionOracle")
    old = site.exporter.statements(site.world.plants[0].asset_id).body.signer_set
    send(
        web3,
        web3.eth.accounts[0],
        oracle.functions.setSigners(sorted(web3.eth.accounts[:3], key=str.lower), 2),
        "rotate",
    )
    assert oracle.functions.configCount().call() == old.config_count + 1
    assert site.exporter.statements(site.world.plants[0].asset_id).body.signer_set == old
    revert(web3, before)


def test_the_command_writes_what_the_command_verifies(site, tmp_path):
    config = node_file(site, tmp_path)
    anchor, out = tmp_path / "anchor.json", tmp_path / "retired.json"
    made = run("prove", "retirement", 2, "--config", config, "--out", out)
    assert made.exit_code == 0, made.stderr
    assert run("prove", "anchor", "--config", config, "--blocks-of", out, "--out", anchor).exit_code == 0
    checked = run("verify", out, "--trust", anchor)
    assert checked.exit_code == 0, checked.stdout
    assert checked.stdout.splitlines()[-1] == "VERIFIED"
    assert "ok      retirement" in checked.stdout
    assert run("verify", out).exit_code == 3
    assert run("verify", out, "--rpc", site.url).exit_code == 0
    serials = run("prove", "credits", site.project, site.vintage, 1, 10, "--config", config, "--out", out)
    assert serials.exit_code == 0, serials.stderr
    assert "serials 1 to 10" in run("verify", out).stdout
    asset_id = site.world.plants[0].asset_id
    assert run("prove", "statement", asset_id, "--config", config, "--out", out).exit_code == 0
    assert run("verify", out, "--trust", anchor, "--rpc", site.url).exit_code == 0
    earlier = tmp_path / "earlier.json"
    assert run("prove", "statement", asset_id, "--epoch", 1, "--config", config, "--out", earlier).exit_code == 0
    differs = run("compare", earlier, out, "--trust", anchor)
    assert (differs.exit_code, "the second builds on the first" in differs.stdout) == (1, True)


def run(*arguments):
    return CliRunner().invoke(heliograph, [str(argument) for argument in arguments])
