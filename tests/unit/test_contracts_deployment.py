"""Roles, addresses known beforehand and code comparison, without a chain."""

import re
from dataclasses import replace

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from contracts import CONTRACTS, artifact
from contracts.address_book import IN_EVERY_BOOK, AddressBook
from contracts.deterministic import (
    PROXY,
    PROXY_SIGNER,
    PROXY_TRANSACTION,
    create2_address,
    creation_code,
    is_code_of,
    salt_of,
)
from contracts.plan import CONSTRUCTORS, Plan
from contracts.roles import CANCELLED_BY_GUARDIAN, FUNCTIONS, Grant, restricted_functions, selectors
from contracts.state import Role

OWNER = "0x51a240271AB8AB9f9a21C82d9a85396b704E164d"
ADMINISTRATORS = {
    "AssetRegistry": {"setHome"},
    "CarbonCredit": {"setBufferShare", "resumeTransfers"},
    "HKDStablecoin": {"mint"},
    "MarkLedger": {"setCredit", "seal", "setRateLimit", "resumeSettling"},
    "ProductionOracle": {"resumePublishing"},
    "RevenueShare": {"resumeTransfers"},
    "ShareOffice": {"setRevenueShare", "resumeTransfers"},
}
"""Restricted functions that no role has, so that they stay with ADMIN."""


def plan(**changes):
    named = {
        "chain_id": 1,
        "deployer": OWNER,
        "signers": (OWNER,),
        "threshold": 1,
        "activation_delay_s": 0,
        "salt": "test",
        "grants": (Grant(Role.ADMIN, OWNER),),
    }
    return Plan(**(named | changes))


def test_every_restricted_function_has_a_role_or_is_the_administrators(repository):
    """Read from the sources: what is added there must be decided on here."""
    declared = re.compile(r"function (\w+)\([^)]*\)([^{;]*)", re.DOTALL)
    restricted = {}
    for path in sorted((repository / "contracts/src").rglob("*.sol")):
        names = {name for name, modifiers in declared.findall(path.read_text()) if "restricted" in modifiers.split()}
        if names:
            restricted[path.stem] = names
    named = {contract: set(functions) for contract, functions in ADMINISTRATORS.items()}
    for targets in FUNCTIONS.values():
        for contract, functions in targets.items():
            named.setdefault(contract, set()).update(functions)
    assert restricted == named


def test_no_function_has_two_roles():
    places = [(one.contract, one.selector) for one in restricted_functions(CONTRACTS)]
    assert len(places) == len(set(places))


def test_guardians_only_take_away():
    """They disable and pause, and cancel calls that wait; nothing of theirs creates, mints or resumes."""
    functions = {function for names in FUNCTIONS[Role.GUARDIAN].values() for function in names}
    assert functions == {"disable", "pausePublishing", "pauseSettling", "pauseTransfers"}
    assert {Role.ADMIN, Role.SETTLER, Role.GUARDIAN} == set(Role) - set(CANCELLED_BY_GUARDIAN)


def test_a_function_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="MarkLedger has no function print"):
        selectors("MarkLedger", "print")


def test_the_deployment_proxys_transaction_is_its_signers():
    assert Account.recover_transaction(PROXY_TRANSACTION) == PROXY_SIGNER


def test_create2_addresses_are_those_of_eip_1014():
    """keccak(0xff ++ sender ++ salt ++ keccak(creation code))[12:], with the proxy as sender."""
    salt, creation = salt_of("test"), creation_code("AccessManager", OWNER)
    whole = keccak(b"\xff" + bytes.fromhex(PROXY[2:]) + salt + keccak(creation))
    assert create2_address(salt, creation).lower() == "0x" + whole[12:].hex()


def test_each_constructor_needs_only_what_was_deployed_before():
    deployed = plan().creation
    assert list(deployed) == list(CONSTRUCTORS)
    for name, code in deployed.items():
        assert code.startswith(artifact(name).bytecode)


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({"salt": "other"}, set(CONSTRUCTORS)),
        ({"deployer": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}, set(CONSTRUCTORS)),
        ({"threshold": 2, "signers": (OWNER, PROXY)}, {"ProductionOracle", "SettlementEngine", "FeedFactory"}),
        ({"activation_delay_s": 1}, {"ProductionOracle", "SettlementEngine", "FeedFactory"}),
        ({"grants": ()}, set()),
        ({"chain_id": 5}, set()),
    ],
)
def test_addresses_commit_to_what_is_deployed(changes, moved):
    before, after = plan().addresses, plan(**changes).addresses
    assert {name for name in before if before[name] != after[name]} == moved


def test_with_a_currency_of_its_own_no_test_currency_is_deployed():
    own = plan(currency=PROXY)
    assert "HKDStablecoin" not in own.addresses
    assert own.book(3).currency == PROXY
    assert AddressBook.from_json(own.book(3).to_json()) == own.book(3)
    assert plan().book(3).currency == plan().addresses["HKDStablecoin"]


@pytest.mark.parametrize("name", IN_EVERY_BOOK)
def test_a_book_without_one_of_them_is_refused(name):
    book = plan().book(1)
    lacking = replace(book, addresses={one: at for one, at in book.addresses.items() if one != name})
    with pytest.raises(ValueError, match=f"lacks {name}"):
        AddressBook.from_json(lacking.to_json())


def test_a_currency_that_is_no_address_is_refused():
    book = replace(plan().book(1), currency=OWNER.lower())
    with pytest.raises(ValueError, match="address of the currency"):
        AddressBook.from_json(book.to_json())


@pytest.mark.parametrize("name", CONTRACTS)
def test_code_is_compared_but_for_its_immutables(name):
    built = artifact(name)
    code = bytearray(built.runtime)
    for start, length in built.immutables:
        code[start : start + length] = b"\x5a" * length
    assert is_code_of(name, bytes(code))
    assert not is_code_of(name, bytes(code) + b"\0")
    assert not is_code_of(name, b"")
    filled = {i for start, length in built.immutables for i in range(start, start + length)}
    for place in (0, len(code) // 2, len(code) - 1):
        altered = bytearray(code)
        altered[place] ^= 1
        assert is_code_of(name, bytes(altered)) is (place in filled)
