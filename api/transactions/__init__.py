"""Calls prepared for wallets and registrars, and what of them is on chain. Nothing here signs or sends."""
