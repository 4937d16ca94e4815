"""Proofs in Merkle-Patricia tries, held against tries that an independent library builds."""

import random

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from oracle.attestation.patricia import EMPTY_ROOT, read_rlp, value_at
from oracle.errors import ReportError
from oracle.reporting.keccak import keccak256

KEYS = st.binary(min_size=1, max_size=4)
VALUES = st.binary(min_size=1, max_size=40)


def trie_of(content):
    trie = HexaryTrie({})
    for key, value in content.items():
        trie[key] = value
    return trie


def way_to(trie, key):
    """The nodes to a key, as chain nodes give them: those that stand in the node above are left out."""
    nodes = [rlp.encode(node) for node in trie.get_proof(key)]
    return [node for place, node in enumerate(nodes) if place == 0 or len(node) >= 32]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=40), st.lists(KEYS, max_size=10))
def test_what_a_trie_holds_and_what_it_does_not_hold_is_proven(content, others):
    trie = trie_of(content)
    for key in [*content, *others]:
        assert value_at(trie.root_hash, key, way_to(trie, key)) == content.get(key)


def test_an_empty_trie_holds_nothing():
    assert HexaryTrie({}).root_hash == EMPTY_ROOT
    assert value_at(EMPTY_ROOT, b"key", ()) is None
    assert value_at(EMPTY_ROOT, b"key", (rlp.encode(b""),)[:0]) is None


@pytest.fixture(name="big")
def big_fixture():
    chance = random.Random(3)
    return trie_of({keccak256(bytes([n])): chance.randbytes(40) for n in range(200)})


def test_a_node_changed_missing_left_over_or_moved_is_refused(big):
    key = keccak256(bytes([7]))
    nodes = way_to(big, key)
    assert len(nodes) >= 3
    assert value_at(big.root_hash, key, nodes) is not None
    spoilt = [nodes[:-1], nodes[1:], [*nodes, nodes[-1]], nodes[::-1], []]
    for place, node in enumerate(nodes):
        for at in range(0, len(node), 7):
            changed = bytearray(node)
            changed[at] ^= 1
            spoilt.append([*nodes[:place], bytes(changed), *nodes[place + 1 :]])
    for wrong in spoilt:
        with pytest.raises(ReportError):
            value_at(big.root_hash, key, wrong)


def test_no_other_key_is_proven_by_the_same_nodes(big):
    """The nodes on the way to one key say nothing of another, or at most that it is not there."""
    nodes = way_to(big, keccak256(bytes([7])))
    for other in range(200):
        if other != 7:
            with pytest.raises(ReportError):
                value_at(big.root_hash, keccak256(bytes([other])), nodes)


@pytest.mark.parametrize(
    "node",
    [
        [b"\x20"],
        [b"\x20", b"v", b"w"],
        [b"", b"v"],
        [b"\x40", b"v"],
        [[b"\x20"], b"v"],
        [b"\x20" + b"k" * 40, [b"v"]],
        b"a string that is longer than thirty-two bytes",
    ],
)
def test_what_is_no_node_is_refused(node):
    encoded = rlp.encode(node)
    with pytest.raises(ReportError):
        value_at(keccak256(encoded), b"k" * 40, (encoded,))


@pytest.mark.parametrize("encoded", [b"", b"\xc1", b"\x81\x01", b"\xc0\x00", b"\xf8\x01\x00", b"\xbf" + b"\xff" * 8])
def test_malformed_rlp_is_refused(encoded):
    with pytest.raises(ReportError, match="a thing"):
        read_rlp(encoded, "a thing")
