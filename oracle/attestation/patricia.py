"""Proofs in the chain's own tries: what stands under a key, given the nodes on the way to it.

Ethereum keeps state, storage and receipts in Merkle-Patricia tries (Yellow Paper, appendix D). A node is an RLP list: a
branch of 16 references and a value, or a pair of a packed path and a value (leaf) or a reference (extension). A reference is
the Keccak-256 of the node, or the node itself where that is shorter than 32 bytes.
"""

from collections.abc import Sequence
from typing import Any

import rlp  # type: ignore[import-untyped]

from oracle.errors import ReportError
from oracle.reporting.keccak import keccak256

EMPTY_ROOT = keccak256(rlp.encode(b""))
"""Root of a trie that holds nothing."""
_BRANCH, _PAIR = 17, 2
_ODD, _LEAF = 1, 2


def value_at(root: bytes, key: bytes, nodes: Sequence[bytes]) -> bytes | None:
    """Return what a trie holds under a key, None if it holds nothing there.

    Args:
        root: hash of the trie's root node (32 bytes).
        key: the key as the trie has it (already hashed, where the trie hashes its keys).
        nodes: RLP of the nodes on the way, the root first; exactly those that are referred to by hash.

    Raises:
        ReportError: a node is not the one referred to, missing, left over, or malformed.

    """
    if root == EMPTY_ROOT and not nodes:
        return None
    way = _Way(nodes)
    found = _descend(way, root, [nibble for byte in key for nibble in (byte >> 4, byte & 15)])
    way.require_end()
    return found or None


def read_rlp(encoded: bytes, what: str) -> Any:  # noqa: ANN401  nested lists of bytes
    """Decode RLP strictly.

    Raises:
        ReportError: it is malformed; `what` leads the message.

    """
    try:
        return rlp.decode(encoded)
    except (rlp.exceptions.RLPException, TypeError, ValueError, RecursionError) as error:
        raise ReportError(f"{what}: malformed RLP: {error}") from error


class _Way:
    """Nodes in the order in which they are referred to, each to be used once."""

    def __init__(self, nodes: Sequence[bytes]) -> None:
        self._nodes = nodes
        self._used = 0

    def follow(self, reference: Any) -> list[Any]:  # noqa: ANN401  a hash, or the node itself
        if isinstance(reference, list):
            return reference
        if self._used == len(self._nodes):
            raise ReportError("a node of the trie is missing")
        encoded = self._nodes[self._used]
        self._used += 1
        if keccak256(encoded) != reference:
            raise ReportError("a node of the trie is not the one referred to")
        node = read_rlp(encoded, "a node of the trie")
        if not isinstance(node, list):
            raise ReportError("a node of the trie is no list")
        return node

    def require_end(self) -> None:
        if self._used != len(self._nodes):
            raise ReportError("a node of the trie is left over")


def _descend(way: _Way, reference: Any, nibbles: list[int]) -> bytes:  # noqa: ANN401  as above
    """Return the value under the nibbles left; empty if there is none."""
    while True:
        node = way.follow(reference)
        if len(node) == _BRANCH:
            if not nibbles:
                return _value(node[16])
            reference, nibbles = node[nibbles[0]], nibbles[1:]
        elif len(node) == _PAIR:
            path, is_leaf = _unpacked(node[0])
            if is_leaf:
                return _value(node[1]) if path == nibbles else b""
            if not path or nibbles[: len(path)] != path:
                return b""
            reference, nibbles = node[1], nibbles[len(path) :]
        else:
            raise ReportError(f"a node of the trie has {len(node)} items")
        if reference == b"":
            return b""


def _unpacked(packed: Any) -> tuple[list[int], bool]:  # noqa: ANN401  as above
    """Read a packed path (hex-prefix encoding): its nibbles, and whether it ends in a leaf."""
    if not isinstance(packed, bytes) or not packed or packed[0] >> 4 > (_ODD | _LEAF):
        raise ReportError("a path in the trie is malformed")
    flags = packed[0] >> 4
    nibbles = [packed[0] & 15] if flags & _ODD else []
    nibbles += [nibble for byte in packed[1:] for nibble in (byte >> 4, byte & 15)]
    return nibbles, bool(flags & _LEAF)


def _value(item: Any) -> bytes:  # noqa: ANN401  as above
    if not isinstance(item, bytes):
        raise ReportError("a value in the trie is a list")
    return item
