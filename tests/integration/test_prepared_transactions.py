"""What the API prepares is signed by a key of the test, sent, and has exactly the effect that was said; and what is refused."""

import shutil

import pytest
from web3 import HTTPProvider, Web3

from api.demo.chains import start_chain
from api.http.problems import ProblemError
from api.transactions.orders import AllowOrder, ClaimOrder, DepositOrder, DrawOrder, RetireOrder
from api.transactions.transactions import Transactions
from contracts.address_book import bind
from contracts.state import credit_id, revenue_id, to_bytes32
from oracle.errors import ChainError
from tests.support.contract_deployment import JANUARY, revert, snapshot
from tests.support.prepared_site import (
    FEBRUARY,
    HKD,
    OTHER,
    OWNER,
    PAYER,
    STRANGER,
    build,
    send,
    send_all,
    with_fresh_eyes,
)

TOKEN = credit_id("rooftops", 2026)
EARNED = 600_502 * 3000
"""Revenue of January [minor unit]."""
GRAMS = 600_602 * 600 // 1000


@pytest.fixture(scope="module", name="settled_contracts", params=["eth-tester", "anvil"])
def settled_contracts_fixture(request, require):
    if request.param == "anvil":
        how = "npm ci in contracts/, then contracts/node_modules/@foundry-rs/anvil-*/bin on the PATH"
        require("anvil", shutil.which("anvil"), how)
    with start_chain(request.param) as chain:
        yield build(chain.connect())


@pytest.fixture
def site(settled_contracts):
    before = snapshot(settled_contracts.web3)
    yield with_fresh_eyes(settled_contracts)
    revert(settled_contracts.web3, before)


def refused(reason):
    return pytest.raises(ProblemError, match=r".+", check=lambda error: error.members.get("reason") == reason)


def deposited(site, minor, month=JANUARY):
    prepared = site.transactions.deposit(DepositOrder(asset_id="shatin-1", month=month, minor=minor), PAYER.address)
    return send_all(site.web3, PAYER, prepared)


def test_holdings_show_what_waits_in_the_vault_and_drawing_moves_it(site):
    holdings = site.transactions.holdings(OWNER.address)
    (item,) = holdings.items
    assert (item.project_id, item.vintage, item.held_g, item.vault_g) == ("rooftops", 2026, 0, GRAMS)
    assert item.credit_id == str(TOKEN)
    prepared = site.transactions.draw(DrawOrder(asset_id="shatin-1", vintage=2026, grams=1_000), OWNER.address)
    (step,) = prepared.steps
    assert (step.function, step.says.key, step.from_) == ("CarbonCredit.draw", "draw", OWNER.address)
    assert step.says.values == {"grams": 1_000, "asset_id": "shatin-1", "vintage": 2026, "to": OWNER.address}
    (receipt,) = send_all(site.web3, OWNER, prepared)
    assert receipt["gasUsed"] <= step.gas_estimate
    (item,) = site.transactions.holdings(OWNER.address).items
    assert (item.held_g, item.vault_g) == (1_000, GRAMS - 1_000)
    send_all(site.web3, OWNER, site.transactions.draw(DrawOrder(asset_id="shatin-1", vintage=2026), OWNER.address))
    (item,) = site.transactions.holdings(OWNER.address).items
    assert (item.held_g, item.vault_g) == (GRAMS, 0)
    with refused("MoreThanInVault"):
        site.transactions.draw(DrawOrder(asset_id="shatin-1", vintage=2026), OWNER.address)
    assert site.transactions.holdings(STRANGER.address).items == []


