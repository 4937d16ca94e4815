// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICarbonCredit, Issuance} from "../credits/ICarbonCredit.sol";
import {ClaimRight, IAssetRegistry} from "../registry/IAssetRegistry.sol";
import {Terms} from "../registry/Terms.sol";
import {Statement} from "../settlement/Statement.sol";
import {StatementWords} from "../settlement/StatementWords.sol";
import {Calendar, Calendars} from "./Calendar.sol";
import {Ceilings} from "./Ceilings.sol";
import {Hold, IMarkLedger} from "./IMarkLedger.sol";
import {MarkHistory} from "./MarkHistory.sol";
import {CorrectionWords, Figures, MarkWord, Marks} from "./Marks.sol";
import {Bucket, RateLimit, RateLimits} from "./RateLimit.sol";
import {Run, RunList, Runs} from "./Runs.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// Marks that only rise, under ceilings: what a statement may settle, and what of it is new.
contract MarkLedger is MarkHistory, AccessManaged {
    using Calendars for Calendar;
    using RateLimits for Bucket;
    using RateLimits for RateLimit;
    using RunList for Run;
    using RunList for Runs;
    using StatementWords for Statement;

    /// One statement on its way the long way: what it newly issues and reverses.
    struct Case {
        uint256 key;
        Terms terms;
        /// The issued figures after it.
        Figures raised;
        Figures issued;
        Figures reversed;
        CorrectionWords correction;
        Run run;
        bool begins;
    }

    /// What the statements of one batch share.
    struct Batch {
        uint64 epoch;
        Calendar calendar;
        Runs runs;
    }

    /// Where ceilings, beneficiaries and rights come from.
    IAssetRegistry public immutable registry;
    ICarbonCredit public credit;
    bool public settlingPaused;
    mapping(bytes32 projectId => RateLimit) internal _rateLimits;
    mapping(bytes32 projectId => mapping(uint16 vintage => bool)) public isSealed;

    constructor(address authority, IAssetRegistry registry_) AccessManaged(authority) {
        registry = registry_;
    }

    /// @inheritdoc IMarkLedger
    function settle(uint64 epoch, Statement[] calldata statements) external restricted {
        if (settlingPaused) revert SettlingIsPaused();
        if (epoch > type(uint32).max) revert EpochTooLarge(epoch);
        if (registry.home() != address(this)) revert NotTheHome();
        if (address(credit) == address(0)) revert CreditMissing();
        // slither-disable-next-line uninitialized-local: memory begins as zeros, and a batch as nothing
        Batch memory batch;
        batch.epoch = epoch;
        batch.runs.reserve(statements.length);
        for (uint256 i = 0; i < statements.length; ++i) {
            Hold hold = _settle(statements[i], batch);
            if (hold != Hold.None) emit Skipped(statements[i].key(), hold);
        }
        for (uint256 i = 0; i < batch.runs.count; ++i) {
            _finish(batch.runs.all[i]);
        }
        emit BatchSettled(epoch, statements.length);
    }

    /// @inheritdoc IMarkLedger
    function setCredit(ICarbonCredit credit_) external restricted {
        if (address(credit_) == address(0)) revert CreditMissing();
        if (address(credit) != address(0)) revert CreditIsSet(credit);
        credit = credit_;
    }

    /// @inheritdoc IMarkLedger
    function seal(bytes32 projectId, uint16 vintage) external restricted {
        if (!registry.isProject(projectId)) revert UnknownProject(projectId);
        if (isSealed[projectId][vintage]) revert AlreadySealed(projectId, vintage);
        isSealed[projectId][vintage] = true;
        emit VintageSealed(projectId, vintage);
    }

    /// @inheritdoc IMarkLedger
    function setRateLimit(bytes32 projectId, uint64 whPerDay, uint64 burstWh) external restricted {
        if (!registry.isProject(projectId)) revert UnknownProject(projectId);
        if (whPerDay > type(uint56).max || (whPerDay == 0) != (burstWh == 0)) {
            revert RateLimitOutOfRange(whPerDay, burstWh);
        }
        RateLimit storage limit = _rateLimits[projectId];
        // What is in the bucket drained at the old rate until now.
        limit.levelWh = uint96(RateLimits.levelWhUp(limit, block.timestamp));
        limit.since = uint40(block.timestamp);
        limit.whPerDay = uint56(whPerDay);
        limit.burstWh = burstWh;
        emit RateLimitSet(projectId, whPerDay, burstWh);
    }

    /// @inheritdoc IMarkLedger
    function pauseSettling() external restricted {
        settlingPaused = true;
        emit SettlingPaused(true);
    }

    /// @inheritdoc IMarkLedger
    function resumeSettling() external restricted {
        settlingPaused = false;
        emit SettlingPaused(false);
    }

    /// @inheritdoc IMarkLedger
    function rateLimitOf(bytes32 projectId) external view returns (RateLimit memory) {
        return _rateLimits[projectId];
    }

    /// Settle what is new in a statement; a hold says why it, or its issued part, was left out.
    function _settle(Statement calldata statement, Batch memory batch) private returns (Hold) {
        if (!statement.fits()) return Hold.FigureTooLarge;
        MarkWord mark = _marks[statement.key()];
        Figures issued = statement.issued();
        bool plain = mark.flags() == Marks.STARTED && statement.reversed_().isZero();
        if (!plain) return _settleAny(statement, mark, issued, batch);

        // The common case, in one slot: the newest vintage goes on and nothing was ever taken back.
        Figures raised = mark.figures().atLeast(_counted(issued, mark));
        if (Figures.unwrap(raised) == Figures.unwrap(mark.figures()) && statement.cutoffWord() <= mark.cutoff()) {
            return Hold.Stale;
        }
        return _settlePlain(statement, mark, raised, batch);
    }

    /// Raise a mark that has no correction; where the statement turns the month, or its credits make up for a reversal of
    /// another asset's, the long way.
    function _settlePlain(Statement calldata statement, MarkWord mark, Figures raised, Batch memory batch)
        private
        returns (Hold hold)
    {
        // slither-disable-next-line calls-loop: the registry is ours; the caller says which statements
        (Terms terms, bytes32 projectId) = registry.terms(statement.assetIdWord());
        if (!terms.isActive()) return _settleAny(statement, mark, raised, batch);
        Run memory run = batch.runs.all[_runOf(batch, projectId, statement.vintageWord(), mark.claimKind())];
        uint256 newWh = raised.energyWh() - mark.figures().energyWh();
        bool adds = Figures.unwrap(raised) != Figures.unwrap(mark.figures());
        hold = _holdOf(statement, terms, run, batch, raised, adds, newWh != 0);
        if (hold == Hold.Sealed) return _settleAny(statement, mark, raised, batch);
        if (hold != Hold.None) return hold;
        // Figures have at most 64 bits and never fall.
        unchecked {
            if (run.unappliedG != 0 || batch.calendar.month > statement.vintageWord() * 12 + mark.month()) {
                return _settleAny(statement, mark, raised, batch);
            }
            run.bucket.settledWh += newWh;
            uint256 before = mark.figures().creditsG();
            // Nothing is unapplied here, so nothing is offset.
            // slither-disable-next-line unused-return
            if (raised.creditsG() != before) run.countCredits(before, raised.creditsG() - before, 0);
        }
        mark = mark.withFigures(raised).withTime(statement.cutoffWord(), batch.epoch);
        _marks[statement.key()] = mark;
        emit Settled(statement.key(), mark);
    }

    /// Settle a statement whatever there is to it: a first one, a reversal, an older vintage, a new month.
    function _settleAny(Statement calldata statement, MarkWord mark, Figures issued, Batch memory batch)
        private
        returns (Hold hold)
    {
        // slither-disable-next-line uninitialized-local: memory begins as zeros; each field is set as it becomes known
        Case memory this_;
        bytes32 projectId;
        // slither-disable-next-line calls-loop: the registry is ours; the caller says which statements
        (this_.terms, projectId) = registry.terms(statement.assetIdWord());
        if (!this_.terms.isHome()) return Hold.Foreign;
        // One kind of claim for an asset's vintage, fixed when it is first settled.
        if (mark.flags() == 0) mark = mark.withClaimKind(uint256(this_.terms.claimRight()));
        this_.key = statement.key();
        if (mark.has(Marks.CORRECTED)) this_.correction = _corrections[this_.key];
        Figures reversed_ = statement.reversed_();
        this_.reversed = _counted(reversed_, mark).above(this_.correction.reversed);
        this_.correction.reversed = this_.correction.reversed.atLeast(_counted(reversed_, mark));
        this_.raised = mark.figures().atLeast(_counted(issued, mark));
        this_.issued = this_.raised.above(mark.figures());
        bool later = statement.cutoffWord() > mark.cutoff()
            && mark.flags() & (Marks.STARTED | Marks.SUPERSEDED) == Marks.STARTED;
        if (this_.issued.isZero() && this_.reversed.isZero() && !later) return Hold.Stale;

        this_.run = batch.runs.all[_runOf(batch, projectId, statement.vintageWord(), mark.claimKind())];
        // A reversal mints nothing and always counts, before what is issued beside it.
        Figures standing = this_.raised.above(this_.correction.reversed);
        bool adds = !this_.issued.isZero();
        hold = _holdOf(statement, this_.terms, this_.run, batch, standing, adds, this_.issued.energyWh() != 0);
        mark = _inItsMonth(statement, mark, this_, hold, batch.calendar.month);
        if (hold == Hold.None) {
            mark = mark.withTime(statement.cutoffWord(), batch.epoch);
        } else {
            this_.issued = Figures.wrap(0);
            if (this_.reversed.isZero()) {
                _marks[this_.key] = mark;
                return hold;
            }
        }
        _admit(statement.assetIdWord(), mark, this_);
    }

    /// A mark begins with what is first issued, and turns to the month that a cutoff closes. So it does where an asset is
    /// not active any more, or its vintage sealed: else its last month would never end, and never be paid.
    function _inItsMonth(Statement calldata statement, MarkWord mark, Case memory this_, Hold hold, uint256 month)
        private
        returns (MarkWord)
    {
        if (mark.has(Marks.SUPERSEDED)) return mark;
        if (mark.has(Marks.STARTED)) {
            bool turns = hold == Hold.None || hold == Hold.NotActive || hold == Hold.Sealed;
            return turns ? _turned(statement.assetIdWord(), statement.vintageWord(), mark, month) : mark;
        }
        this_.begins = hold == Hold.None && !this_.issued.isZero();
        return this_.begins ? _begun(statement.assetIdWord(), statement.vintageWord(), mark, month) : mark;
    }

    /// Raise a mark and its correction, and tell it. `mark` has its new time, and its figures as they were.
    function _admit(bytes32 assetId, MarkWord mark, Case memory this_) private {
        (Figures issued, Figures reversed_) = (this_.issued, this_.reversed);
        (uint256 offsetG, uint256 offsetMinor) = _offset(mark, this_);
        if (!reversed_.isZero() || offsetG | offsetMinor != 0) {
            mark = mark.withFlag(Marks.CORRECTED);
            this_.correction.offset = Marks.figuresOf(
                0, this_.correction.offset.creditsG() + offsetG, this_.correction.offset.revenueMinor() + offsetMinor
            );
        }
        if (mark.has(Marks.SUPERSEDED)) {
            // A vintage that begins in the past brings along what was reversed before.
            if (this_.begins) {
                _addToPast(assetId, issued, this_.correction.reversed, this_.correction.offset.revenueMinor());
            } else {
                _addToPast(assetId, issued, reversed_, offsetMinor);
            }
        }
        if (!issued.isZero()) mark = mark.withFigures(this_.raised);
        _marks[this_.key] = mark;
        if (mark.has(Marks.CORRECTED)) _corrections[this_.key] = this_.correction;
        this_.run.bucket.settledWh += issued.energyWh();

        if (!reversed_.isZero()) {
            emit Reversed(this_.key, reversed_.energyWh(), reversed_.creditsG(), reversed_.revenueMinor());
        }
        emit Settled(this_.key, mark);
    }

    /// What is newly issued makes up for what was reversed: credits for the project's [g], revenue for the asset's [minor].
    function _offset(MarkWord mark, Case memory this_) private pure returns (uint256 offsetG, uint256 offsetMinor) {
        Figures offset = this_.correction.offset;
        uint256 open = this_.correction.reversed.revenueMinor() - offset.revenueMinor();
        uint256 issuedMinor = this_.issued.revenueMinor();
        offsetMinor = issuedMinor < open ? issuedMinor : open;
        uint256 before = mark.figures().creditsG() - offset.creditsG();
        offsetG = this_.run.countCredits(before, this_.issued.creditsG(), this_.reversed.creditsG());
    }

    /// Why what is issued may not be settled now. `standing`: what would be issued and not reversed after it; `adds`: any of
    /// it is new. A statement that only says more time has passed is held by nothing but time. Turns the calendar.
    function _holdOf(
        Statement calldata statement,
        Terms terms,
        Run memory run,
        Batch memory batch,
        Figures standing,
        bool adds,
        bool addsEnergy
    ) private view returns (Hold) {
        // slither-disable-next-line timestamp: a few seconds more or less do not matter
        if (statement.cutoffWord() > block.timestamp || statement.cutoffWord() > type(uint32).max) {
            return Hold.CutoffInFuture;
        }
        batch.calendar.turnTo(statement.cutoffWord(), statement.vintageWord(), terms.utcOffset());
        if (!adds) return Hold.None;
        if (!terms.isActive()) return Hold.NotActive;
        if (run.isSealed) return Hold.Sealed;
        uint256 energyWh = standing.energyWh();
        if (energyWh > _energyCeilingWh(terms, statement, batch.calendar)) return Hold.EnergyCeiling;
        if (standing.creditsG() > Ceilings.unitsDown(energyWh, terms.factorCeiling())) return Hold.CreditCeiling;
        if (standing.revenueMinor() > Ceilings.unitsDown(energyWh, terms.tariffCeiling())) return Hold.RevenueCeiling;
        if (addsEnergy && !run.bucket.takesMore()) return Hold.RateLimit;
        return Hold.None;
    }

    /// Energy an asset can have produced in a vintage up to a cutoff [Wh].
    function _energyCeilingWh(Terms terms, Statement calldata statement, Calendar memory calendar)
        private
        view
        returns (uint256)
    {
        (uint256 from, uint256 until) = (calendar.yearStart, calendar.yearEnd);
        if (terms.commissionedAt() > from) from = terms.commissionedAt();
        if (statement.cutoffWord() < until) until = statement.cutoffWord();
        uint256 ppm = terms.capacityFactorCeiling();
        // slither-disable-next-line calls-loop: the registry is ours; few assets change their rated power
        return terms.rerated()
            ? Ceilings.energyWhDown(registry.nameplates(statement.assetIdWord()), ppm, from, until)
            : Ceilings.energyWhDown(terms.nameplateW(), ppm, from, until);
    }

    /// Where the run of a project's vintage is in a batch: found, or begun.
    function _runOf(Batch memory batch, bytes32 projectId, uint256 vintage, uint256 claimKind)
        private
        view
        returns (uint256 place)
    {
        place = batch.runs.find(projectId, vintage);
        if (place != batch.runs.count) return place;
        // slither-disable-next-line uninitialized-local: memory begins as zeros, and a run has counted nothing yet
        Run memory run;
        run.projectId = projectId;
        run.vintage = vintage;
        run.isSealed = isSealed[projectId][uint16(vintage)];
        uint256 known = batch.runs.findProject(projectId);
        run.bucket =
            known == batch.runs.count ? _rateLimits[projectId].bucketAt(block.timestamp) : batch.runs.all[known].bucket;
        if (claimKind == uint256(ClaimRight.Credit)) {
            // slither-disable-next-line calls-loop: the token is ours, and asked once for a project's vintage
            Issuance memory of_ = credit.issuanceOf(projectId, uint16(vintage));
            run.bufferBps = of_.bufferBps;
            run.unappliedG = uint256(of_.reversed) - of_.offset - of_.cancelled;
        }
        batch.runs.all[batch.runs.count++] = run;
    }

    /// Fill the project's bucket, and mint.
    function _finish(Run memory run) private {
        if (run.bucket.settledWh != 0 && run.bucket.limited) {
            RateLimit storage limit = _rateLimits[run.projectId];
            limit.levelWh = uint96(RateLimits.levelWhUp(limit, block.timestamp) + run.bucket.settledWh);
            limit.since = uint40(block.timestamp);
            // Another vintage of the project has the same bucket.
            run.bucket.settledWh = 0;
        }
        if (run.issuedG | run.reversedG != 0) {
            // slither-disable-next-line calls-loop: the token is ours, and called once for a project's vintage
            credit.issue(run.projectId, uint16(run.vintage), run.issuedG, run.reversedG, run.offsetG, run.vaultG);
        }
    }

    /// Credits are counted only where the vintage's claim is the credit.
    function _counted(Figures figures, MarkWord mark) private pure returns (Figures) {
        return mark.claimKind() == uint256(ClaimRight.Credit) ? figures : figures.withoutCredits();
    }
}
