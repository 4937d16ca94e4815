"""PURE. Settled energy in, one report out: cumulative statements per asset and vintage, under one Merkle root and one EIP-712 digest.

The stages: `rules` (all that decides a figure, pinned by digest), `terms` (tariff, factors and methodology of an asset;
`factors`, `factor_table`, `methodologies`), `net_energy` (exports less imports by day), `eligibility` (why there are no
credits), `carbon` (energy under its terms), `emissions` (Wh to grams and money, rounded down),
`statement` (counters that only rise), `evidence` (hash chain of the envelopes behind a statement), `merkle`
(OpenZeppelin StandardMerkleTree), `registry` (who may sign, as a hash), `report` (the digest that nodes sign),
`compilation` (all of it as one function). Beside them, the other claim: `certificates` (by the hour), `granular` and
`granular_chain` (their files), `hourly_factors` (what the grid emitted, for information).
"""
