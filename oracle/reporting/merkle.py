"""Merkle trees that OpenZeppelin's `MerkleProof` and its npm package `@openzeppelin/merkle-tree` verify.

The layout is that package's StandardMerkleTree: a leaf is keccak256(keccak256(abi.encode(fields))), leaves are sorted
by hash, the tree is complete and stored in one list with the root first, and a parent is the keccak256 of its two
children in ascending order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from oracle.errors import ReportError
from oracle.reporting.abi import abi_bytes
from oracle.reporting.keccak import keccak256


def leaf_hash(types: Sequence[str], fields: Sequence[Any]) -> bytes:
    """Hash one leaf, twice, so that no inner node can pass for a leaf.

    Raises:
        ReportError: a field does not fit its type.

    """
    return keccak256(keccak256(abi_bytes(types, fields)))


def parent_hash(one: bytes, other: bytes) -> bytes:
    """Hash two children in ascending order (proofs then need no directions)."""
    return keccak256(min(one, other) + max(one, other))


@dataclass(frozen=True)
class StandardMerkleTree:
    """A tree over leaf hashes (32 bytes each, at least one), in any order."""

    leaves: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Refuse the empty tree, which has no root."""
        if not self.leaves:
            raise ReportError("a Merkle tree needs at least one leaf")

    @cached_property
    def _nodes(self) -> list[bytes]:
        ordered = sorted(self.leaves)
        n = len(ordered)
        nodes = [b""] * (2 * n - 1)
        for i, leaf in enumerate(ordered):
            nodes[2 * n - 2 - i] = leaf
        for i in range(n - 2, -1, -1):
            nodes[i] = parent_hash(nodes[2 * i + 1], nodes[2 * i + 2])
        return nodes

    @cached_property
    def _places(self) -> dict[bytes, int]:
        n = len(self.leaves)
        return {self._nodes[i]: i for i in range(2 * n - 2, n - 2, -1)}

    @property
    def root(self) -> bytes:
        """Root hash (32 bytes)."""
        return self._nodes[0]

    def proof(self, leaf: bytes) -> tuple[bytes, ...]:
        """Sibling hashes from the leaf up to the root.

        Raises:
            ReportError: the tree has no such leaf.

        """
        if leaf not in self._places:
            raise ReportError(f"leaf {leaf.hex()} is not in the tree")
        path = []
        i = self._places[leaf]
        while i > 0:
            path.append(self._nodes[i - 1 if i % 2 == 0 else i + 1])
            i = (i - 1) // 2
        return tuple(path)


def root_from_proof(leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """Root that the leaf and its sibling hashes lead to."""
    node = leaf
    for sibling in proof:
        node = parent_hash(node, sibling)
    return node