def test_a_retirement_draws_what_is_missing_and_is_certified_afterwards(site):
    order = RetireOrder(
        project_id="rooftops", vintage=2026, grams=2_500, name="A Village School 學校", purpose="our roof"
    )
    prepared = site.transactions.retire(order, OWNER.address)
    assert [step.says.key for step in prepared.steps] == ["draw", "retire"]
    assert [step.gas_estimate is None for step in prepared.steps] == [False, True]
    _, receipt = send_all(site.web3, OWNER, prepared)
    retirement = site.chain.read("CarbonCredit", "retirement", 1)
    assert retirement[:2] == (TOKEN, 2_500)
    assert retirement[4:] == (OWNER.address, OWNER.address, bytes(32), "A Village School 學校", "our roof")
    assert site.chain.read("CarbonCredit", "balanceOf", OWNER.address, TOKEN) == 0
    seen = site.transactions.status(receipt["transactionHash"].to_0x_hex())
    assert (seen.state, seen.final, seen.gas_used) == ("done", True, receipt["gasUsed"])
    (told,) = [effect for effect in seen.effects if effect.event == "Retired"]
    assert (told.contract, told.values["retirementId"], told.values["grams"]) == ("CarbonCredit", 1, 2_500)
    assert told.values["id"] == str(TOKEN)
    (certify,) = seen.then
    assert send(site.web3, OTHER, certify.model_copy(update={"from_": None}))["status"] == 1  # anyone may
    assert site.chain.read("RetirementCertificate", "ownerOf", 1) == OWNER.address
    assert site.transactions.status(receipt["transactionHash"].to_0x_hex()).then == []
    with refused("AlreadyCertified"):
        site.transactions.certify(1, OTHER.address)


def test_a_beneficiary_may_stay_unnamed_and_prove_its_name_later(site):
    salt = "0x" + "5a" * 32
    order = RetireOrder(
        project_id="rooftops", vintage=2026, grams=10, name="Quiet Ltd", salt=salt, beneficiary=STRANGER.address
    )
    *_, receipt = send_all(site.web3, OWNER, site.transactions.retire(order, OWNER.address))
    assert site.chain.read("CarbonCredit", "retirement", 1)[7] == ""
    (certify,) = site.transactions.status(receipt["transactionHash"].to_0x_hex()).then
    send(site.web3, OWNER, certify)
    assert site.chain.read("RetirementCertificate", "isNameOf", 1, "Quiet Ltd", bytes.fromhex(salt[2:]))
    assert not site.chain.read("RetirementCertificate", "isNameOf", 1, "Loud Ltd", bytes.fromhex(salt[2:]))
    assert site.chain.read("RetirementCertificate", "ownerOf", 1) == STRANGER.address


def test_credits_of_a_holder_who_approved_are_retired_for_it(site):
    send_all(site.web3, OWNER, site.transactions.draw(DrawOrder(asset_id="shatin-1", vintage=2026), OWNER.address))
    order = RetireOrder(project_id="rooftops", vintage=2026, grams=77, holder=OWNER.address)
    with refused("ERC1155MissingApprovalForAll"):
        site.transactions.retire(order, STRANGER.address)
    approved = True
    approve = site.chain.contract("CarbonCredit").functions.setApprovalForAll(STRANGER.address, approved)
    _transact(site, OWNER, approve)
    prepared = site.transactions.retire(order, STRANGER.address)
    assert [step.function for step in prepared.steps] == ["CarbonCredit.retireFrom"]
    send_all(site.web3, STRANGER, prepared)
    assert site.chain.read("CarbonCredit", "retirement", 1)[4:6] == (OWNER.address, STRANGER.address)


def test_what_credits_are_refused_for_is_said_in_words(site):
    too_much = RetireOrder(project_id="rooftops", vintage=2026, grams=GRAMS + 1)
    with refused("ERC1155InsufficientBalance") as told:
        site.transactions.retire(too_much, OWNER.address)
    assert str(GRAMS) in told.value.detail
    assert told.value.type.slug == "refused-by-contract"
    with refused("NotBeneficiary") as told:
        site.transactions.draw(DrawOrder(asset_id="shatin-1", vintage=2026, grams=1), STRANGER.address)
    assert OWNER.address in told.value.detail
    send_all(site.web3, OWNER, site.transactions.draw(DrawOrder(asset_id="shatin-1", vintage=2026), OWNER.address))
    long = RetireOrder(project_id="rooftops", vintage=2026, grams=1, name="學" * 128)
    with refused("TextTooLong"):
        site.transactions.retire(long, OWNER.address)
    site.chain.send("CarbonCredit", "pauseTransfers")
    assert site.transactions.holdings(OTHER.address).transfers_paused
    with refused("TransfersArePaused"):
        site.transactions.draw(DrawOrder(asset_id="lamma-1", vintage=2026), OTHER.address)
    with refused("TransfersArePaused"):
        site.transactions.retire(RetireOrder(project_id="rooftops", vintage=2026, grams=1), OTHER.address)
    # What is in the account is retired all the same.
    send_all(
        site.web3,
        OWNER,
        site.transactions.retire(RetireOrder(project_id="rooftops", vintage=2026, grams=1), OWNER.address),
    )


