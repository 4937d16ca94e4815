"""Independent oracle nodes: signed telemetry in, energy that a quorum attests out.

The folders are the stages of a watt-hour's way: `headend` and `journal`, `metering`, `reporting`, `attestation`,
`transmitter`; `peers`, `keyring` and `historian` stand beside it. `node` puts one node together.
"""
