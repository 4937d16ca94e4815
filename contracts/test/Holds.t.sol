// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hold, IMarkLedger} from "../src/ledger/IMarkLedger.sol";
import {MarkLedger} from "../src/ledger/MarkLedger.sol";
import {Correction, Mark} from "../src/ledger/Marks.sol";
import {RateLimit} from "../src/ledger/RateLimit.sol";
import {AssetRegistry} from "../src/registry/AssetRegistry.sol";
import {Asset, AssetStatus, ClaimRight, IAssetRegistry} from "../src/registry/IAssetRegistry.sol";
import {SettlementEngine} from "../src/settlement/SettlementEngine.sol";
import {Statement} from "../src/settlement/Statement.sol";
import {Fixture} from "./Fixture.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// Ceilings, rate limit, seals and states of assets: what holds a statement back, and that nothing is lost by it.
contract HoldsTest is Fixture {
    /// Invariant: settledStaysUnderTheCeilings, whatever the quorum signs.
    function test_settledStaysUnderTheCeilings(
        uint128 issuedWh,
        uint128 issuedG,
        uint128 issuedMinor,
        uint64 cutoff,
        uint16 vintage,
        bool modest
    ) public {
        Statement memory statement = _statement(SHATIN, 0, 0, cutoff);
        if (modest) {
            (issuedWh, issuedG, issuedMinor) = (issuedWh % 10_000_000, issuedG % 8_000_000, issuedMinor % 5e10);
            (statement.cutoff, vintage) = (uint64(bound(cutoff, NEW_YEAR, JUNE)), VINTAGE);
        }
        (statement.vintage, statement.energyIssuedWh) = (vintage, issuedWh);
        (statement.creditsIssuedG, statement.revenueIssuedMinor) = (issuedG, issuedMinor);
        _publishAndSettle(statement);

        (Mark memory mark,) = ledger.markOf(SHATIN, vintage);
        uint256 most = 0;
        if (vintage == VINTAGE && statement.cutoff > NEW_YEAR && statement.cutoff <= JUNE) {
            most = NAMEPLATE_W * uint256(CAPACITY_FACTOR_CEILING) * (statement.cutoff - NEW_YEAR) / 3600e6 + 1000;
        }
        vm.assertLe(mark.energyWh, most);
        vm.assertLe(uint256(mark.creditsG) * 1e6, uint256(mark.energyWh) * FACTOR_CEILING);
        vm.assertLe(uint256(mark.revenueMinor) * 1e6, uint256(mark.energyWh) * TARIFF_CEILING);
    }

    /// At the ceiling all of it passes, a watt-hour over it none: 151 days x 48 kWh, and one register quantum.
    function test_theEnergyCeilingIsExact() public {
        uint256 most = 151 * 48_000 + 1000;
        _held(_publish(_one(_statement(SHATIN, most + 1, 0, JUNE))), SHATIN, Hold.EnergyCeiling);
        vm.assertEq(_mark(SHATIN).energyWh, 0);
        _publishAndSettle(_statement(SHATIN, most, 0, JUNE));
        vm.assertEq(_mark(SHATIN).energyWh, most);
        // An hour later there is room for it: held back is not lost.
        vm.warp(JUNE + 1 hours);
        _publishAndSettle(_statement(SHATIN, most + 1, 0, JUNE + 1 hours));
        vm.assertEq(_mark(SHATIN).energyWh, most + 1);
    }

    /// Credits and revenue up to the ceiling pass, a unit over it holds the whole statement.
    function test_theUnitCeilingsAreExact() public {
        Statement memory statement = _statement(SHATIN, 10_000, 0, JUNE);
        statement.creditsIssuedG = 7001;
        _held(_publish(_one(statement)), SHATIN, Hold.CreditCeiling);
        (statement.creditsIssuedG, statement.revenueIssuedMinor) = (7000, 40_000_001);
        _held(_publish(_one(statement)), SHATIN, Hold.RevenueCeiling);
        vm.assertEq(_mark(SHATIN).flags, 0);
        statement.revenueIssuedMinor = 40_000_000;
        _publishAndSettle(statement);
        vm.assertEq(_mark(SHATIN).creditsG, 7000);
        vm.assertEq(_mark(SHATIN).revenueMinor, 40_000_000);
    }

    /// Reversed energy backs nothing: the ceilings are over what stands.
    function test_theCeilingsAreOverWhatStands() public {
        Statement memory statement = _statement(SHATIN, 10_000, 5000, JUNE);
        statement.creditsReversedG = 0; // 6000 g are more than 5000 Wh give
        _held(_publish(_one(statement)), SHATIN, Hold.CreditCeiling);
        (Mark memory mark, Correction memory correction) = ledger.markOf(SHATIN, VINTAGE);
        vm.assertEq(mark.energyWh, 0);
        vm.assertEq(correction.energyReversedWh, 5000); // a reversal counts all the same
    }

    /// Time before commissioning, and outside the vintage, makes no room.
    function test_theEnergyCeilingCountsOnlyTimeInTheVintage() public {
        Asset memory young = _asset(ROOFTOPS);
        young.commissionedAt = MAY + 30 days;
        registry.setAsset("young", young);
        _publishAndSettle(_statement("young", 48_000 + 1001, 0, JUNE));
        vm.assertEq(_mark("young").energyWh, 0);
        _publishAndSettle(_statement("young", 48_000 + 1000, 0, JUNE));
        vm.assertEq(_mark("young").energyWh, 49_000);

        Statement memory early = _statement(SHATIN, 1, 0, JUNE);
        early.vintage = 2025; // ended at the instant of commissioning
        _held(_publish(_one(early)), SHATIN, Hold.EnergyCeiling);
        early.vintage = 2027; // has not begun
        _held(_publish(_one(early)), SHATIN, Hold.EnergyCeiling);
    }

    /// A rated power that was changed counts from then on: 151 days of 8 kW and one of 16 kW.
    function test_aNewNameplateMakesNoRoomForThePast() public {
        Asset memory grown = _asset(ROOFTOPS);
        grown.nameplateW = 2 * NAMEPLATE_W;
        registry.setAsset(SHATIN, grown);
        vm.assertEq(registry.nameplates(SHATIN).length, 2);
        vm.warp(JUNE + 1 days);
        uint256 most = 151 * 48_000 + 96_000 + 1000;
        _held(_publish(_one(_statement(SHATIN, most + 1, 0, JUNE + 1 days))), SHATIN, Hold.EnergyCeiling);
        _publishAndSettle(_statement(SHATIN, most, 0, JUNE + 1 days));
        vm.assertEq(_mark(SHATIN).energyWh, most);
        registry.setAsset(SHATIN, grown); // the same again is no change
        vm.assertEq(registry.nameplates(SHATIN).length, 2);
    }

    /// Invariant: oneStatementNeverStopsABatch.
    function test_oneStatementNeverStopsABatch() public {
        Statement[] memory statements = new Statement[](7);
        statements[0] = _statement(LAMMA, 1e9, 0, JUNE); // more than the sun gave
        statements[1] = _statement("nobody", 10, 0, JUNE);
        statements[2] = _statement(TUENMUN, 1, 0, JUNE);
        statements[2].revenueIssuedMinor = 4001;
        statements[3] = _statement("late", 10, 0, JUNE + 1);
        statements[4] = _statement("vast", 1 << 48, 0, JUNE);
        statements[5] = _statement("abroad", 10, 0, JUNE);
        statements[6] = _statement(SHATIN, 10_000, 0, JUNE);
        registry.setAsset("late", _asset(ROOFTOPS));
        registry.setAsset("vast", _asset(ROOFTOPS));
        Asset memory abroad = _asset(ROOFTOPS);
        abroad.status = AssetStatus.Elsewhere;
        registry.setAsset("abroad", abroad);
        Batch memory batch = _publish(statements);
        _skipped(LAMMA, Hold.EnergyCeiling);
        _skipped("nobody", Hold.Foreign);
        _skipped(TUENMUN, Hold.RevenueCeiling);
        _skipped("late", Hold.CutoffInFuture);
        _skipped("vast", Hold.FigureTooLarge);
        _skipped("abroad", Hold.Foreign);
        vm.expectEmit(true, true, true, true, address(ledger));
        emit IMarkLedger.Settled(_keyOf(SHATIN, VINTAGE), _firstMark(10_000, 6000, 30_000_000));
        _settleAs(batch);
        vm.assertEq(_mark("abroad").flags, 0);
    }

    function test_eachFigureHasItsBound(uint256 figure) public {
        Statement memory statement = _statement(SHATIN, 1000, 0, JUNE);
        figure = bound(figure, 0, 5);
        if (figure == 0) statement.energyIssuedWh = 1 << 48;
        else if (figure == 1) statement.energyReversedWh = 1 << 48;
        else if (figure == 2) statement.creditsIssuedG = 1 << 56;
        else if (figure == 3) statement.creditsReversedG = 1 << 56;
        else if (figure == 4) statement.revenueIssuedMinor = 1 << 64;
        else statement.revenueReversedMinor = 1 << 64;
        _held(_publish(_one(statement)), SHATIN, Hold.FigureTooLarge);
        vm.assertEq(_mark(SHATIN).flags, 0);
    }

    function test_aSuspendedAssetIsDelayedNotRobbed() public {
        Asset memory suspended = _asset(ROOFTOPS);
        suspended.status = AssetStatus.Suspended;
        registry.setAsset(SHATIN, suspended);
        Batch memory batch = _publish(_one(_statement(SHATIN, 10_000, 0, JUNE)));
        _held(batch, SHATIN, Hold.NotActive);
        registry.setAsset(SHATIN, _asset(ROOFTOPS));
        _settle(batch);
        vm.assertEq(_mark(SHATIN).energyWh, 10_000);
    }

    /// Invariant: sealedVintagesNeverIssueAndMayStillBeReversed.
    function test_sealedVintagesNeverIssueAndMayStillBeReversed(uint256 issuedWh, uint256 reversedWh) public {
        _publishAndSettle(_statement(SHATIN, 10_000, 0, JUNE));
        ledger.seal(ROOFTOPS, VINTAGE);
        vm.assertTrue(ledger.isSealed(ROOFTOPS, VINTAGE));
        issuedWh = bound(issuedWh, 10_001, 1_000_000);
        reversedWh = bound(reversedWh, 1, 10_000);
        _held(_publish(_one(_statement(SHATIN, issuedWh, 0, JUNE))), SHATIN, Hold.Sealed);
        _held(_publish(_one(_statement(SHATIN, issuedWh, reversedWh, JUNE))), SHATIN, Hold.Sealed);
        (Mark memory mark, Correction memory correction) = ledger.markOf(SHATIN, VINTAGE);
        vm.assertEq(mark.energyWh, 10_000);
        vm.assertEq(correction.energyReversedWh, reversedWh);
        vm.assertEq(credit.unapplied(_id()), reversedWh * 600 / 1000);
        vm.assertEq(credit.totalSupply(_id()), 6000);
        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.AlreadySealed.selector, ROOFTOPS, VINTAGE));
        ledger.seal(ROOFTOPS, VINTAGE);
        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.UnknownProject.selector, bytes32("nothing")));
        ledger.seal("nothing", VINTAGE);
        // Another vintage is not concerned.
        vm.warp(JUNE + 365 days);
        Statement memory next = _statement(SHATIN, 5000, 0, JUNE + 365 days);
        next.vintage = 2027;
        _publishAndSettle(next);
        (mark,) = ledger.markOf(SHATIN, 2027);
        vm.assertEq(mark.energyWh, 5000);
    }

    /// Invariant: aRateLimitDelaysAndNeverLoses.
    function test_aRateLimitDelaysAndNeverLoses(uint256 seed) public {
        ledger.setRateLimit(ROOFTOPS, 24_000, 10_000); // 1 kWh an hour, 10 kWh at once
        uint256 issued = 0;
        Batch memory newest;
        for (uint256 i = 0; i < 6; ++i) {
            issued += draw(seed, i, 0, 20_000);
            newest = _publish(_one(_statement(SHATIN, issued, 0, uint64(block.timestamp))));
            uint256 before = _mark(SHATIN).energyWh;
            RateLimit memory limit = ledger.rateLimitOf(ROOFTOPS);
            uint256 drained = (block.timestamp - limit.since) / 1 hours * 1000;
            bool room = limit.levelWh < drained + 10_000;
            _settle(newest);
            // It passes whole while there is room in the bucket, and waits while there is none.
            vm.assertEq(_mark(SHATIN).energyWh, room ? issued : before);
            vm.warp(block.timestamp + 2 hours);
        }
        uint256 hoursWaited = 0;
        for (; _mark(SHATIN).energyWh < issued; ++hoursWaited) {
            vm.warp(block.timestamp + 1 hours);
            _settle(newest);
            vm.assertLe(hoursWaited, 120); // what is in the bucket drains
        }
        vm.assertEq(_mark(SHATIN).energyWh, issued);
        vm.assertEq(credit.totalSupply(_id()), issued * 600 / 1000);
    }

    function test_theRateLimitIsExact() public {
        ledger.setRateLimit(ROOFTOPS, 24_000, 10_000);
        _publishAndSettle(_statement(SHATIN, 12_000, 0, JUNE)); // the bucket was empty: passes, and overfills
        RateLimit memory limit = ledger.rateLimitOf(ROOFTOPS);
        vm.assertEq(limit.levelWh, 12_000);
        Statement[] memory both = new Statement[](2);
        both[0] = _statement(LAMMA, 1, 0, JUNE); // the bucket is the project's, not the asset's
        both[1] = _statement(TUENMUN, 1, 0, JUNE); // another project has none
        Batch memory batch = _publish(both);
        vm.warp(JUNE + 2 hours); // 12 - 2 kWh: still full
        _held(batch, LAMMA, Hold.RateLimit);
        vm.assertEq(_mark(TUENMUN).energyWh, 1);
        vm.warp(JUNE + 2 hours + 4 minutes);
        _settle(batch);
        vm.assertEq(_mark(LAMMA).energyWh, 1);

        ledger.setRateLimit(ROOFTOPS, 0, 0); // no limit any more
        _publishAndSettle(_statement(SHATIN, 500_000, 0, JUNE));
        vm.assertEq(_mark(SHATIN).energyWh, 500_000);
    }

    /// Statements of one batch share the bucket, also over two vintages.
    function test_aBatchSharesTheBucket() public {
        vm.warp(NEW_YEAR + 366 days);
        ledger.setRateLimit(ROOFTOPS, 24_000, 10_000);
        Statement[] memory two = new Statement[](2);
        two[0] = _statement(SHATIN, 10_000, 0, NEW_YEAR + 366 days);
        two[1] = _statement(LAMMA, 10_000, 0, NEW_YEAR + 366 days);
        two[1].vintage = 2027;
        _settle(_publish(two));
        (Mark memory second,) = ledger.markOf(LAMMA, 2027);
        vm.assertEq(uint256(_mark(SHATIN).energyWh) + second.energyWh, 10_000);
        vm.assertEq(ledger.rateLimitOf(ROOFTOPS).levelWh, 10_000);
    }

    function test_aRateLimitIsBothOrNeither() public {
        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.RateLimitOutOfRange.selector, 1, 0));
        ledger.setRateLimit(ROOFTOPS, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.RateLimitOutOfRange.selector, 0, 1));
        ledger.setRateLimit(ROOFTOPS, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.RateLimitOutOfRange.selector, 1 << 56, 1));
        ledger.setRateLimit(ROOFTOPS, 1 << 56, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.UnknownProject.selector, bytes32("nothing")));
        ledger.setRateLimit("nothing", 1, 1);
        vm.expectEmit(true, true, true, true, address(ledger));
        emit IMarkLedger.RateLimitSet(ROOFTOPS, (1 << 56) - 1, 1);
        ledger.setRateLimit(ROOFTOPS, (1 << 56) - 1, 1);
    }

    /// Invariant: oneClaimKindForAnAssetsVintage. It is the project's right, which stays as it is once an asset has joined.
    function test_oneClaimKindForAnAssetsVintage(uint8 other) public {
        _publishAndSettle(_statement(SHATIN, 10_000, 0, JUNE));
        _publishAndSettle(_statement(TUENMUN, 10_000, 0, JUNE));
        other = uint8(bound(other, 0, 2));
        vm.assume(other != uint8(ClaimRight.Credit));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.ProjectFixed.selector, ROOFTOPS));
        registry.setProject(ROOFTOPS, _project(ClaimRight(other)));
        _publishAndSettle(_statement(SHATIN, 20_000, 0, JUNE));
        vm.assertEq(_mark(SHATIN).claimKind, uint8(ClaimRight.Credit));
        vm.assertEq(_mark(TUENMUN).claimKind, uint8(ClaimRight.None));
    }

    /// Invariant: eachAssetHasOneHome. A second ledger over the same registry settles nothing.
    function test_eachAssetHasOneHome() public {
        MarkLedger second = new MarkLedger(address(manager), registry);
        second.setCredit(credit);
        SettlementEngine other = new SettlementEngine(oracle, second);
        _allow(address(second), second.settle.selector, SETTLER);
        manager.grantRole(SETTLER, address(other), 0);
        Batch memory batch = _publish(_one(_statement(SHATIN, 10_000, 0, JUNE)));
        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.NotTheHome.selector));
        other.settle(batch.epoch, batch.statements, batch.proofs);
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.HomeIsSet.selector, address(ledger)));
        registry.setHome(address(second));
        AssetRegistry fresh = new AssetRegistry(address(manager));
        vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.ZeroAddress.selector));
        fresh.setHome(address(0));
        vm.expectEmit(true, true, true, true, address(fresh));
        emit IAssetRegistry.HomeSet(address(second));
        fresh.setHome(address(second));
        vm.assertEq(fresh.home(), address(second));
    }

    /// Invariant: aPauseStopsSettlingAndTheGuardianCannotResume.
    function test_aPauseStopsSettlingAndTheGuardianCannotResume() public {
        Batch memory batch = _publish(_one(_statement(SHATIN, 10_000, 0, JUNE)));
        vm.expectEmit(true, true, true, true, address(ledger));
        emit IMarkLedger.SettlingPaused(true);
        vm.prank(WATCHMAN);
        ledger.pauseSettling();
        vm.assertTrue(ledger.settlingPaused());
        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.SettlingIsPaused.selector));
        _settleAs(batch);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, WATCHMAN));
        vm.prank(WATCHMAN);
        ledger.resumeSettling();
        ledger.resumeSettling();
        _settle(batch);
        vm.assertEq(_mark(SHATIN).energyWh, 10_000);
    }

    function test_aNumberBeyondTheOraclesIsNoEpoch() public {
        manager.grantRole(SETTLER, address(this), 0);
        vm.expectRevert(abi.encodeWithSelector(IMarkLedger.EpochTooLarge.selector, 1 << 32));
        ledger.settle(1 << 32, _one(_statement(SHATIN, 1, 0, JUNE)));
        ledger.settle((1 << 32) - 1, _one(_statement(SHATIN, 1, 0, JUNE)));
        vm.assertEq(_mark(SHATIN).epoch, (1 << 32) - 1);
    }

    /// Figures beyond what the registry keeps of an asset are refused there.
    function test_refusesTermsBeyondTheirWord() public {
        for (uint256 figure = 0; figure < 5; ++figure) {
            Asset memory asset = _asset(ROOFTOPS);
            if (figure == 0) asset.nameplateW = 1 << 40;
            else if (figure == 1) asset.commissionedAt = 1 << 40;
            else if (figure == 2) asset.factorCeiling = 1 << 40;
            else if (figure == 3) asset.tariffCeiling = 1 << 48;
            else asset.capacityFactorCeiling = 1 << 24;
            vm.expectRevert(abi.encodeWithSelector(IAssetRegistry.TermsOutOfRange.selector, SHATIN));
            registry.setAsset(SHATIN, asset);
        }
    }

    function _held(Batch memory batch, bytes32 assetId, Hold hold) internal {
        vm.expectEmit(true, true, true, true, address(ledger));
        emit IMarkLedger.Skipped(_keyOf(assetId, batch.statements[0].vintage), hold);
        _settleAs(batch);
    }

    function _skipped(bytes32 assetId, Hold hold) internal {
        vm.expectEmit(true, true, true, true, address(ledger));
        emit IMarkLedger.Skipped(_keyOf(assetId, VINTAGE), hold);
    }

    function _settleAs(Batch memory batch) internal {
        engine.settle(batch.epoch, batch.statements, batch.proofs);
    }
}
