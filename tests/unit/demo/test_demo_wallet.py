"""The demo's wallet, as pages ask it: what it signs is what an owner's wallet would sign, and it signs for nobody else."""

import json

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from api.demo.chains import start_chain
from api.demo.wallet import DemoWallet, WalletError
from api.transactions.permits import DOMAIN_TYPE, PERMIT_TYPE

OWNER, OTHER, STRANGER = (Account.from_key(bytes([n]) * 32) for n in (0x31, 0x32, 0x33))
PERMIT = {
    "types": {"EIP712Domain": DOMAIN_TYPE, "Permit": PERMIT_TYPE},
    "primaryType": "Permit",
    "domain": {"name": "roof-7", "version": "1", "chainId": 5, "verifyingContract": OTHER.address},
    "message": {"owner": OWNER.address, "spender": OTHER.address, "value": "7", "nonce": "0", "deadline": str(2**64)},
}


@pytest.fixture(scope="module", name="web3")
def web3_fixture():
    with start_chain("eth-tester") as chain:
        web3 = chain.connect()
        web3.eth.send_transaction({"from": web3.eth.accounts[0], "to": OWNER.address, "value": 10**18})
        yield web3


@pytest.fixture(name="wallet")
def wallet_fixture(web3):
    return DemoWallet(lambda: web3, [OWNER, OTHER])


def refused(code):
    return pytest.raises(WalletError, match=r".+", check=lambda error: error.code == code)


def test_it_has_its_owners_the_first_in_front(wallet, web3):
    assert (
        wallet.request("eth_requestAccounts", [])
        == wallet.request("eth_accounts", [])
        == [OWNER.address, OTHER.address]
    )
    assert wallet.request("eth_chainId", []) == hex(web3.eth.chain_id)


@pytest.mark.parametrize("text", ["sun.example wants you to sign in\n日光", "0x not hex", ""])
def test_it_signs_messages(wallet, text):
    signed = wallet.request("personal_sign", ["0x" + text.encode().hex(), OTHER.address.lower()])
    assert Account.recover_message(encode_defunct(text=text), signature=signed) == OTHER.address
    if text and not text.startswith("0x"):
        assert wallet.request("personal_sign", [text, OTHER.address]) == signed


@pytest.mark.parametrize("document", [PERMIT, json.dumps(PERMIT)])
def test_it_signs_permits(wallet, document):
    signed = wallet.request("eth_signTypedData_v4", [OWNER.address, document])
    assert Account.recover_message(encode_typed_data(full_message=PERMIT), signature=signed) == OWNER.address


def test_it_sends_and_shows_the_receipt(wallet, web3):
    asked = {"from": OWNER.address, "to": STRANGER.address, "value": hex(12_345)}
    first, second = (wallet.request("eth_sendTransaction", [asked]) for _ in range(2))
    receipts = [wallet.request("eth_getTransactionReceipt", [sent]) for sent in (first, second)]
    assert [receipt["status"] for receipt in receipts] == ["0x1", "0x1"]
    assert web3.eth.get_balance(STRANGER.address) == 2 * 12_345
    assert wallet.request("eth_getTransactionReceipt", ["0x" + "ab" * 32]) is None
    assert wallet.request("eth_getBalance", [STRANGER.address, "latest"]) == hex(2 * 12_345)


def test_it_signs_for_nobody_else(wallet):
    for method, params in (
        ("personal_sign", ["0x00", STRANGER.address]),
        ("personal_sign", ["0x00", "me"]),
        ("eth_signTypedData_v4", [STRANGER.address, PERMIT]),
        ("eth_sendTransaction", [{"from": STRANGER.address, "to": OWNER.address}]),
    ):
        with refused(4100):
            wallet.request(method, params)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("personal_sign", []),
        ("personal_sign", ["0xno", OWNER.address]),
        ("eth_signTypedData_v4", [OWNER.address, "{"]),
        ("eth_sendTransaction", [{"from": OWNER.address}]),
        ("eth_sendTransaction", ["everything"]),
        ("eth_sendTransaction", [{"from": OWNER.address, "to": "0x12"}]),
        ("wallet_switchEthereumChain", [{}]),
    ],
)
def test_what_it_cannot_read_is_told(wallet, method, params):
    with refused(-32602):
        wallet.request(method, params)


def test_it_knows_one_chain_and_few_methods(wallet, web3):
    assert wallet.request("wallet_switchEthereumChain", [{"chainId": hex(web3.eth.chain_id)}]) is None
    with refused(4902):
        wallet.request("wallet_switchEthereumChain", [{"chainId": "0x1"}])
    for method in ("eth_sign", "eth_sendRawTransaction", "evm_mine", "__init__"):
        with refused(4200):
            wallet.request(method, [])
