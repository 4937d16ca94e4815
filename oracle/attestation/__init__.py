"""PURE. Signatures in, attested report out.

`proposal` (what is to be attested), `signer_set` (who counts), `signature` (secp256k1), `quorum` (k of n over one
digest), `proof` (the file that leads from a statement down to the device signatures), `verification` (checks it).
"""
