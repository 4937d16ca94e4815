// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Lifetime, MonthSpan} from "../src/ledger/IMarkLedger.sol";
import {LocalTime} from "../src/ledger/LocalTime.sol";
import {Correction, Mark, Marks} from "../src/ledger/Marks.sol";
import {Asset, AssetStatus} from "../src/registry/IAssetRegistry.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {Fixture} from "./Fixture.sol";

/// Months and vintages of what was settled.
contract MarkHistoryTest is Fixture {
    uint64 internal constant NEXT_YEAR = NEW_YEAR + 365 days;

    function test_anAssetThatNeverStartedHasNoMonths() public view {
        vm.assertEq(ledger.firstMonth(SHATIN), 0);
        (uint64 minor, uint32 month) = ledger.entitlingRevenue(SHATIN);
        vm.assertEq(uint256(minor) + month, 0);
        vm.assertEq(ledger.monthSpan(SHATIN, MAY_2026).toMinor, 0);
        vm.assertEq(ledger.lifetimeOf(SHATIN).epoch, 0);
    }

    /// Revenue belongs to the month that the cutoff closes; a month ends where the next settled one begins.
    function test_monthsAreRangesOfRevenue() public {
        _settleAt(1000, MAY); // the second before is still April
        vm.assertEq(ledger.firstMonth(SHATIN), 202_604);
        _settleAt(3000, MAY + 1);
        _settleAt(7000, JUNE);
        _span(202_604, 0, 3_000_000, MAY_2026);
        _span(MAY_2026, 3_000_000, 21_000_000, 0);
        _settleAt(9000, JUNE + 45 days); // June passed without a settlement
        _span(MAY_2026, 3_000_000, 21_000_000, 202_607);
        _span(202_606, 0, 0, 0);
        _span(202_607, 21_000_000, 27_000_000, 0);
        (uint64 minor, uint32 month) = ledger.entitlingRevenue(SHATIN);
        vm.assertEq(minor, 27_000_000);
        vm.assertEq(month, 202_607);
    }

    /// A later cutoff without production closes a month too, so that it can be paid.
    function test_aQuietMonthEndsAll() public {
        _settleAt(1000, MAY);
        _settleAt(1000, JUNE);
        _span(202_604, 0, 3_000_000, MAY_2026);
        _span(MAY_2026, 3_000_000, 3_000_000, 0);
        vm.assertEq(_mark(SHATIN).cutoff, JUNE);
    }

    /// The last month of an asset that is retired, or of a vintage that is sealed, ends too: else it would never be paid.
    /// Also where more was signed for it that is not issued any more.
    function test_theLastMonthEnds(bool retired, bool signedMore) public {
        _settleAt(1000, MAY);
        Asset memory asset = _asset(ROOFTOPS);
        asset.status = AssetStatus.Retired;
        if (retired) registry.setAsset(SHATIN, asset);
        else ledger.seal(ROOFTOPS, VINTAGE);
        _settleAt(signedMore ? 1500 : 1000, JUNE);
        _span(202_604, 0, 3_000_000, MAY_2026);
        _span(MAY_2026, 3_000_000, 3_000_000, 0);
        vm.assertEq(_mark(SHATIN).energyWh, 1000);
        vm.assertEq(_mark(SHATIN).cutoff, signedMore ? MAY : JUNE); // of the newest statement settled whole
    }

    /// Invariant: lifetimeIsTheSumOfVintages, in whatever order the vintages are settled, reversals included.
    function test_lifetimeIsTheSumOfVintages(uint256 seed) public {
        vm.warp(NEXT_YEAR + 400 days);
        uint256[3] memory issued;
        uint256[3] memory reversed;
        uint64 lastEntitling = 0;
        for (uint256 i = 0; i < 9; ++i) {
            uint256 year = draw(seed, i, 0, 2);
            issued[year] += draw(seed, 10 + i, 1, 20_000);
            if (draw(seed, 20 + i, 0, 2) == 0) reversed[year] = draw(seed, 30 + i, reversed[year], issued[year]);
            Statement memory statement = _statement(
                SHATIN,
                issued[year],
                reversed[year],
                uint64(draw(seed, 40 + i, NEXT_YEAR + 370 days, NEXT_YEAR + 400 days))
            );
            statement.vintage = uint16(2026 + year);
            _publishAndSettle(statement);
            _lifetimeIsTheSum();
            (uint64 entitling, uint32 month) = ledger.entitlingRevenue(SHATIN);
            vm.assertGe(entitling, lastEntitling); // never falls
            bool begun = ledger.firstMonth(SHATIN) != 0; // rounding may hold a first statement back by the credit ceiling
            if (begun) vm.assertGe(month, 202_801);
            else vm.assertEq(month, 0);
            lastEntitling = entitling;
        }
        vm.assertEq(_sumOfMonths(), lastEntitling);
    }

    /// One of those in which the first statement is held back: all but nothing of it was reversed again.
    function test_lifetimeBeginsWithWhatIsSettled() public {
        test_lifetimeIsTheSumOfVintages(153);
    }

    /// A report that is late for the old year, after the new one has begun, counts in the month that is running.
    function test_aLateReportOfLastYearCountsInTheRunningMonth() public {
        _settleAt(1000, NEXT_YEAR - 1);
        _settleYear(2027, 500, NEXT_YEAR + 40 days);
        _span(202_612, 0, 3_000_000, 202_702);
        vm.warp(NEXT_YEAR + 42 days);
        Statement memory late = _statement(SHATIN, 1200, 0, NEXT_YEAR + 41 days);
        _publishAndSettle(late);
        _span(202_702, 3_000_000, 5_100_000, 0); // 500 Wh of the new year, 200 of the old
        vm.assertTrue(_mark(SHATIN).flags & Marks.SUPERSEDED != 0);
        vm.assertEq(ledger.lifetimeOf(SHATIN).energyWh, 1700);
        vm.assertEq(ledger.lifetimeOf(SHATIN).vintage, 2027);
        // A later cutoff alone is nothing new for a vintage that is over.
        uint256 cutoff = _mark(SHATIN).cutoff;
        _publishAndSettle(_statement(SHATIN, 1200, 0, NEXT_YEAR + 42 days));
        vm.assertEq(_mark(SHATIN).cutoff, cutoff);
    }

    /// What is reversed of a year that is over is part of its past, and so is what makes up for it later.
    function test_whatIsReversedOfAPastYearIsPartOfIt() public {
        _settleAt(1000, NEXT_YEAR - 1);
        _settleYear(2027, 500, NEXT_YEAR + 40 days);
        _publishAndSettle(_statement(SHATIN, 1000, 100, NEXT_YEAR + 40 days));
        vm.assertEq(ledger.lifetimeOf(SHATIN).energyWh, 1400);
        (uint64 minor,) = ledger.entitlingRevenue(SHATIN);
        vm.assertEq(minor, 4_500_000);
        _publishAndSettle(_statement(SHATIN, 1200, 100, NEXT_YEAR + 40 days));
        vm.assertEq(ledger.lifetimeOf(SHATIN).energyWh, 1600);
        (minor,) = ledger.entitlingRevenue(SHATIN);
        vm.assertEq(minor, 4_800_000); // of 600 000 new, 300 000 make up
    }

    /// A vintage that is first settled when a later one has begun.
    function test_anOlderVintageMayComeSecond() public {
        vm.warp(NEXT_YEAR + 40 days);
        Statement memory later = _statement(SHATIN, 500, 0, NEXT_YEAR + 40 days);
        later.vintage = 2027;
        _publishAndSettle(later);
        _publishAndSettle(_statement(SHATIN, 1000, 100, NEXT_YEAR + 40 days));
        Lifetime memory lifetime = ledger.lifetimeOf(SHATIN);
        vm.assertEq(lifetime.energyWh, 1400);
        vm.assertEq(lifetime.vintage, 2027);
        _span(202_702, 0, 4_200_000, 0); // what was reversed at once entitles nobody
        vm.assertEq(ledger.firstMonth(SHATIN), 202_702);
    }

    /// A vintage that begins from an older report than the last one settled does not turn the asset's time back.
    function test_anAssetsTimeGoesOnFromVintageToVintage() public {
        vm.warp(NEXT_YEAR + 40 days);
        Statement memory young = _statement(SHATIN, 500, 0, NEXT_YEAR + 30 days);
        young.vintage = 2027;
        Batch memory early = _publish(_one(young));
        _publishAndSettle(_statement(SHATIN, 1000, 0, NEXT_YEAR + 40 days));
        _settle(early);
        Lifetime memory lifetime = ledger.lifetimeOf(SHATIN);
        vm.assertEq(lifetime.vintage, 2027);
        vm.assertEq(lifetime.epoch, 2);
        vm.assertEq(lifetime.cutoff, NEXT_YEAR + 40 days);
    }

    /// What was reversed before anything was issued waits for it.
    function test_aReversalMayComeFirst() public {
        Statement memory statement = _statement(SHATIN, 10_000, 4000, JUNE);
        statement.energyIssuedWh = 1e12; // above the ceiling: only the reversal counts
        _publishAndSettle(statement);
        vm.assertEq(ledger.firstMonth(SHATIN), 0);
        vm.assertEq(credit.unapplied(_id()), 2400);
        _publishAndSettle(_statement(SHATIN, 10_000, 4000, JUNE));
        vm.assertEq(ledger.lifetimeOf(SHATIN).energyWh, 6000);
        vm.assertEq(credit.totalSupply(_id()), 3600);
        vm.assertEq(credit.unapplied(_id()), 0);
        _span(MAY_2026, 0, 18_000_000, 0);
    }

    /// Revenue that was reversed offsets the asset's next revenue; what entitled holders stays.
    function test_reversedRevenueOffsetsLaterRevenue() public {
        _settleAt(10_000, JUNE);
        _publishAndSettle(_statement(SHATIN, 10_000, 4000, JUNE));
        (uint64 minor,) = ledger.entitlingRevenue(SHATIN);
        vm.assertEq(minor, 30_000_000);
        vm.assertEq(ledger.lifetimeOf(SHATIN).revenueMinor, 18_000_000);
        _publishAndSettle(_statement(SHATIN, 13_000, 4000, JUNE));
        (minor,) = ledger.entitlingRevenue(SHATIN);
        vm.assertEq(minor, 30_000_000);
        _publishAndSettle(_statement(SHATIN, 15_000, 4000, JUNE));
        (minor,) = ledger.entitlingRevenue(SHATIN);
        vm.assertEq(minor, 33_000_000);
        (, Correction memory correction) = ledger.markOf(SHATIN, VINTAGE);
        vm.assertEq(correction.revenueOffsetMinor, 12_000_000);
    }

    /// What stands is never below zero, even if more was signed as reversed than was admitted as issued.
    function test_whatStandsIsNeverNegative() public {
        _settleAt(1000, JUNE);
        _publishAndSettle(_statement(SHATIN, 1000, 5000, JUNE));
        Lifetime memory lifetime = ledger.lifetimeOf(SHATIN);
        vm.assertEq(lifetime.energyWh + lifetime.creditsG + lifetime.revenueMinor, 0);
    }

    /// An asset that rests for 21 years and more goes on in the last month its mark can name.
    function test_aMarkNames256Months() public {
        _settleAt(1000, MAY);
        vm.warp(NEW_YEAR + 366 days * 30);
        _settleAt(2000, NEW_YEAR + 366 days * 30);
        vm.assertEq(_mark(SHATIN).month, 255);
    }

    function test_monthsAndTheirNumbers(uint256 number) public pure {
        number = bound(number, 0, 119_999);
        vm.assertEq(LocalTime.numberOf(LocalTime.monthAt(number)), number);
    }

    function _lifetimeIsTheSum() internal view {
        (uint256 energy, uint256 grams, uint256 minor) = (0, 0, 0);
        (uint256 energyBack, uint256 gramsBack, uint256 minorBack) = (0, 0, 0);
        for (uint16 year = 2026; year <= 2028; ++year) {
            (Mark memory mark, Correction memory correction) = ledger.markOf(SHATIN, year);
            if (mark.flags & Marks.STARTED == 0) continue;
            (energy, grams, minor) = (energy + mark.energyWh, grams + mark.creditsG, minor + mark.revenueMinor);
            energyBack += correction.energyReversedWh;
            gramsBack += correction.creditsReversedG;
            minorBack += correction.revenueReversedMinor;
        }
        Lifetime memory lifetime = ledger.lifetimeOf(SHATIN);
        vm.assertEq(lifetime.energyWh, energy - energyBack);
        vm.assertEq(lifetime.creditsG, grams - gramsBack);
        vm.assertEq(lifetime.revenueMinor, minor - minorBack);
    }

    function _sumOfMonths() internal view returns (uint256 sum) {
        uint32 month = ledger.firstMonth(SHATIN);
        while (month != 0) {
            MonthSpan memory span = ledger.monthSpan(SHATIN, month);
            sum += span.toMinor - span.fromMinor;
            month = span.next;
        }
    }

    function _settleAt(uint256 issuedWh, uint64 cutoff) internal {
        _settleYear(VINTAGE, issuedWh, cutoff);
    }

    function _settleYear(uint16 vintage, uint256 issuedWh, uint64 cutoff) internal {
        if (cutoff > block.timestamp) vm.warp(cutoff);
        Statement memory statement = _statement(SHATIN, issuedWh, 0, cutoff);
        statement.vintage = vintage;
        _publishAndSettle(statement);
    }

    function _span(uint32 month, uint256 from, uint256 to, uint32 next) internal view {
        MonthSpan memory span = ledger.monthSpan(SHATIN, month);
        vm.assertEq(span.fromMinor, from);
        vm.assertEq(span.toMinor, to);
        vm.assertEq(span.next, next);
    }
}
