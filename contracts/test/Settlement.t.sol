// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asset, AssetStatus} from "../src/IAssetRegistry.sol";
import {Hold} from "../src/ISettledToken.sol";
import {ISettlementEngine} from "../src/ISettlementEngine.sol";
import {Mark} from "../src/Marks.sol";
import {Statement} from "../src/Statement.sol";
import {Fixture} from "./Fixture.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// A beneficiary that refuses ERC-1155 tokens.
contract Refuser {
    fallback() external {
        revert();
    }
}

contract SettlementTest is Fixture {
    function test_mintsWhatAStatementSays() public {
        Batch memory batch = _publish(_one(_statement(SHATIN, 10_000, 0, JUNE)));
        vm.expectEmit(true, true, true, true, address(engine));
        emit ISettlementEngine.Settled(SHATIN, VINTAGE, 1, 10_000, 6000, 30_000_000);
        vm.prank(STRANGER); // anyone may call
        _settleAs(batch);
        vm.assertEq(credit.balanceOf(OWNER, credit.idOf(ROOFTOPS, VINTAGE)), 6000);
        vm.assertEq(revenue.balanceOf(OWNER, _mayId(SHATIN)), 30_000_000);
        vm.assertEq(revenue.backedWh(SHATIN, VINTAGE), 10_000);
        vm.assertEq(credit.backedWh(SHATIN, VINTAGE), 10_000);
    }

    function test_aProjectWithoutTheRightEarnsRevenueOnly() public {
        Batch memory batch = _publish(_one(_statement(TUENMUN, 10_000, 0, JUNE)));
        vm.recordLogs();
        _settle(batch);
        vm.assertEq(vm.getRecordedLogs().length, 2); // the mint of revenue, and Settled
        vm.assertEq(credit.totalSupply(credit.idOf(FEED_IN, VINTAGE)), 0);
        vm.assertEq(revenue.balanceOf(OWNER, _mayId(TUENMUN)), 30_000_000);
    }

    /// Invariant: settlingAgainChangesNothing.
    function test_settlingAgainChangesNothing(uint256 issuedWh, uint256 reversedWh) public {
        issuedWh = bound(issuedWh, 0, 1000) * 1000;
        reversedWh = bound(reversedWh, 0, issuedWh / 1000) * 1000;
        Batch memory batch = _publish(_one(_statement(SHATIN, issuedWh, reversedWh, JUNE)));
        _settle(batch);
        bytes32 once = _state();
        vm.recordLogs();
        _settle(batch);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(_state(), once);
    }

    /// Invariant: anyOrderGivesTheSameEnd. While the net figure does not fall, whoever settles what, when, how often.
    function test_anyOrderGivesTheSameEnd(uint256 seed) public {
        Batch[] memory batches = new Batch[](5);
        (uint256 issued, uint256 reversed) = (0, 0);
        for (uint256 i = 0; i < 5; ++i) {
            uint256 produced = draw(seed, i, 0, 10_000);
            issued += produced * 10;
            reversed += draw(seed, 10 + i, 0, produced) * 10;
            batches[i] = _publish(_both(issued, reversed));
        }
        uint256 start = vm.snapshotState();
        for (uint256 i = 0; i < 5; ++i) {
            _settle(batches[i]);
        }
        bytes32 inOrder = _state();
        vm.revertToState(start);
        uint256 last = draw(seed, 20, 0, 7);
        for (uint256 i = 0; i < 8; ++i) {
            // Any of the five at random, some never, some often; the newest at a random point.
            _settle(batches[i == last ? 4 : draw(seed, 30 + i, 0, 4)]);
        }
        vm.assertEq(_state(), inOrder);
        vm.assertEq(revenue.backedWh(SHATIN, VINTAGE), issued - reversed);
    }

    /// Invariant: reversalsNeverMintMore. Where the net figure falls, an order may have minted more than the end says, never
    /// more than some statement said; the counters end alike.
    function test_reversalsNeverMintMore(uint256 seed) public {
        (uint256 issued, uint256 reversed, uint256 peak) = (0, 0, 0);
        Batch[] memory batches = new Batch[](5);
        for (uint256 i = 0; i < 5; ++i) {
            issued += draw(seed, i, 0, 100_000);
            reversed = draw(seed, 10 + i, reversed, issued);
            if (issued - reversed > peak) peak = issued - reversed;
            batches[i] = _publish(_one(_statement(SHATIN, issued, reversed, JUNE)));
        }
        uint256 last = draw(seed, 20, 0, 7);
        for (uint256 i = 0; i < 8; ++i) {
            _settle(batches[i == last ? 4 : draw(seed, 30 + i, 0, 4)]);
        }
        (Mark memory units, Mark memory energy) = revenue.marks(SHATIN, VINTAGE);
        vm.assertEq(energy.issued, issued);
        vm.assertEq(energy.reversed, reversed);
        vm.assertEq(units.issued, issued * 3000);
        vm.assertGe(energy.minted, issued - reversed);
        vm.assertLe(energy.minted, peak);
        vm.assertEq(revenue.totalSupply(_mayId(SHATIN)), units.minted);
    }

    /// A reversal after the mint is a deficit: the next production repays it first.
    function test_aDeficitIsRepaidBeforeMinting() public {
        _publishAndSettle(_statement(SHATIN, 10_000, 0, JUNE));
        _publishAndSettle(_statement(SHATIN, 10_000, 4000, JUNE));
        vm.assertEq(revenue.backedWh(SHATIN, VINTAGE), 10_000);
        _publishAndSettle(_statement(SHATIN, 13_000, 4000, JUNE));
        vm.assertEq(revenue.backedWh(SHATIN, VINTAGE), 10_000);
        _publishAndSettle(_statement(SHATIN, 15_000, 4000, JUNE));
        vm.assertEq(revenue.backedWh(SHATIN, VINTAGE), 11_000);
        vm.assertEq(credit.totalSupply(credit.idOf(ROOFTOPS, VINTAGE)), 6600);
    }

    function test_refusesAnUnknownRoot() public {
        Batch memory batch = _publish(_one(_statement(SHATIN, 1, 0, JUNE)));
        batch.epoch = 2;
        vm.expectRevert(abi.encodeWithSelector(ISettlementEngine.UnknownRoot.selector, 2));
        _settleAs(batch);
    }

    /// Invariant: onlyLeavesOfARootSettle.
    function test_onlyLeavesOfARootSettle(uint128 issuedWh, uint256 field) public {
        Batch memory batch = _publish(_both(10_000, 0));
        Statement memory statement = batch.statements[1];
        field = bound(field, 0, 3);
        vm.assume(field != 0 || issuedWh != statement.energyIssuedWh);
        if (field == 0) statement.energyIssuedWh = issuedWh;
        else if (field == 1) statement.assetId = LAMMA;
        else if (field == 2) statement.cutoff -= 1;
        else batch.proofs[1] = new bytes32[](0);
        vm.expectRevert(abi.encodeWithSelector(ISettlementEngine.BadProof.selector, 1));
        _settleAs(batch);
    }

    function test_refusesMoreStatementsThanProofs() public {
        Batch memory batch = _publish(_both(10_000, 0));
        batch.proofs = new bytes32[][](1);
        vm.expectRevert(abi.encodeWithSelector(ISettlementEngine.LengthsDiffer.selector, 2, 1));
        _settleAs(batch);
    }

    /// Invariant: onlyTheEngineMints.
    function test_onlyTheEngineMints() public {
        Statement[] memory statements = _one(_statement(SHATIN, 10_000, 0, JUNE));
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this));
        vm.expectRevert(refusal); // not even the administrator
        credit.settle(statements);
        vm.expectRevert(refusal);
        revenue.settle(statements);
    }

    /// Invariant: mintedStaysUnderTheCeilings, whatever the quorum signs.
    function test_mintedStaysUnderTheCeilings(
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

        (Mark memory minor, Mark memory revenueWh) = revenue.marks(SHATIN, vintage);
        (Mark memory grams, Mark memory creditWh) = credit.marks(SHATIN, vintage);
        uint256 most = 0;
        if (vintage == VINTAGE && statement.cutoff > NEW_YEAR && statement.cutoff <= JUNE) {
            most = NAMEPLATE_W * uint256(CAPACITY_FACTOR_CEILING) * (statement.cutoff - NEW_YEAR) / 3600e6 + 1000;
        }
        vm.assertLe(revenueWh.minted, most);
        vm.assertLe(creditWh.minted, most);
        vm.assertLe(uint256(grams.minted) * 1e6, uint256(creditWh.minted) * FACTOR_CEILING);
        vm.assertLe(uint256(minor.minted) * 1e6, uint256(revenueWh.minted) * TARIFF_CEILING);
    }

    /// At the ceiling all of it passes, a watt-hour over it none: 151 days x 48 kWh, and one register quantum.
    function test_theEnergyCeilingIsExact() public {
        uint256 most = 151 * 48_000 + 1000;
        Batch memory over = _publish(_one(_statement(SHATIN, most + 1, 0, JUNE)));
        _capped(over, SHATIN, address(revenue), Hold.EnergyCeiling);
        _capped(over, SHATIN, address(credit), Hold.EnergyCeiling);
        _settleAs(over);
        vm.assertEq(revenue.backedWh(SHATIN, VINTAGE), 0);
        _publishAndSettle(_statement(SHATIN, most, 0, JUNE));
        vm.assertEq(revenue.backedWh(SHATIN, VINTAGE), most);
        // An hour later there is room for it: held back is not lost.
        vm.warp(JUNE + 1 hours);
        _publishAndSettle(_statement(SHATIN, most + 1, 0, JUNE + 1 hours));
        vm.assertEq(revenue.backedWh(SHATIN, VINTAGE), most + 1);
    }

    /// Time before commissioning, and outside the vintage, makes no room.
    function test_theEnergyCeilingCountsOnlyTimeInTheVintage() public {
        Asset memory asset = _asset(ROOFTOPS);
        asset.commissionedAt = MAY + 30 days;
        registry.setAsset("young", asset);
        _publishAndSettle(_statement("young", 48_000 + 1001, 0, JUNE));
        vm.assertEq(revenue.backedWh("young", VINTAGE), 0);
        _publishAndSettle(_statement("young", 48_000 + 1000, 0, JUNE));
        vm.assertEq(revenue.backedWh("young", VINTAGE), 49_000);

        Statement memory early = _statement(SHATIN, 1, 0, JUNE);
        early.vintage = 2025; // ended at the instant of commissioning
        _publishAndSettle(early);
        early.vintage = 2027; // has not begun
        _publishAndSettle(early);
        vm.assertEq(revenue.backedWh(SHATIN, 2025) + revenue.backedWh(SHATIN, 2027), 0);
    }

    /// Invariant: oneAssetNeverStopsABatch.
    function test_oneAssetNeverStopsABatch() public {
        Statement[] memory statements = new Statement[](6);
        statements[0] = _statement(LAMMA, 1e9, 0, JUNE); // more than the sun gave
        statements[1] = _statement("nobody", 10, 0, JUNE);
        statements[2] = _statement(TUENMUN, 1, 0, JUNE);
        statements[2].revenueIssuedMinor = 4001;
        statements[3] = _statement("late", 10, 0, JUNE + 1);
        statements[4] = _statement("vast", 1 << 80, 0, JUNE);
        statements[5] = _statement(SHATIN, 10_000, 0, JUNE);
        registry.setAsset("late", _asset(ROOFTOPS));
        registry.setAsset("vast", _asset(ROOFTOPS));
        Batch memory batch = _publish(statements);
        _capped(batch, LAMMA, address(revenue), Hold.EnergyCeiling);
        _capped(batch, LAMMA, address(credit), Hold.EnergyCeiling);
        _capped(batch, "nobody", address(revenue), Hold.NotActive);
        _capped(batch, TUENMUN, address(revenue), Hold.UnitCeiling);
        _capped(batch, "late", address(revenue), Hold.CutoffInFuture);
        _capped(batch, "late", address(credit), Hold.CutoffInFuture);
        _capped(batch, "vast", address(revenue), Hold.FigureTooLarge);
        _capped(batch, "vast", address(credit), Hold.FigureTooLarge);
        vm.expectEmit(true, true, true, true, address(engine));
        emit ISettlementEngine.Settled(SHATIN, VINTAGE, 1, 10_000, 6000, 30_000_000);
        _settleAs(batch);
    }

    function test_aSuspendedAssetIsDelayedNotRobbed() public {
        Asset memory asset = _asset(ROOFTOPS);
        asset.status = AssetStatus.Suspended;
        registry.setAsset(SHATIN, asset);
        Batch memory batch = _publish(_one(_statement(SHATIN, 10_000, 0, JUNE)));
        _settle(batch);
        vm.assertEq(revenue.backedWh(SHATIN, VINTAGE), 0);
        registry.setAsset(SHATIN, _asset(ROOFTOPS));
        _settle(batch);
        vm.assertEq(revenue.backedWh(SHATIN, VINTAGE), 10_000);
    }

    function test_aBeneficiaryCannotRefuse() public {
        Asset memory asset = _asset(ROOFTOPS);
        asset.beneficiary = address(new Refuser());
        registry.setAsset(SHATIN, asset);
        _publishAndSettle(_statement(SHATIN, 10_000, 0, JUNE));
        vm.assertEq(revenue.balanceOf(asset.beneficiary, _mayId(SHATIN)), 30_000_000);
    }

    function _both(uint256 issuedWh, uint256 reversedWh) internal pure returns (Statement[] memory statements) {
        statements = new Statement[](2);
        statements[0] = _statement(SHATIN, issuedWh, reversedWh, JUNE);
        statements[1] = _statement(TUENMUN, issuedWh / 2, reversedWh / 2, JUNE);
    }

    /// Everything that a settlement can change, in one hash.
    function _state() internal view returns (bytes32) {
        return keccak256(abi.encode(_stateOf(SHATIN, ROOFTOPS), _stateOf(TUENMUN, FEED_IN)));
    }

    function _stateOf(bytes32 assetId, bytes32 projectId) internal view returns (bytes memory) {
        (Mark memory minor, Mark memory revenueWh) = revenue.marks(assetId, VINTAGE);
        (Mark memory grams, Mark memory creditWh) = credit.marks(assetId, VINTAGE);
        uint256 id = credit.idOf(projectId, VINTAGE);
        return abi.encode(
            abi.encode(minor, revenueWh, grams, creditWh),
            revenue.totalSupply(_mayId(assetId)),
            revenue.balanceOf(OWNER, _mayId(assetId)),
            credit.totalSupply(id),
            credit.balanceOf(OWNER, id)
        );
    }

    function _capped(Batch memory batch, bytes32 assetId, address token, Hold hold) internal {
        vm.expectEmit(true, true, true, true, address(engine));
        emit ISettlementEngine.Capped(assetId, VINTAGE, batch.epoch, token, hold);
    }

    /// Without any other call first, so that expectRevert, expectEmit and prank meet this one.
    function _settleAs(Batch memory batch) internal {
        engine.settle(batch.epoch, batch.statements, batch.proofs);
    }
}
