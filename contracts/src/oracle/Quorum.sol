// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProductionOracle} from "./IProductionOracle.sol";

/// The one question that everything rests on: did a quorum sign this?
library Quorum {
    uint256 internal constant SIGNATURE_BYTES = 65;
    /// (r, n - s) is as good to ecrecover as (r, s). Only the low one counts, so that a signature has one form.
    uint256 internal constant HALF_CURVE_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// Revert unless `signatures` are exactly `threshold` signatures (r || s || v) over `digest`, by as many signers of the
    /// ascending set `packedSigners` (20 bytes each, see `SignerCode`), in the order of the set.
    // A set is searched where it lies in memory: Solidity has no view of it as addresses of 20 bytes.
    // slither-disable-next-line assembly
    function verify(bytes32 digest, bytes calldata signatures, bytes memory packedSigners, uint8 threshold)
        internal
        view
    {
        uint256 length;
        unchecked {
            length = threshold * SIGNATURE_BYTES; // of one byte and a small number
        }
        if (signatures.length != length) revert IProductionOracle.WrongSignatureLength(length, signatures.length);
        uint256 next; // where the search for a signer begins: behind the one before, so that nobody counts twice
        uint256 end;
        assembly ("memory-safe") {
            next := add(packedSigners, 32)
            end := add(next, mload(packedSigners))
        }
        for (uint256 i = 0; i < threshold; ++i) {
            address recovered = _recover(digest, signatures, i);
            bool found;
            assembly ("memory-safe") {
                // While it is not found and there are more.
                for {} lt(found, lt(next, end)) { next := add(next, 20) } {
                    found := eq(recovered, shr(96, mload(next)))
                }
            }
            if (!found) revert IProductionOracle.UnknownSigner(i, recovered);
        }
    }

    /// The account that made the `index`-th signature, which is there.
    function _recover(bytes32 digest, bytes calldata signatures, uint256 index)
        private
        view
        returns (address recovered)
    {
        // slither-disable-next-line assembly: `ecrecover` from the calldata, without a copy of each signature
        assembly ("memory-safe") {
            let signature := add(signatures.offset, mul(index, SIGNATURE_BYTES))
            let s := calldataload(add(signature, 32))
            let input := mload(0x40)
            mstore(input, digest)
            mstore(add(input, 32), byte(0, calldataload(add(signature, 64)))) // v
            mstore(add(input, 64), calldataload(signature)) // r
            mstore(add(input, 96), s)
            // ecrecover answers nothing to any v but 27 and 28, and to any r or s that is no number of the curve's.
            mstore(0, 0)
            pop(staticcall(gas(), 1, input, 128, 0, 32))
            if iszero(gt(s, HALF_CURVE_ORDER)) { recovered := mload(0) }
        }
        if (recovered == address(0)) revert IProductionOracle.InvalidSignature(index);
    }
}
