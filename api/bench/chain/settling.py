"""Statements of a day, their tree, and their settlement in batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from web3.contract import Contract

from api.bench.chain.anvil import Anvil
from oracle.reporting.merkle import StandardMerkleTree
from oracle.reporting.statement import Statement


@dataclass(frozen=True)
class Tree:
    """Statements under one root."""

    statements: dict[bytes, Statement]
    """By leaf."""
    projects: dict[bytes, str]
    """Leaf -> project of its asset."""
    merkle: StandardMerkleTree

    @classmethod
    def over(cls, statements: Sequence[Statement], projects: Sequence[str]) -> "Tree":
        """Build it over statements of assets of these projects."""
        leaves = tuple(statement.leaf for statement in statements)
        by_leaf = dict(zip(leaves, statements, strict=True))
        return cls(by_leaf, dict(zip(leaves, projects, strict=True)), StandardMerkleTree(leaves))

    @property
    def root(self) -> bytes:
        """Root hash (32 bytes)."""
        return self.merkle.root

    def batches(self, size: int) -> list[list[bytes]]:
        """The leaves, so many at a time.

        Project after project, since what is minted for one is written once a batch; within it in the order of the tree,
        since neighbours share most of their proof.
        """
        leaves = sorted(self.statements, key=lambda leaf: (self.projects[leaf], leaf))
        return [leaves[at : at + size] for at in range(0, len(leaves), size)]


def settle(anvil: Anvil, engine: Contract, epoch: int, tree: Tree, size: int) -> list[dict[str, Any]]:
    """Settle every statement of an epoch in batches of a size; return the receipts.

    Raises:
        MeasureError: a batch was refused.

    """
    return [settle_batch(anvil, engine, epoch, tree, batch) for batch in tree.batches(size)]


def settle_batch(anvil: Anvil, engine: Contract, epoch: int, tree: Tree, leaves: list[bytes]) -> dict[str, Any]:
    """Settle some of an epoch's statements under one multiproof; return the receipt."""
    together = tree.merkle.multiproof(leaves)
    statements = [tree.statements[leaf].fields() for leaf in together.leaves]
    return anvil.transact(engine, "settleMulti", [epoch, statements, list(together.proof), list(together.flags)])
