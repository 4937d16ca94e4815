"""Identifiers, structs and artifacts of the contracts, without a chain."""

import json

import pytest

from contracts import CONTRACTS, artifact
from contracts.deployment import AddressBook
from contracts.state import (
    NEVER_REVOKED,
    Asset,
    AssetStatus,
    Assurance,
    ClaimRight,
    ListedMeter,
    MeterRole,
    Project,
    credit_id,
    from_bytes32,
    revenue_id,
    to_bytes32,
)
from contracts.transaction import decode_revert, revert_bytes

OWNER = "0x51a240271AB8AB9f9a21C82d9a85396b704E164d"
CODE_LIMIT = 24 * 1024


def test_identifiers_are_left_aligned_and_leave_four_bytes_free():
    assert to_bytes32("shatin-1") == b"shatin-1" + bytes(24)
    assert to_bytes32("a" * 28)[28:] == bytes(4)
    assert from_bytes32(to_bytes32("Hunan.village_7")) == "Hunan.village_7"


@pytest.mark.parametrize("name", ["", "a" * 29, "-a", ".a", "a b", "沙田", "a/b", "a\n", "a\0"])
def test_what_is_no_identifier_is_refused(name):
    with pytest.raises(ValueError, match="not an identifier"):
        to_bytes32(name)


@pytest.mark.parametrize("raw", [bytes(32), b"a", b"a\0b" + bytes(29), b"\xff" * 32, b"a" * 29 + bytes(3)])
def test_bytes_that_hold_no_identifier_are_refused(raw):
    with pytest.raises(ValueError, match="not an identifier"):
        from_bytes32(raw)


def test_token_ids_carry_their_number_in_the_last_four_bytes():
    assert credit_id("rooftops", 2026).to_bytes(32, "big") == b"rooftops" + bytes(22) + (2026).to_bytes(2, "big")
    assert revenue_id("shatin-1", 202605) & 0xFFFFFFFF == 202605


def test_structs_survive_the_way_to_the_chain_and_back():
    project = Project("rooftops", OWNER, b"m" * 32, ClaimRight.CREDIT, b"d" * 32, Assurance.RECORDED, b"r" * 32)
    assert Project.from_abi(to_bytes32("rooftops"), project.to_abi(), b"r" * 32) == project
    asset = Asset("shatin-1", "rooftops", OWNER, 8000, 1, -3600, 700_000, 4_000_000_000, 250_000, AssetStatus.SUSPENDED)
    assert Asset.from_abi(to_bytes32("shatin-1"), asset.to_abi()) == asset
    meter = ListedMeter("shatin-1", "meter", "device", b"t" * 32, MeterRole.PLANT, 8000, 12, 1_700_000_000_000)
    assert ListedMeter.from_abi(meter.to_abi()) == meter
    assert meter.revoked_boot == meter.revoked_sequence == NEVER_REVOKED


def test_an_asset_that_nobody_registered_cannot_be_read():
    unregistered = (bytes(32), "0x" + "00" * 20, 0, 0, 0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="not an identifier"):
        Asset.from_abi(to_bytes32("shatin-1"), unregistered)


@pytest.mark.parametrize("name", CONTRACTS)
def test_artifacts_are_complete_and_reproducible(name):
    built = artifact(name)
    assert built.name == name
    assert 0 < len(built.bytecode) < 2 * CODE_LIMIT
    assert built.compiler.startswith("solc 0.8.37")
    assert built.source_hash.startswith("sha256:")
    assert b"ipfs" not in built.bytecode  # no metadata hash at the end


def test_an_unknown_contract_is_named():
    with pytest.raises(KeyError, match="no contract named 'Ponzi'"):
        artifact("Ponzi")


def test_reverts_are_put_in_words():
    assert decode_revert(bytes.fromhex("08c379a0") + _words(32, 2) + b"no".ljust(32, b"\0")) == "Error(reason=no)"
    assert decode_revert(bytes.fromhex("4e487b71") + _words(17)) == "Panic(reason=17)"
    assert decode_revert(b"\1\2\3\4\5") == "unknown error 0x0102030405"
    assert decode_revert(bytes.fromhex("4e487b71")) == "Panic: undecodable 0x4e487b71"
    assert decode_revert(b"") == "reverted without a reason"


def test_revert_bytes_are_found_where_clients_put_them():
    class NodeError(Exception):
        data: object = "0x0102"

    class NestedError(Exception):
        data: object = {"data": "0x0102"}

    assert revert_bytes(NodeError()) == b"\1\2"
    assert revert_bytes(NestedError()) == b"\1\2"
    assert revert_bytes(Exception("execution reverted: b'\\x01\\x02'")) == b"\1\2"
    NodeError.data = "0xnothing"
    assert revert_bytes(NodeError()) == b""
    assert revert_bytes(Exception("connection refused")) == b""


def test_an_address_book_reads_back_and_is_always_the_same_text():
    book = AddressBook(31337, 7, dict.fromkeys(CONTRACTS, OWNER))
    assert AddressBook.from_json(book.to_json()) == book
    shuffled = AddressBook(31337, 7, dict.fromkeys(reversed(CONTRACTS), OWNER))
    assert shuffled.to_json() == book.to_json()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"addresses": {}}, "lacks AccessManager"),
        ({"addresses": dict.fromkeys(CONTRACTS, OWNER.lower())}, "not checksummed"),
        ({"addresses": dict.fromkeys(CONTRACTS, 5)}, "not checksummed"),
        ({"chain_id": "1"}, "integers"),
        ({"block": None}, "integers"),
        ({"addresses": 3}, "not an address book"),
    ],
)
def test_a_broken_address_book_is_refused(change, complaint):
    book = json.loads(AddressBook(31337, 7, dict.fromkeys(CONTRACTS, OWNER)).to_json()) | change
    with pytest.raises(ValueError, match=complaint):
        AddressBook.from_json(json.dumps(book))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null"])
def test_what_is_no_address_book_is_refused(text):
    with pytest.raises(ValueError, match="not an address book"):
        AddressBook.from_json(text)


def _words(*numbers):
    return b"".join(number.to_bytes(32, "big") for number in numbers)
