"""PURE. Signed readings in, settled energy out: every watt-hour attested, withheld or disputed.

The stages, in the order a reading passes them: `collation` (readings of one meter out of its envelopes), `validation`
(which readings can be true together), `settlement` (register differences and their standing), `interval` (where in time
they belong), `ledger` (the accounts).
"""
