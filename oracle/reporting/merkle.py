"""Merkle trees that OpenZeppelin's `MerkleProof` and its npm package `@openzeppelin/merkle-tree` verify.

The layout is that package's StandardMerkleTree: a leaf is keccak256(keccak256(abi.encode(fields))), leaves are sorted
by hash, the tree is complete and stored in one list with the root first, and a parent is the keccak256 of its two
children in ascending order.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

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


class Multiproof(NamedTuple):
    """Shows several leaves under one root, as `MerkleProof.multiProofVerify` takes it."""

    proof: tuple[bytes, ...]
    """Hashes that cannot be computed from the leaves (32 bytes each), in the order of use."""
    flags: tuple[bool, ...]
    """One a parent: whether its second child is computed (true) or comes from `proof` (false)."""
    leaves: tuple[bytes, ...]
    """The leaves in the order in which they must be given."""


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
        path = []
        i = self._place(leaf)
        while i > 0:
            path.append(self._nodes[i - 1 if i % 2 == 0 else i + 1])
            i = (i - 1) // 2
        return tuple(path)

    def multiproof(self, leaves: Iterable[bytes]) -> Multiproof:
        """One proof of several leaves, given in any order. It equals `getMultiProof` of the npm package.

        Nodes are worked off from the last place of the tree to the first, level by level, each parent queued behind
        those that wait: a sibling that is computed too is then always next in the queue.

        Raises:
            ReportError: the tree has no such leaf, or one is given twice, or none.

        """
        places = sorted((self._place(leaf) for leaf in leaves), reverse=True)
        if not places or len(set(places)) < len(places):
            raise ReportError("a multiproof needs at least one leaf, and each once")
        proof, flags, queue = [], [], deque(places)
        while (i := queue.popleft()) > 0:
            sibling = i - 1 if i % 2 == 0 else i + 1
            computed = bool(queue) and queue[0] == sibling
            flags.append(computed)
            if computed:
                queue.popleft()
            else:
                proof.append(self._nodes[sibling])
            queue.append((i - 1) // 2)
        return Multiproof(tuple(proof), tuple(flags), tuple(self._nodes[i] for i in places))

    def _place(self, leaf: bytes) -> int:
        if leaf not in self._places:
            raise ReportError(f"leaf {leaf.hex()} is not in the tree")
        return self._places[leaf]


def root_from_proof(leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """Root that the leaf and its sibling hashes lead to."""
    node = leaf
    for sibling in proof:
        node = parent_hash(node, sibling)
    return node
