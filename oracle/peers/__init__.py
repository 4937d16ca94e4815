"""How nodes exchange proposals, attestations and envelopes: one port (`port`), in process for now (`in_process`)."""
