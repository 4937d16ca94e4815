// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// What an asset has produced in one vintage since it was commissioned. Each figure is two counters that only rise;
/// what holds is issued minus reversed. One Merkle leaf each, in every report after the first that had it.
struct Statement {
    bytes32 assetId;
    /// Calendar year at the asset's UTC offset.
    uint16 vintage;
    uint128 energyIssuedWh;
    uint128 energyReversedWh;
    uint128 creditsIssuedG;
    uint128 creditsReversedG;
    uint128 revenueIssuedMinor;
    uint128 revenueReversedMinor;
    /// Energy up to this instant is in it [s UTC].
    uint64 cutoff;
    /// Hash chain of the envelopes behind it.
    bytes32 evidenceRoot;
}

library StatementLeaf {
    uint256 internal constant BYTES = 320;

    /// The leaf of an OpenZeppelin StandardMerkleTree, as the npm package builds it: keccak256 of keccak256 of the fields.
    /// They are hashed as they came: a field with bits beyond its type is no leaf of any tree.
    function leaf(Statement calldata statement) internal pure returns (bytes32 hash) {
        // slither-disable-next-line assembly: hashes the fields where they lie; to encode them costs more
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, statement, BYTES)
            mstore(0x00, keccak256(free, BYTES))
            hash := keccak256(0x00, 0x20)
        }
    }
}
