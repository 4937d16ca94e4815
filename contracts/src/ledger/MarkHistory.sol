// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarkLedger, Lifetime, MonthSpan} from "./IMarkLedger.sol";
import {LocalTime} from "./LocalTime.sol";
import {Correction, CorrectionWords, Figures, Mark, MarkWord, Marks} from "./Marks.sol";

/// The marks of every asset and vintage, and what follows from them over time: an asset's lifetime, and the months of its
/// revenue. A settlement touches one slot, its mark; a new month two more, a new vintage a few.
abstract contract MarkHistory is IMarkLedger {
    /// The figures of an asset in all vintages but the newest.
    struct Past {
        /// Issued.
        uint64 energyWh;
        uint64 creditsG;
        uint64 revenueMinor;
        /// Counted from January of year 0.
        uint24 firstMonth;
        /// The newest vintage, which is not in the figures; zero before the first.
        uint16 vintage;
        bool corrected;
        /// Taken back.
        uint64 energyReversedWh;
        uint64 creditsReversedG;
        uint64 revenueReversedMinor;
        uint64 revenueOffsetMinor;
    }

    /// Revenue of a month, see `MonthSpan`; `next` counted from January of year 0.
    struct Span {
        uint64 fromMinor;
        uint64 toMinor;
        uint24 next;
    }

    /// By assetId | vintage.
    mapping(uint256 assetVintage => MarkWord) internal _marks;
    mapping(uint256 assetVintage => CorrectionWords) internal _corrections;
    mapping(bytes32 assetId => Past) internal _pasts;
    mapping(bytes32 assetId => mapping(uint256 month => Span)) internal _spans;

    /// @inheritdoc IMarkLedger
    function markOf(bytes32 assetId, uint16 vintage) external view returns (Mark memory, Correction memory correction) {
        uint256 key = _key(assetId, vintage);
        CorrectionWords memory words = _corrections[key];
        // forge-lint: disable-start(unsafe-typecast)
        correction.energyReversedWh = uint48(words.reversed.energyWh());
        correction.creditsReversedG = uint56(words.reversed.creditsG());
        correction.revenueReversedMinor = uint64(words.reversed.revenueMinor());
        correction.creditsOffsetG = uint56(words.offset.creditsG());
        correction.revenueOffsetMinor = uint64(words.offset.revenueMinor());
        // forge-lint: disable-end(unsafe-typecast)
        return (_marks[key].unpacked(), correction);
    }

    /// @inheritdoc IMarkLedger
    function lifetimeOf(bytes32 assetId) external view returns (Lifetime memory lifetime) {
        Past storage past = _pasts[assetId];
        uint256 key = _key(assetId, past.vintage);
        MarkWord mark = _marks[key];
        Figures issued = mark.figures();
        Figures reversed_ = _corrections[key].reversed;
        lifetime.energyWh = _net(past.energyWh + issued.energyWh(), past.energyReversedWh + reversed_.energyWh());
        lifetime.creditsG = _net(past.creditsG + issued.creditsG(), past.creditsReversedG + reversed_.creditsG());
        lifetime.revenueMinor =
            _net(past.revenueMinor + issued.revenueMinor(), past.revenueReversedMinor + reversed_.revenueMinor());
        lifetime.epoch = uint64(mark.epoch());
        lifetime.cutoff = uint64(mark.cutoff());
        lifetime.vintage = past.vintage;
    }

    /// @inheritdoc IMarkLedger
    function entitlingRevenue(bytes32 assetId) external view returns (uint64 revenueMinor, uint32 month) {
        Past storage past = _pasts[assetId];
        uint256 vintage = past.vintage;
        if (vintage == 0) return (0, 0);
        MarkWord mark = _marks[_key(assetId, vintage)];
        revenueMinor = uint64(_entitlingMinor(assetId, vintage, mark));
        month = LocalTime.monthAt(vintage * 12 + mark.month());
    }

    /// @inheritdoc IMarkLedger
    function monthSpan(bytes32 assetId, uint32 month) external view returns (MonthSpan memory span) {
        uint256 number = LocalTime.numberOf(month);
        Span memory kept = _spans[assetId][number];
        span.fromMinor = kept.fromMinor;
        span.toMinor = kept.toMinor;
        if (kept.next != 0) {
            span.next = LocalTime.monthAt(kept.next);
            return span;
        }
        uint256 vintage = _pasts[assetId].vintage;
        MarkWord mark = _marks[_key(assetId, vintage)];
        if (vintage == 0 || number != vintage * 12 + mark.month()) return span;
        span.toMinor = uint64(_entitlingMinor(assetId, vintage, mark));
    }

    /// @inheritdoc IMarkLedger
    function firstMonth(bytes32 assetId) external view returns (uint32) {
        Past storage past = _pasts[assetId];
        return past.vintage == 0 ? 0 : LocalTime.monthAt(past.firstMonth);
    }

    /// A mark that has just been admitted for the first time takes its place: it is the newest vintage, or part of the past.
    /// `month` is the one its statement's cutoff closes.
    function _begun(bytes32 assetId, uint256 vintage, MarkWord mark, uint256 month) internal returns (MarkWord) {
        Past storage past = _pasts[assetId];
        mark = mark.withFlag(Marks.STARTED);
        if (vintage < past.vintage) return mark.withFlag(Marks.SUPERSEDED);

        uint256 january = vintage * 12;
        if (month < january) month = january;
        if (past.vintage == 0) {
            past.firstMonth = uint24(month);
        } else {
            // An asset's time goes on from vintage to vintage, and never falls.
            MarkWord old = _marks[_key(assetId, past.vintage)];
            mark = mark.withTime(old.cutoff(), old.epoch());
            month = _supersede(assetId, past, month);
        }
        past.vintage = uint16(vintage);
        return mark.withMonth(_monthOfVintage(month, january));
    }

    /// Where the month that a statement's cutoff closes is later than the running one, what was settled so far is the end
    /// of that. `mark` as it was before the statement, of the newest vintage.
    function _turned(bytes32 assetId, uint256 vintage, MarkWord mark, uint256 month) internal returns (MarkWord) {
        uint256 january = vintage * 12;
        uint256 turned = _monthOfVintage(month, january);
        if (turned <= mark.month()) return mark;
        _close(assetId, january + mark.month(), january + turned, _entitlingMinor(assetId, vintage, mark));
        return mark.withMonth(turned);
    }

    /// Add what a vintage that is not the newest was newly given.
    function _addToPast(bytes32 assetId, Figures issued, Figures reversed_, uint256 offsetMinor) internal {
        Past storage past = _pasts[assetId];
        past.energyWh += uint64(issued.energyWh());
        past.creditsG += uint64(issued.creditsG());
        past.revenueMinor += uint64(issued.revenueMinor());
        if (reversed_.isZero() && offsetMinor == 0) return;
        past.corrected = true;
        past.energyReversedWh += uint64(reversed_.energyWh());
        past.creditsReversedG += uint64(reversed_.creditsG());
        past.revenueReversedMinor += uint64(reversed_.revenueMinor());
        past.revenueOffsetMinor += uint64(offsetMinor);
    }

    /// A mark's key: an identifier leaves its last four bytes free.
    function _key(bytes32 assetId, uint256 vintage) internal pure returns (uint256) {
        return uint256(assetId) | vintage;
    }

    /// The vintage that was the newest becomes part of the past. Returns the running month from here on.
    function _supersede(bytes32 assetId, Past storage past, uint256 month) private returns (uint256) {
        uint256 vintage = past.vintage;
        uint256 key = _key(assetId, vintage);
        MarkWord old = _marks[key];
        uint256 running = vintage * 12 + old.month();
        if (month > running) _close(assetId, running, month, _entitlingMinor(assetId, vintage, old));
        else month = running;
        _marks[key] = old.withFlag(Marks.SUPERSEDED);
        CorrectionWords memory correction = _corrections[key];
        _addToPast(assetId, old.figures(), correction.reversed, correction.offset.revenueMinor());
        return month;
    }

    function _close(bytes32 assetId, uint256 running, uint256 next, uint256 soFarMinor) private {
        Span storage span = _spans[assetId][running];
        span.toMinor = uint64(soFarMinor);
        span.next = uint24(next);
        _spans[assetId][next].fromMinor = uint64(soFarMinor);
    }

    /// Revenue that entitles holders, over all vintages [minor unit]; `mark` is the newest vintage's.
    function _entitlingMinor(bytes32 assetId, uint256 vintage, MarkWord mark) private view returns (uint256 minor) {
        Past storage past = _pasts[assetId];
        minor = past.revenueMinor + mark.figures().revenueMinor();
        if (past.corrected) minor -= past.revenueOffsetMinor;
        if (mark.has(Marks.CORRECTED)) minor -= _corrections[_key(assetId, vintage)].offset.revenueMinor();
    }

    /// A running month ends at the latest 255 months after its vintage began.
    function _monthOfVintage(uint256 month, uint256 january) private pure returns (uint256) {
        if (month < january) return 0;
        return month - january > type(uint8).max ? type(uint8).max : month - january;
    }

    function _net(uint256 issued, uint256 reversed_) private pure returns (uint256) {
        return issued > reversed_ ? issued - reversed_ : 0;
    }
}
