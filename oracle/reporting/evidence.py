"""What stands behind a statement: a hash chain over the envelopes used and the settlement they led to.

    evidenceRoot_N = keccak256(evidenceRoot_(N-1) || envelopesRoot_N || settlementHash_N)

`envelopesRoot_N` is the Merkle root over the digests of the asset's envelopes first used in report N (32 zero bytes if
there are none); `settlementHash_N` is keccak256 of the RFC 8785 form of the asset's settlement at that cutoff. So the
proof of an hour needs one report, and a full audit walks the chain.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import rfc8785

from oracle.metering.settlement import Settlement, Standing
from oracle.reporting.advance import Settled
from oracle.reporting.keccak import keccak256
from oracle.reporting.merkle import StandardMerkleTree, leaf_hash

EMPTY_ROOT = bytes(32)


def envelopes_root(digests: Iterable[bytes]) -> bytes:
    """Merkle root over envelope digests, whatever their order (StandardMerkleTree of bytes32)."""
    leaves = tuple(leaf_hash(("bytes32",), (digest,)) for digest in digests)
    return StandardMerkleTree(leaves).root if leaves else EMPTY_ROOT


def settlement_document(settled: Settled, meters: Mapping[str, Settlement]) -> dict[str, Any]:
    """Return an asset's settlement and the state of its meters as a JSON object."""
    return {
        **settled.members(),
        "meters": [
            {
                "meter_id": meter_id,
                "last_register_wh": one.last_register_wh,
                "last_time_ms": one.last_time_ms,
                "attested_wh": one.total_wh(Standing.ATTESTED),
                "withheld_wh": one.total_wh(Standing.WITHHELD),
                "disputed_wh": one.total_wh(Standing.DISPUTED),
                "rejected": {str(reason): how_many for reason, how_many in sorted(one.rejected.items())},
            }
            for meter_id, one in sorted(meters.items())
        ],
    }


def next_evidence_root(previous: bytes, digests: Iterable[bytes], settlement: Mapping[str, Any]) -> bytes:
    """Extend an asset's evidence chain by one report."""
    settlement_hash = keccak256(rfc8785.dumps(dict(settlement)))
    return keccak256(previous + envelopes_root(digests) + settlement_hash)
