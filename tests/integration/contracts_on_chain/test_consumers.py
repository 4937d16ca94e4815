"""Contracts that strangers wrote against public interfaces only work with ours unchanged: `contracts/test/consumers`."""

import base64
import json
from dataclasses import astuple, replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_tester.exceptions import TransactionFailed
from eth_utils.abi import function_signature_to_4byte_selector
from web3.exceptions import ContractLogicError

from contracts import artifact
from contracts.state import credit_id, revenue_id, to_bytes32
from contracts.transaction import ChainRefusalError, send
from oracle.reporting.statement import LEAF_TYPES
from tests.support.contract_deployment import CUTOFF, DAY, JANUARY, leaf, parent, report_over, sign, statement

COMPILED = Path(__file__).parents[2] / "consumers"
ENERGY, CREDITS, REVENUE = range(3)
FLEET = bytes(32)
EARLIER = CUTOFF - 10 * DAY
NEVER = 2**48
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def build(deployment):
    """Deploy a consumer."""

    def put(name, *arguments):
        compiled = json.loads((COMPILED / f"{name}.json").read_text(encoding="utf-8"))
        web3 = deployment.web3
        constructor = web3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"]).constructor(*arguments)
        receipt = send(web3, deployment.admin, constructor, f"deploy {name}")
        return web3.eth.contract(address=receipt["contractAddress"], abi=compiled["abi"])

    return put


@pytest.fixture
def act(deployment):
    """Send a call from an account."""

    def do(account, contract, function, *arguments):
        return send(deployment.web3, account, contract.functions[function](*arguments), function)

    return do


@pytest.fixture
def people(deployment):
    """Two accounts that the chain's node signs for, verified."""
    seller, buyer = deployment.web3.eth.accounts[1:3]
    for person in (seller, buyer):
        deployment.send("IdentityRegistry", "set", person, 344, 3, NEVER)
    return seller, buyer


def own_error(signature):
    """How a consumer's own error is told, which our ABIs do not name."""
    return f"unknown error 0x{function_signature_to_4byte_selector(signature).hex()}"


def since_s(deployment, cutoff):
    """How long ago a cutoff is for a contract that is deployed within the hour."""
    return deployment.web3.eth.get_block("latest")["timestamp"] - cutoff + 3600


def settle(deployment, energy_wh, totals=(0, 0, 0), cutoff=CUTOFF):
    """Publish and settle what both plants have produced so far, each the same. Returns the epoch."""
    statements = [statement(name, energy_wh, cutoff) for name in ("shatin-1", "lamma-1")]
    one, other = (leaf(LEAF_TYPES, fields) for fields in statements)
    report = replace(report_over(deployment, parent(one, other)), totals=totals, cutoff=cutoff)
    deployment.send("ProductionOracle", "publish", astuple(report), sign(deployment, report))
    deployment.send("SettlementEngine", "settle", report.epoch, statements, [[other], [one]])
    return report.epoch


def feed(deployment, asset_id, metric):
    deployment.send("FeedFactory", "create", asset_id, metric)
    address = deployment.read("FeedFactory", "addressOf", asset_id, metric)
    return deployment.web3.eth.contract(address=address, abi=artifact("AssetFeed").abi)


def issue_share(deployment, holder, supply=1_000):
    arguments = (to_bytes32("shatin-1"), "Sha Tin rooftop", "SHATIN", supply, holder, 0)
    deployment.send("ShareOffice", "issue", *arguments)
    address = deployment.read("ShareOffice", "shareOf", to_bytes32("shatin-1"))
    return deployment.web3.eth.contract(address=address, abi=artifact("AssetShare").abi)


def draw_credits(deployment, grams, to):
    deployment.send("CarbonCredit", "draw", to_bytes32("shatin-1"), 2026, grams, to)
    return credit_id("rooftops", 2026)


def test_a_lender_reads_a_plants_feed(deployment, build):
    energy = feed(deployment, to_bytes32("shatin-1"), ENERGY)
    max_age_s = since_s(deployment, EARLIER)
    with pytest.raises(ChainRefusalError, match="NeverStarted"):  # nothing that a loan could begin with
        build("ProductionCovenant", energy.address, 10_000, max_age_s)
    settle(deployment, 100_000, cutoff=EARLIER)
    with pytest.raises(ChainRefusalError, match=own_error("TooOld(uint256,uint256)")):
        build("ProductionCovenant", energy.address, 10_000, since_s(deployment, CUTOFF))
    kept = build("ProductionCovenant", energy.address, 10_000, max_age_s)
    broken = build("ProductionCovenant", energy.address, 10_001, max_age_s)
    settle(deployment, 200_000)
    assert kept.functions.isKept().call()
    assert not broken.functions.isKept().call()
    assert kept.functions.startAnswer().call() == 100_000


def test_a_lender_counts_revenue_with_its_decimals(deployment, build):
    revenue = feed(deployment, to_bytes32("shatin-1"), REVENUE)
    max_age_s = since_s(deployment, EARLIER)
    settle(deployment, 100_000, cutoff=EARLIER)  # 3 HKD a kWh
    kept = build("ProductionCovenant", revenue.address, 30, max_age_s)
    broken = build("ProductionCovenant", revenue.address, 31, max_age_s)
    settle(deployment, 200_000)
    assert kept.functions.isKept().call()
    assert not broken.functions.isKept().call()