def test_a_deposit_pays_holders_through_collect_and_claim(site):
    before = site.transactions.entitlement(OWNER.address)
    january, february = before.items
    assert (january.month, january.final, january.earned_minor, january.collected_minor) == (JANUARY, True, EARNED, 0)
    assert (february.month, february.final, february.earned_minor) == (FEBRUARY, False, 300_000)
    assert (before.claimable_minor, before.awaited_minor) == (0, EARNED + 300_000)
    assert site.transactions.claim(ClaimOrder(), OWNER.address).steps == []
    part = EARNED * 6 // 10
    deposited(site, part)
    funded = site.transactions.entitlement(OWNER.address)
    assert (funded.claimable_minor, funded.awaited_minor) == (part, EARNED + 300_000 - part)
    prepared = site.transactions.claim(ClaimOrder(), OWNER.address)
    assert [step.says.key for step in prepared.steps] == ["collect", "claim"]
    assert prepared.steps[1].says.values["minor"] == part
    send_all(site.web3, OWNER, prepared)
    assert site.chain.read("HKDStablecoin", "balanceOf", OWNER.address) == part
    paid = site.transactions.entitlement(OWNER.address)
    assert (paid.claimed_minor, paid.claimable_minor) == (part, 0)
    assert paid.items[0].collected_minor == paid.items[0].units == EARNED
    # The rest comes, one unit more than is needed: it waits.
    deposited(site, EARNED - part + 1)
    rest = site.transactions.claim(ClaimOrder(asset_id="shatin-1", months=[JANUARY]), OWNER.address)
    assert [step.says.key for step in rest.steps] == ["claim"]
    send_all(site.web3, OWNER, rest)
    assert site.chain.read("HKDStablecoin", "balanceOf", OWNER.address) == EARNED
    assert site.transactions.entitlement(OWNER.address).awaited_minor == 300_000
    assert site.transactions.claim(ClaimOrder(asset_id="lamma-1"), OWNER.address).steps == []


