// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Statement} from "./Statement.sol";

/// Checks statements against an active root and hands them to the ledger. Holds nothing and decides nothing.
/// Anyone may call, for any active report, in any order, any number of times. Stale, capped and foreign statements are
/// skipped (see `IMarkLedger.Skipped`).
interface ISettlementEngine {
    /// There is no active root of the epoch: unknown, pending, disabled, or fallen out of the ring.
    error RootNotActive(uint64 epoch);
    error LengthsDiffer(uint256 statements, uint256 proofs);
    /// The statement at `index` is not a leaf of the epoch's root.
    error BadProof(uint256 index);
    /// The statements are not leaves of the epoch's root, in the order of the multiproof.
    error BadMultiproof();

    /// Settle one statement.
    function settleOne(uint64 epoch, Statement calldata statement, bytes32[] calldata proof) external;

    /// Settle statements, each with its own proof.
    function settle(uint64 epoch, Statement[] calldata statements, bytes32[][] calldata proofs) external;

    /// Settle statements under one OpenZeppelin multiproof, as StandardMerkleTree.getMultiProof gives it: cheapest for many.
    function settleMulti(
        uint64 epoch,
        Statement[] calldata statements,
        bytes32[] calldata proof,
        bool[] calldata proofFlags
    ) external;
}
