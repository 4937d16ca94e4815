// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Mark} from "./Marks.sol";
import {Statement} from "./Statement.sol";

/// Why a statement minted nothing although it says something new. It may pass later: nothing is lost by being held.
enum Hold {
    None,
    /// The asset is unregistered, suspended or retired.
    NotActive,
    /// The project has no right to this claim.
    NoClaimRight,
    /// The statement ends after this block.
    CutoffInFuture,
    /// A figure that no plant on Earth reaches: 2^80 and more.
    FigureTooLarge,
    /// More energy than nameplate, capacity factor and time allow.
    EnergyCeiling,
    /// More units than the energy behind them allows: grams at the factor ceiling, minor units at the tariff ceiling.
    UnitCeiling
}

/// What became of one statement.
struct Outcome {
    /// Newly minted units.
    uint256 units;
    /// Energy newly counted behind minted units [Wh].
    uint256 energyWh;
    Hold hold;
}

/// An ERC-1155 whose units are minted from statements: it keeps the marks and the ceilings itself, so that whoever calls
/// `settle` can neither mint twice nor too much.
interface ISettledToken {
    /// Mint what is new in each statement to the asset's beneficiary. Restricted to the settlement engine, which has
    /// checked the proofs. Never reverts for one statement: see `Outcome.hold`.
    function settle(Statement[] calldata statements) external returns (Outcome[] memory);

    /// What has been settled for an asset and vintage: units and the energy [Wh] behind them.
    function marks(bytes32 assetId, uint16 vintage) external view returns (Mark memory units, Mark memory energy);

    /// Net energy behind what was minted [Wh]. Never falls.
    function backedWh(bytes32 assetId, uint16 vintage) external view returns (uint256);

    /// Units of an id in circulation.
    function totalSupply(uint256 id) external view returns (uint256);
}
