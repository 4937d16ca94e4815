"""Errors of contracts in words."""

import string

import pytest
from eth_abi import encode
from eth_utils.abi import function_signature_to_4byte_selector

from api.transactions.refusals import WORDS, in_words, refusal, refusal_of
from contracts import CONTRACTS, artifact
from contracts.state import credit_id, to_bytes32

OWNER = "0x2BD0C9FE079c8FcA0E3352eb3D02839c371E5c41"
CALLED = ("CarbonCredit", "RevenueShare", "RetirementCertificate", "AssetRegistry", "AssetShare", "HKDStablecoin")
"""Contracts that prepared transactions call."""
NOT_MET = {
    # what only ledger, buffer keeper, trustee, enforcer or administrator can meet
    "IssuedOutOfBalance", "MoreThanUnapplied", "NotTheLedger", "ShareOutOfRange", "MoreThanOutstanding", "NotReplaced",
    "NothingToCarry", "ReasonMissing", "HomeIsSet", "NotOffice", "NotRevenueShare", "SameAccount",
    "AccessManagedInvalidAuthority",
    # certificates do not move
    "CertificateStays", "NoOperators",
    # what OpenZeppelin's code has and these calls cannot reach
    "ERC1155InvalidApprover", "ERC1155InvalidArrayLength", "ERC1155InvalidOperator", "ERC1155InvalidSender",
    "ERC20InvalidReceiver", "ERC20InvalidSender", "ERC7943CannotTransfer", "InvalidAccountNonce", "InvalidShortString",
    "StringTooLong", "SafeCastOverflowedUintDowncast", "StringsInsufficientHexLength", "ReentrancyGuardReentrantCall",
    "ERC721IncorrectOwner", "ERC721InsufficientApproval", "ERC721InvalidApprover", "ERC721InvalidOperator",
    "ERC721InvalidOwner", "ERC721InvalidReceiver", "ERC721InvalidSender", "ERC721NonexistentToken",
}  # fmt: skip


def errors_of(*contracts):
    return [
        (entry["name"], [item["name"] for item in entry["inputs"]])
        for contract in contracts
        for entry in artifact(contract).abi
        if entry["type"] == "error"
    ]


def test_every_error_that_can_be_met_has_words():
    declared = {name for name, _ in errors_of(*CALLED)}
    assert declared - NOT_MET - WORDS.keys() == set()
    assert NOT_MET & WORDS.keys() == set()
    assert declared >= NOT_MET


def test_words_are_of_errors_that_exist_and_name_only_their_arguments():
    declared = errors_of(*CONTRACTS)
    assert WORDS.keys() <= {name for name, _ in declared}
    for name, inputs in declared:
        named = {field for _, field, _, _ in string.Formatter().parse(WORDS.get(name, "")) if field}
        assert named <= set(inputs), name


@pytest.mark.parametrize("name", sorted(WORDS))
def test_words_say_what_to_do(name):
    assert ":" in WORDS[name] or "." in WORDS[name], "what is wrong, and what to do"
    assert WORDS[name][0] != WORDS[name][0].upper() or WORDS[name][0] == "{"


def test_a_revert_is_told_with_its_figures():
    selector = function_signature_to_4byte_selector("MoreThanInVault(uint256,uint256)")
    problem = refusal_of(selector + encode(["uint256", "uint256"], [12, 2**60]))
    assert problem.type.slug == "refused-by-contract"
    assert problem.members == {"reason": "MoreThanInVault", "values": {"available": 12, "asked": str(2**60)}}
    assert "12 g" in problem.detail
    assert in_words(selector + encode(["uint256", "uint256"], [12, 13]))[0] == "MoreThanInVault"


def test_names_are_text_and_accounts_are_checksummed():
    told = refusal("HolderFrozen", {"assetId": to_bytes32("roof-7"), "holder": OWNER.lower()})
    assert told.members["values"] == {"assetId": "roof-7", "holder": OWNER}
    key = refusal("KeyOfAnotherMeter", {"thumbprint": b"\x01" * 32})
    assert key.members["values"] == {"thumbprint": "0x" + "01" * 32}


@pytest.mark.parametrize("revert", [b"", b"\x01\x02\x03\x04", b"\x01"])
def test_what_no_contract_of_ours_says_is_shown_as_it_is(revert):
    problem = refusal_of(revert)
    assert problem.members == {"reason": None, "values": {}}
    assert revert.hex() in problem.detail


def test_a_cut_off_revert_is_no_error_of_ours():
    selector = function_signature_to_4byte_selector("MoreThanInVault(uint256,uint256)")
    assert refusal_of(selector + b"\x00" * 31).members["reason"] is None


def test_an_error_without_words_is_still_named():
    told = refusal("SomethingNew", {"id": credit_id("hunan", 2026), "yes": True})
    assert "SomethingNew" in told.detail
    assert told.members["values"]["id"] == str(credit_id("hunan", 2026))
