// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// How minted credits are shared between an asset's owner and the project's buffer.
library VaultShare {
    uint256 internal constant WHOLE_BPS = 10_000;

    /// The owner's part of what an asset was minted in a vintage [g]; the buffer has the rest.
    function ownersDown(uint256 mintedG, uint256 bufferBps) internal pure returns (uint256) {
        // Grams have 56 bits, and a share is at most the whole.
        unchecked {
            return mintedG * (WHOLE_BPS - bufferBps) / WHOLE_BPS;
        }
    }
}
