"""PURE. Signatures in, attested report out.

`proposal` (what is to be attested), `signer_set` (who counts), `signature` (secp256k1), `quorum` (k of n over one
digest), `proof` (the file that leads from a statement down to the device signatures), `verification` (checks it),
`period` (what is booked in a stretch of time, with its proof), `comparison` (what changed between two proofs, and why),
`credits` and `credit_verification` (from serial numbers or a retirement down to the devices), by what the chain itself
shows: `patricia` (its tries), `block` (logs and storage of a block), `issuance` (the log of an id), `credit_storage`.
"""
