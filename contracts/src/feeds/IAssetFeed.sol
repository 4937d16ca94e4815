// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarkLedger} from "../ledger/IMarkLedger.sol";
import {IProductionOracle} from "../oracle/IProductionOracle.sol";
import {IAssetRegistry} from "../registry/IAssetRegistry.sol";
import {Statement} from "../settlement/Statement.sol";
import {AggregatorV3Interface} from "./AggregatorV3Interface.sol";

/// What a feed counts.
enum Metric {
    /// [Wh], no decimals.
    Energy,
    /// [g CO2e], no decimals.
    Credits,
    /// [minor unit], 6 decimals.
    Revenue
}

/// How a feed's figure stands.
enum Phase {
    /// There is no figure: `latestRoundData` reverts with `NeverStarted`.
    NeverStarted,
    /// The figure is no older than asked.
    Live,
    /// It is older.
    Stale,
    /// It is final: old, and meant to be. It may still be corrected downwards.
    Sealed
}

/// One figure of one asset, or of the fleet, as Chainlink's readers expect it.
/// An asset's answer is what has been settled of it over all vintages, issued minus reversed and never below zero: signed,
/// active and within its ceilings. Its one round is the newest statement of its newest vintage, so an answer may still move
/// within a round: while older vintages of the same report are settled, or corrected.
/// The fleet's answers are the totals that the quorum signed, one round an active report.
/// `roundId` and `answeredInRound` are the epoch, `startedAt` and `updatedAt` the signed cutoff [s UTC]. An answer counts
/// from commissioning: for a period, subtract two.
interface IAssetFeed is AggregatorV3Interface {
    /// The implementation that feeds are clones of: no feed itself.
    error NotAFeed();
    /// Nothing has been settled for the asset; for the fleet, no report is active of the last 256 epoch numbers.
    error NeverStarted();
    error NoDataPresent(uint80 roundId);
    /// The statement is not of this feed's asset. The fleet has no statements.
    error OtherAsset(bytes32 expected, bytes32 given);
    /// There is no active root of the epoch: unknown, pending, disabled, or fallen out of the ring.
    error RootNotActive(uint64 epoch);
    /// The statement is not a leaf of the epoch's root.
    error BadProof();
    error CutoffInFuture(uint64 cutoff, uint256 blockTime);
    error TooOld(uint64 cutoff, uint256 maxAgeS);

    /// Read one statement of an active report, whether or not it has been settled: what the quorum signed for one vintage,
    /// issued minus reversed, not held to any ceiling. Reverts when it ends more than `maxAgeS` ago. Any active epoch is
    /// taken: who wants the newest compares with `oracle().lastActiveEpoch()`.
    function readWithProof(uint64 epoch, Statement calldata statement, bytes32[] calldata proof, uint256 maxAgeS)
        external
        view
        returns (int256 answer, uint64 cutoff);

    /// Never reverts on a feed. An asset is sealed when the registry has retired it, or its newest vintage is sealed; the
    /// fleet never is.
    function phase(uint256 maxAgeS) external view returns (Phase);

    /// Zero for the fleet.
    function assetId() external view returns (bytes32);
    function metric() external view returns (Metric);

    function oracle() external view returns (IProductionOracle);
    function ledger() external view returns (IMarkLedger);
    function registry() external view returns (IAssetRegistry);
}