def test_a_reader_of_the_fleet_looks_back(deployment, build):
    fleet = feed(deployment, FLEET, CREDITS)
    first = settle(deployment, 1_000, totals=(2_000, 1_200, 6_000_000), cutoff=EARLIER)
    last = settle(deployment, 5_000, totals=(10_000, 6_000, 30_000_000))
    reader = build("ProductionCovenant", fleet.address, 1, since_s(deployment, CUTOFF))
    assert reader.functions.producedBetween(first, last).call() == 4_800
    assert reader.functions.startAnswer().call() == 6_000
    assert fleet.functions.description().call() == "whole fleet credits"
    with pytest.raises((ContractLogicError, TransactionFailed)):
        reader.functions.producedBetween(first, last + 1).call()


def test_credits_and_receivables_are_sold_by_one_market(deployment, build, act, people):
    seller, buyer = people
    issue_share(deployment, seller)
    settle(deployment, 100_000)
    deployment.send("RevenueShare", "collect", to_bytes32("shatin-1"), [JANUARY], seller)
    currency, market = deployment.contract("HKDStablecoin"), build("UnitSale")
    goods = [
        ("CarbonCredit", draw_credits(deployment, 5_000, seller), 20),
        ("RevenueShare", revenue_id("shatin-1", JANUARY), 3),
    ]
    deployment.send("HKDStablecoin", "mint", buyer, 1_000_000)
    act(buyer, currency, "approve", market.address, 1_000_000)
    for number, (name, token_id, price) in enumerate(goods):
        token = deployment.contract(name)
        before = deployment.read(name, "balanceOf", seller, token_id)
        act(seller, token, "setApprovalForAll", market.address, True)  # noqa: FBT003  # as the standard has it
        act(seller, market, "offer", token.address, token_id, 5_000, currency.address, price)
        act(buyer, market, "buy", number, 2_000)
        assert deployment.read(name, "balanceOf", buyer, token_id) == 2_000
        assert deployment.read(name, "balanceOf", seller, token_id) == before - 2_000
        with pytest.raises(ChainRefusalError, match=own_error("MoreThanOffered(uint256,uint256)")):
            act(buyer, market, "buy", number, 3_001)
    assert deployment.read("HKDStablecoin", "balanceOf", seller) == 2_000 * (20 + 3)


def test_credits_are_pooled_and_taken_out_again(deployment, build, act, people):
    seller, buyer = people
    settle(deployment, 100_000)
    token_id = draw_credits(deployment, 5_000, seller)
    credit = deployment.contract("CarbonCredit")
    pool = build("UnitPool", credit.address, token_id)
    act(seller, credit, "safeTransferFrom", seller, pool.address, token_id, 4_000, b"")
    assert pool.functions.totalSupply().call() == 4_000
    act(seller, pool, "transfer", buyer, 1_500)
    act(buyer, pool, "redeem", 1_500, buyer)
    held = [seller, buyer, pool.address]
    assert credit.functions.balanceOfBatch(held, [token_id] * 3).call() == [1_000, 1_500, 2_500]
    # What was pooled is as good as new: it is retired like any other.
    note = (buyer, bytes(32), "", "2026 footprint")
    act(buyer, credit, "retire", token_id, 1_500, note)
    assert deployment.read("CarbonCredit", "retirementCount") == 1