def test_shown_figures_are_the_contracts_for_holders_who_come_and_go(site):
    """Shares are sold between settlements, receivables between deposits: what is shown as claimable is what is paid."""
    allow = AllowOrder(asset_id="shatin-1", spender=OTHER.address, units=333)
    (step,) = site.transactions.allow_shares(allow, OWNER.address).steps
    send(site.web3, OWNER, step)
    share = site.chain.read("ShareOffice", "shareOf", to_bytes32("shatin-1"))
    sold = bind(site.web3, "AssetShare", share).functions.transferFrom(OWNER.address, OTHER.address, 333)
    _transact(site, OTHER, sold)
    deposited(site, 777_777)
    send_all(site.web3, OWNER, site.transactions.claim(ClaimOrder(), OWNER.address))
    token = revenue_id("shatin-1", JANUARY)
    revenue = site.chain.contract("RevenueShare").functions
    _transact(site, OWNER, revenue.safeTransferFrom(OWNER.address, OTHER.address, token, EARNED // 3, b""))
    deposited(site, 1_234_567)
    seen = {}
    for account in (OWNER, OTHER):
        view = site.transactions.entitlement(account.address)
        seen[account.address] = next(one for one in view.items if (one.asset_id, one.month) == ("shatin-1", JANUARY))
        before = site.chain.read("HKDStablecoin", "balanceOf", account.address)
        assert (
            seen[account.address].claimable_minor == site.chain.read("RevenueShare", "owed", account.address, token) > 0
        )
        send_all(site.web3, account, site.transactions.claim(ClaimOrder(asset_id="shatin-1"), account.address))
        paid = site.chain.read("HKDStablecoin", "balanceOf", account.address) - before
        assert paid == seen[account.address].claimable_minor
    outstanding = EARNED - 777_777 - 1_234_567
    # What is paid is rounded down, so a unit or two of what came is still to be paid.
    assert outstanding <= sum(one.awaited_minor for one in seen.values()) <= outstanding + 2
    assert [one.shares for one in seen.values()] == [667, 333]


def test_what_claims_are_refused_for_is_said_in_words(site):
    deposited(site, EARNED)
    site.chain.send("ShareOffice", "freeze", to_bytes32("shatin-1"), OWNER.address, 1, "court order")
    assert [item.may_claim for item in site.transactions.entitlement(OWNER.address).items] == [False, False]
    with refused("HolderFrozen") as told:
        site.transactions.claim(ClaimOrder(), OWNER.address)
    assert told.value.members["values"] == {"assetId": "shatin-1", "holder": OWNER.address}
    site.chain.send("ShareOffice", "unfreeze", to_bytes32("shatin-1"), OWNER.address, "lifted")
    collect, _ = site.transactions.claim(ClaimOrder(), OWNER.address).steps
    send(site.web3, OWNER, collect)
    with refused("NotVerified") as told:
        site.transactions.claim(ClaimOrder(to=STRANGER.address), OWNER.address)
    assert told.value.members["values"] == {"account": STRANGER.address}
    site.chain.send("IdentityRegistry", "remove", OWNER.address)
    assert site.transactions.entitlement(OWNER.address).verified is False
    with refused("NotVerified"):
        site.transactions.claim(ClaimOrder(), OWNER.address)


def test_a_permit_takes_the_place_of_an_approval(site):
    order = DepositOrder(asset_id="shatin-1", month=JANUARY, minor=5 * HKD)
    approve, paying = site.transactions.deposit(order, PAYER.address).steps
    assert (approve.says.key, paying.says.key, paying.gas_estimate) == ("approve", "deposit", None)
    signed = PAYER.sign_typed_data(full_message=approve.permit.typed_data)
    with_permit = DepositOrder(
        asset_id="shatin-1",
        month=JANUARY,
        minor=5 * HKD,
        deadline=approve.permit.deadline.isoformat(),
        signature="0x" + signed.signature.hex(),
    )
    prepared = site.transactions.deposit(with_permit, PAYER.address)
    assert [step.function for step in prepared.steps] == ["HKDStablecoin.permit", "RevenueShare.deposit"]
    send_all(site.web3, PAYER, prepared)
    assert site.chain.read("RevenueShare", "receivable", to_bytes32("shatin-1"), JANUARY)[2] == 5 * HKD
    # Used up: the same again is for a nonce that is over, and another sum is not what was signed.
    with refused("ERC2612InvalidSigner"):
        site.transactions.deposit(with_permit, PAYER.address)
    with refused("ERC20InsufficientBalance"):
        site.transactions.deposit(order.model_copy(update={"minor": 2**60}), PAYER.address)
    enough = site.transactions.deposit(order.model_copy(update={"month": 203001}), PAYER.address)
    send(site.web3, PAYER, enough.steps[0])
    with refused("UnknownMonth"):
        site.transactions.deposit(order.model_copy(update={"month": 203001}), PAYER.address)


def test_transactions_are_told_in_words(site):
    assert site.transactions.status("0x" + "ab" * 32).state == "unknown"
    (step,) = site.transactions.draw(DrawOrder(asset_id="shatin-1", vintage=2026), OWNER.address).steps
    assert send(site.web3, OWNER, step)["status"] == 1
    receipt = send(site.web3, OWNER, step, gas=500_000)  # the vault is empty by now
    assert receipt["status"] == 0
    told = site.transactions.status(receipt["transactionHash"].to_0x_hex())
    assert (told.state, told.reason, told.effects) == ("refused", "MoreThanInVault", [])
    assert "the vault holds 0 g" in told.detail.lower()


def test_a_chain_that_is_away_is_no_refusal(site):
    provider = HTTPProvider("http://127.0.0.1:9", exception_retry_configuration=None)
    away = Transactions(lambda: Web3(provider), site.book)
    with pytest.raises(ChainError, match="does not answer"):
        away.holdings(OWNER.address)


def _transact(site, account, call):
    request = call.build_transaction(
        {
            "from": account.address,
            "nonce": site.web3.eth.get_transaction_count(account.address),
            "gas": 1_000_000,
            "gasPrice": site.web3.eth.gas_price * 2,
        }
    )
    signed = account.sign_transaction(request)
    receipt = site.web3.eth.wait_for_transaction_receipt(site.web3.eth.send_raw_transaction(signed.raw_transaction))
    assert receipt["status"] == 1
