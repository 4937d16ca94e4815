// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICarbonCredit} from "../credits/ICarbonCredit.sol";
import {Statement} from "../settlement/Statement.sol";
import {Correction, Mark, MarkWord} from "./Marks.sol";
import {RateLimit} from "./RateLimit.sol";

/// Why a statement, or its issued part, was left out. It may pass later: statements are cumulative, so nothing is lost.
enum Hold {
    None,
    /// Nothing in it is newer than what was settled.
    Stale,
    /// The asset is not registered here, or its home is another chain or token.
    Foreign,
    /// The asset is suspended or retired.
    NotActive,
    /// The statement ends after this block.
    CutoffInFuture,
    /// A figure that no plant on Earth reaches: more than a mark holds.
    FigureTooLarge,
    /// More energy than nameplate, capacity factor and time allow.
    EnergyCeiling,
    /// More credits than the energy gives at the factor ceiling, or any without the right to them.
    CreditCeiling,
    /// More revenue than the energy gives at the tariff ceiling.
    RevenueCeiling,
    /// The vintage is sealed: it issues nothing more, and may still be reversed.
    Sealed,
    /// The project has settled more in a short time than its rate limit lets through at once.
    RateLimit
}

/// All that an asset ever produced, as settled: issued minus reversed, over all vintages.
struct Lifetime {
    uint256 energyWh;
    uint256 creditsG;
    uint256 revenueMinor;
    /// Epoch and cutoff [s UTC] of the newest statement settled of the newest vintage, or of the one before if that was
    /// newer; zero when the asset has never started.
    uint64 epoch;
    uint64 cutoff;
    /// The newest vintage.
    uint16 vintage;
}

/// Revenue of an asset's month as a range of its cumulative revenue [minor unit].
struct MonthSpan {
    uint64 fromMinor;
    /// The asset's revenue so far while the month is running.
    uint64 toMinor;
    /// The month that followed; zero while this one is running.
    uint32 next;
}

/// What has been settled: marks that only rise, under ceilings. The one place where figures become tokens, so whoever calls
/// `settle` can neither mint twice nor too much.
/// Months are yyyy * 100 + mm, local to the asset. A statement covers a year so far, so what is new in it belongs to the
/// month that its cutoff closes.
interface IMarkLedger {
    /// The new mark of one asset's vintage, assetId | vintage, as it is stored: one word, laid out as `Mark` has its fields,
    /// the first in the lowest bits. What it adds is the difference from the mark before.
    event Settled(uint256 indexed assetVintage, MarkWord mark);
    /// What was newly taken back.
    event Reversed(uint256 indexed assetVintage, uint256 energyWh, uint256 creditsG, uint256 revenueMinor);
    /// A statement, or its issued part, was left out.
    event Skipped(uint256 indexed assetVintage, Hold hold);
    /// The end of a batch of an epoch's statements: the events before it are theirs.
    event BatchSettled(uint64 indexed epoch, uint256 statements);
    event VintageSealed(bytes32 indexed projectId, uint16 indexed vintage);
    event RateLimitSet(bytes32 indexed projectId, uint64 whPerDay, uint64 burstWh);
    event SettlingPaused(bool paused);

    error SettlingIsPaused();
    error AlreadySealed(bytes32 projectId, uint16 vintage);
    error UnknownProject(bytes32 projectId);
    error CreditMissing();
    error CreditIsSet(ICarbonCredit credit);
    /// The registry's assets have their home in another ledger, or in none yet.
    error NotTheHome();
    error EpochTooLarge(uint64 epoch);
    /// A rate limit is both a rate and a burst, or neither.
    error RateLimitOutOfRange(uint64 whPerDay, uint64 burstWh);

    /// Raise the marks to statements of one active report and mint what is new. Restricted to the settlement engine, which
    /// has checked the proofs. Never reverts for one statement: see `Skipped`.
    function settle(uint64 epoch, Statement[] calldata statements) external;

    /// Name the token that the credits are minted in, for good.
    function setCredit(ICarbonCredit credit_) external;

    /// The vintage of a project issues nothing more, for good. It may still be reversed.
    function seal(bytes32 projectId, uint16 vintage) external;

    /// Let a project settle `burstWh` at once and `whPerDay` from then on; zero and zero for no limit. What is above it waits.
    function setRateLimit(bytes32 projectId, uint64 whPerDay, uint64 burstWh) external;

    /// Stop settling. Retiring is never stopped.
    function pauseSettling() external;
    function resumeSettling() external;

    /// What has been settled for an asset in a vintage.
    function markOf(bytes32 assetId, uint16 vintage) external view returns (Mark memory, Correction memory);

    /// What an asset has produced in all vintages.
    function lifetimeOf(bytes32 assetId) external view returns (Lifetime memory);

    /// Revenue that entitles holders, over all vintages [minor unit]: issued minus offset. Never falls. And the running
    /// month, zero before the first.
    function entitlingRevenue(bytes32 assetId) external view returns (uint64 revenueMinor, uint32 month);

    /// The revenue of one month; all zero when nothing was settled in it.
    function monthSpan(bytes32 assetId, uint32 month) external view returns (MonthSpan memory);

    /// The first month in which anything was settled for an asset; zero before.
    function firstMonth(bytes32 assetId) external view returns (uint32);

    function isSealed(bytes32 projectId, uint16 vintage) external view returns (bool);

    function credit() external view returns (ICarbonCredit);

    function settlingPaused() external view returns (bool);

    /// A project's rate limit, and how full its bucket was when it was last settled.
    function rateLimitOf(bytes32 projectId) external view returns (RateLimit memory);
}
