"""Attested report -> chain, and chain state read back: one port (`port`), any EVM chain through web3 (`web3_chain`)."""