def permit(token, owner, spender, units):
    """Sign a permit as a wallet does: by what the token says of itself (ERC-5267)."""
    _, name, version, chain_id, address, _, _ = token.functions.eip712Domain().call()
    domain = {"name": name, "version": version, "chainId": chain_id, "verifyingContract": address}
    fields = ("address owner", "address spender", "uint256 value", "uint256 nonce", "uint256 deadline")
    types = {"Permit": [dict(zip(("type", "name"), field.split(), strict=True)) for field in fields]}
    nonce = token.functions.nonces(owner.address).call()
    message = dict(
        zip(
            ("owner", "spender", "value", "nonce", "deadline"),
            (owner.address, spender, units, nonce, NEVER),
            strict=True,
        )
    )
    signed = Account.sign_typed_data(owner.key, domain, types, message)
    rest = (signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big"))
    return (owner.address, address, units, NEVER, *rest)


def test_shares_are_swapped_for_currency_by_two_signatures(deployment, build, act):
    seller, buyer = (Account.from_key(bytes([n]) * 32) for n in (0x51, 0x52))
    for person in (seller, buyer):
        deployment.send("IdentityRegistry", "set", person.address, 344, 3, NEVER)
    share, currency, swap = (
        issue_share(deployment, seller.address),
        deployment.contract("HKDStablecoin"),
        build("PermitSwap"),
    )
    deployment.send("HKDStablecoin", "mint", buyer.address, 5_000_000)
    sides = (permit(share, seller, swap.address, 250), permit(currency, buyer, swap.address, 5_000_000))
    act(deployment.web3.eth.accounts[3], swap, "swap", *sides)  # neither has ever sent a transaction
    assert share.functions.balanceOf(buyer.address).call() == 250
    assert share.functions.balanceOf(seller.address).call() == 750
    assert currency.functions.balanceOf(seller.address).call() == 5_000_000
    with pytest.raises(ChainRefusalError):  # a permit serves once
        act(deployment.web3.eth.accounts[3], swap, "swap", *sides)
    stranger = Account.from_key(b"\x53" * 32)
    deployment.send("HKDStablecoin", "mint", stranger.address, 1)
    sides = (permit(share, seller, swap.address, 1), permit(currency, stranger, swap.address, 1))
    with pytest.raises(ChainRefusalError):  # who is not verified gets no share by this way either
        act(deployment.web3.eth.accounts[3], swap, "swap", *sides)


def retire(deployment, name, purpose, beneficiary):
    """Retire 2500 g and have it certified; the texts as bytes, which need not be UTF-8."""
    token_id = draw_credits(deployment, 2_500, deployment.admin)
    credit = deployment.contract("CarbonCredit")
    selector = credit.encode_abi("retire", [0, 0, (beneficiary, bytes(32), "", "")])[:10]
    types = ["uint256", "uint256", "(address,bytes32,bytes,bytes)"]  # a string is encoded as bytes are
    call = bytes.fromhex(selector[2:]) + encode(types, [token_id, 2_500, (beneficiary, bytes(32), name, purpose)])
    web3 = deployment.web3
    sent = web3.eth.send_transaction({"from": deployment.admin, "to": credit.address, "data": call, "gas": 2_000_000})
    assert web3.eth.wait_for_transaction_receipt(sent)["status"] == 1
    number = credit.functions.retirementCount().call()
    deployment.send("RetirementCertificate", "certify", number)
    return number


def decoded(uri, kind):
    head, _, body = uri.partition(";base64,")
    assert head == f"data:{kind}"
    return base64.b64decode(body, validate=True).decode("utf-8")


def lines_of(svg):
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_a_gallery_shows_certificates(deployment, build, act, people):
    _, buyer = people
    settle(deployment, 100_000)
    number = retire(deployment, b"Cathay Pastry Ltd", b"Flight CX255 to London", buyer)
    certificate, gallery = deployment.contract("RetirementCertificate"), build("CertificateGallery")
    with pytest.raises(ChainRefusalError, match=own_error("NotOwner(address)")):
        act(deployment.admin, gallery, "hang", certificate.address, number)
    act(buyer, gallery, "hang", certificate.address, number)
    collection, symbol, token_id, uri = gallery.functions.pictureOf(buyer).call()
    assert (collection, symbol, token_id) == ("Heliograph Retirement Certificate", "RETIRED", number)
    shown = json.loads(decoded(uri, "application/json"))
    assert shown["name"] == f"Retirement certificate {number}"
    traits = {trait["trait_type"]: trait["value"] for trait in shown["attributes"]}
    assert (
        traits | {"Beneficiary": "Cathay Pastry Ltd", "CO2e": "2.5 kg", "First serial": "1", "Last serial": "2,500"}
        == traits
    )
    assert traits | {"Project": "rooftops", "Vintage": "2026", "Purpose": "Flight CX255 to London"} == traits
    lines = lines_of(decoded(shown["image"], "image/svg+xml"))
    for line in (
        "2.5 kg CO2e",
        "exactly 2,500 g = 0.0025 t",
        "Cathay Pastry Ltd",
        buyer,
        "Flight CX255 to London",
        "Serials 1 to 2,500",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b'","image":"https://example.org/x', '","image":"https://example.org/x'),
        (b"</text><script>alert(1)</script>", "</text><script>alert(1)</script>"),
        (b"&lt;b&gt; &amp; ]]> <!--", "&lt;b&gt; &amp; ]]> <!--"),
        (b"back\\slash \\u0022 'quote'", "back\\slash \\u0022 'quote'"),
        ("沙田 ☀ 🌞".encode(), "沙田 ☀ 🌞"),
        (b"line\r\nfeed\ttab\x00\x1b[31m", "line  feed tab\ufffd\ufffd[31m"),
        ("turned \u202edrawkcab\u2066\u2028\ufffe".encode(), "turned \ufffddrawkcab\ufffd\ufffd\ufffd"),
    ],
)
def test_what_strangers_write_stays_text(deployment, text, shown):
    settle(deployment, 100_000)
    number = retire(deployment, text, text, deployment.admin)
    uri = deployment.read("RetirementCertificate", "tokenURI", number)
    document = json.loads(decoded(uri, "application/json"))
    assert set(document) == {"name", "description", "image", "attributes"}
    traits = {trait["trait_type"]: trait["value"] for trait in document["attributes"]}
    assert traits["Beneficiary"] == shown
    assert traits["Purpose"] == shown
    svg = decoded(document["image"], "image/svg+xml")
    assert shown in lines_of(svg)
    tags = {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()}
    assert tags == {"svg", "rect", "g", "path", "circle", "text", "tspan"}
