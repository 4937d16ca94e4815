"""PURE. Signed readings in, settled energy out: every watt-hour attested, withheld or disputed.

The stages, in the order a reading passes them: `collation` (readings of one meter out of its envelopes), `screening` (what says
nothing by itself), `trace` (which readings can be true together, and how far they are believed), `settlement` (register
differences and their standing), `site` (held against the neighbours), `interval` (where in time they belong), `ledger`
(the accounts). README.md states every rule.
"""
