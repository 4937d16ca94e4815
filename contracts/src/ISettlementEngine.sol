// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hold} from "./ISettledToken.sol";
import {Statement} from "./Statement.sol";

/// Checks statements against a published root and routes them to the tokens. Holds nothing and decides nothing.
interface ISettlementEngine {
    /// What one statement newly minted; nothing is emitted for a statement that minted nothing.
    /// `energyWh` is the energy newly counted by RevenueShare, which takes every asset, so that it is never counted twice.
    event Settled(
        bytes32 indexed assetId,
        uint16 indexed vintage,
        uint64 indexed epoch,
        uint256 energyWh,
        uint256 creditsG,
        uint256 revenueMinor
    );

    /// `token` held a statement back, see Hold. Later statements of the asset, or the same one again, may pass.
    event Capped(bytes32 indexed assetId, uint16 indexed vintage, uint64 indexed epoch, address token, Hold hold);

    error UnknownRoot(uint64 epoch);
    error LengthsDiffer(uint256 statements, uint256 proofs);
    /// The statement at `index` is not a leaf of the epoch's root.
    error BadProof(uint256 index);

    /// Mint what is new in statements of one report. Anyone may call, any report, in any order, any number of times.
    function settle(uint64 epoch, Statement[] calldata statements, bytes32[][] calldata proofs) external;
}
