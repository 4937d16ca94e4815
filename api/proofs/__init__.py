"""Proofs: written out of a node, verified against what a reader trusts, compared."""
