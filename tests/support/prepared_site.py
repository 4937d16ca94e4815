"""Contracts with two months settled, owners with keys of their own, and what sends a prepared transaction as a wallet does."""

from dataclasses import astuple, replace
from types import SimpleNamespace

from eth_account import Account

from api.transactions.transactions import Transactions
from contracts.deployment import deploy, register
from contracts.registration import identity_entries, send_entries, share_entries
from contracts.state import Identity, InvestorClass, ShareIssue
from oracle.reporting.statement import LEAF_TYPES
from tests.support.contract_deployment import (
    CUTOFF,
    DAY,
    METERS,
    NODES,
    ROOTS,
    Deployment,
    asset,
    leaf,
    parent,
    project_of,
    report_over,
    sign,
    statement,
)

OWNER, OTHER, PAYER, STRANGER = (Account.from_key(bytes([n]) * 32) for n in (0x21, 0x22, 0x23, 0x24))
FEBRUARY = 202602
YEARS_5 = 5 * 365 * DAY
HKD = 1_000_000


def build(web3):
    """Deploy, register, verify, issue shares, and settle January and the first day of February."""
    admin = web3.eth.accounts[0]
    book = deploy(web3, admin, [node.address for node in reversed(NODES)], 3)
    assets = [asset("shatin-1", OWNER.address), asset("lamma-1", OTHER.address)]
    register(web3, admin, book, [project_of(book)], assets, METERS, ROOTS)
    now_s = web3.eth.get_block("latest")["timestamp"]
    verified = [
        Identity(account.address, 344, InvestorClass.PROFESSIONAL_COMPANY, now_s + YEARS_5)
        for account in (OWNER, OTHER)
    ]
    shares = [ShareIssue(one.asset_id, one.asset_id, "SUN", 1_000, one.beneficiary) for one in assets]
    send_entries(web3, admin, book, [*identity_entries(verified), *share_entries(shares)])
    for account in (OWNER, OTHER, PAYER, STRANGER):
        given = web3.eth.send_transaction({"from": admin, "to": account.address, "value": 10**18})
        web3.eth.wait_for_transaction_receipt(given)
    deployment = Deployment(web3, admin, book)
    deployment.send("HKDStablecoin", "mint", PAYER.address, 10_000 * HKD)
    settle(deployment, CUTOFF, 600_502, 10_000)
    settle(deployment, CUTOFF + DAY, 600_602, 10_000)
    return SimpleNamespace(web3=web3, admin=admin, book=book, chain=deployment)


def with_fresh_eyes(site):
    """The site with `transactions` that have read nothing yet: what a chain said before it was taken back is forgotten."""
    transactions = Transactions(lambda: site.web3, site.book, finality="latest")
    return SimpleNamespace(**vars(site), transactions=transactions)


def settle(deployment, cutoff, one_wh, other_wh):
    """Publish the next report and settle it."""
    statements = [statement("shatin-1", one_wh, cutoff), statement("lamma-1", other_wh, cutoff)]
    one, other = (leaf(LEAF_TYPES, fields) for fields in statements)
    report = replace(report_over(deployment, parent(one, other)), cutoff=cutoff)
    deployment.send("ProductionOracle", "publish", astuple(report), sign(deployment, report))
    deployment.send("SettlementEngine", "settle", report.epoch, statements, [[other], [one]])


def send(web3, account, step, gas=None):
    """Sign a prepared step with a key of the test, send it, and wait; as a wallet does."""
    assert step.from_ in (None, account.address)
    estimate = (
        gas or step.gas_estimate or web3.eth.estimate_gas({"from": account.address, "to": step.to, "data": step.data})
    )
    transaction = {
        "chainId": step.chain_id,
        "to": step.to,
        "data": step.data,
        "value": int(step.value),
        "gas": estimate * 5 // 4,
        "gasPrice": web3.eth.gas_price * 2,
        "nonce": web3.eth.get_transaction_count(account.address),
    }
    signed = account.sign_transaction(transaction)
    return web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(signed.raw_transaction))


def send_all(web3, account, prepared):
    """Send all steps in order; each must succeed. Returns the receipts."""
    receipts = []
    for step in prepared.steps:
        receipts.append(send(web3, account, step))
        assert receipts[-1]["status"] == 1, step.function
    return receipts
