"""Accounts that are contracts sign in by what their own code says (EIP-1271), on a real chain."""

import shutil

import pytest
from eth_account import Account
from eth_account.messages import defunct_hash_message, encode_defunct
from web3 import HTTPProvider, Web3

from api.access.access import Access, AccessSettings
from api.access.contract_wallets import MOST_SIGNATURE, ContractWalletsOnChain
from api.demo.chains import start_chain
from api.http.problems import ProblemError
from api.ports import free_port
from oracle.errors import ChainError

KEEPER, STRANGER = (Account.from_key(bytes([number]) * 32) for number in (0x31, 0x32))


def wallet_of(keeper):
    """Code of a wallet that takes signatures of one key: ecrecover(hash, v, r, s) == keeper ? 0x1626ba7e : 0."""
    return bytes.fromhex(
        "600435600052"  # mstore(0, hash)
        "60a43560f81c602052"  # mstore(0x20, v)
        "606435604052"  # mstore(0x40, r)
        "608435606052"  # mstore(0x60, s)
        "602060806080600060015afa50"  # ecrecover of it, into 0x80
        "60805173" + keeper.address[2:] + "14"  # mload(0x80) == keeper
        "631626ba7e60e01b02"  # times the magic value
        "60005260206000f3"
    )


CONTRACTS = {
    "wallet": wallet_of(KEEPER),
    "reverts": bytes.fromhex("60006000fd"),
    "says yes in another way": bytes.fromhex("600160005260206000f3"),
    "says nothing": bytes.fromhex("00"),
    "says too little": bytes.fromhex("631626ba7e60e01b60005260046000f3"),
    "never ends": bytes.fromhex("5b600056"),
    "is broken": bytes.fromhex("fe"),
}


@pytest.fixture(scope="module", name="chain", params=["eth-tester", "anvil"])
def chain_fixture(request, require):
    if request.param == "anvil":
        how = "npm ci in contracts/, then contracts/node_modules/@foundry-rs/anvil-*/bin on the PATH"
        require("anvil", shutil.which("anvil"), how)
    with start_chain(request.param) as chain:
        yield chain


@pytest.fixture(scope="module", name="accounts")
def accounts_fixture(chain):
    """Address of each contract, and of an account without code."""
    web3 = chain.connect()
    addresses = {"nobody": Web3.to_checksum_address("0x" + "77" * 20)}
    for name, code in CONTRACTS.items():
        creation = bytes([0x60, len(code)]) + bytes.fromhex("80600b6000396000f3") + code
        sent = web3.eth.send_transaction({"from": web3.eth.accounts[0], "data": creation, "gas": 500_000})
        addresses[name] = web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]
        assert bytes(web3.eth.get_code(addresses[name])) == code
    return addresses


@pytest.fixture(name="access")
def access_fixture(chain, tmp_path):
    wallets = ContractWalletsOnChain(chain.connect)
    access = Access.open(
        tmp_path / "access.sqlite", AccessSettings("https://sun.example", 1), lambda _: frozenset(), wallets
    )
    yield access
    access.close()


def signed(access, address, account):
    message = access._sign_in.offer(access.now_ms()).message(address)
    return message, bytes(account.sign_message(encode_defunct(text=message)).signature)


def test_the_wallets_keeper_signs_in_as_the_wallet(access, accounts):
    message, signature = signed(access, accounts["wallet"], KEEPER)
    session, _ = access._sign_in.open(message, signature, access.now_ms())
    assert session.address == accounts["wallet"]
    with pytest.raises(ProblemError, match="used"):
        access._sign_in.open(message, signature, access.now_ms())


@pytest.mark.parametrize("name", [name for name in (*CONTRACTS, "nobody") if name != "wallet"])
def test_whatever_else_a_contract_says_is_no(access, accounts, name):
    message, signature = signed(access, accounts[name], KEEPER)
    with pytest.raises(ProblemError, match="not the account's"):
        access._sign_in.open(message, signature, access.now_ms())


def test_another_key_or_text_is_not_the_wallets(access, accounts):
    message, signature = signed(access, accounts["wallet"], STRANGER)
    mine = bytes(KEEPER.sign_message(encode_defunct(text=message + " ")).signature)
    for wrong in (signature, mine, b"", b"\0" * 65, b"\0" * (MOST_SIGNATURE + 1)):
        with pytest.raises(ProblemError, match="not the account's"):
            access._sign_in.open(message, wrong, access.now_ms())


def test_with_the_chain_away_nothing_is_decided():
    away = ContractWalletsOnChain(lambda: Web3(HTTPProvider(f"http://127.0.0.1:{free_port()}")))
    with pytest.raises(ChainError, match="does not answer"):
        away.accepts(KEEPER.address, bytes(defunct_hash_message(text="x")), b"signature")
