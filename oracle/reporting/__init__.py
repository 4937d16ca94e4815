"""PURE. Settled energy in, one report out: cumulative statements per asset and vintage, under one Merkle root and one EIP-712 digest.

The stages: `rules` (factors and tariffs, pinned by digest), `emissions` (Wh to grams and money, rounded down),
`statement` (counters that only rise), `evidence` (hash chain of the envelopes behind a statement), `merkle`
(OpenZeppelin StandardMerkleTree), `registry` (who may sign, as a hash), `report` (the digest that nodes sign),
`compilation` (all of it as one function).
"""
