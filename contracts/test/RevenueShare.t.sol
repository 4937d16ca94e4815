// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRevenueShare, Receivable} from "../src/revenue/IRevenueShare.sol";
import {IAssetShare} from "../src/shares/IAssetShare.sol";
import {SharesFixture} from "./SharesFixture.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

/// What holders are owed for each month, and how cash reaches them.
contract RevenueShareTest is SharesFixture {
    function test_collectsWhatWasEarned() public {
        _split(300, 100);
        _settle(MAY, 999);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IERC1155.TransferSingle(address(this), address(0), BEN, _id(MAY), 299);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenueShare.Collected(LIUYANG, MAY, BEN, 299);
        _collect(BEN, MAY);
        _collect(BEN, MAY); // nothing more
        _settle(MAY, 1);
        _collect(BEN, MAY);
        vm.assertEq(revenue.balanceOf(BEN, _id(MAY)), 300);
        vm.assertEq(revenue.totalSupply(_id(MAY)), 300);
        vm.assertEq(revenue.idOf(LIUYANG, MAY), _id(MAY));
    }

    function test_collectsManyMonthsAtOnce() public {
        _settle(MAY, 10);
        _settle(JULY, 20);
        uint32[] memory months = new uint32[](4);
        (months[0], months[1], months[2], months[3]) = (MAY, JUNE, JULY, MAY);
        revenue.collect(LIUYANG, months, ANN);
        vm.assertEq(revenue.balanceOf(ANN, _id(MAY)), 10);
        vm.assertEq(revenue.balanceOf(ANN, _id(JUNE)), 0);
        vm.assertEq(revenue.balanceOf(ANN, _id(JULY)), 20);
    }

    function test_aDepositPaysEveryUnitAlike() public {
        _split(300, 100);
        _endMay(1000);
        _collectAll(MAY);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenueShare.Deposited(LIUYANG, MAY, OFFTAKER, 500, 500);
        _deposit(MAY, 500);
        vm.assertEq(_owed(ANN, MAY), 300);
        vm.assertEq(_owed(BEN, MAY), 150);
        uint256[] memory twice = new uint256[](2);
        (twice[0], twice[1]) = (_id(MAY), _id(MAY));
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenueShare.Claimed(CAT, _id(MAY), DAN, 50);
        vm.prank(CAT);
        revenue.claim(twice, DAN);
        vm.assertEq(hkd.balanceOf(DAN), 50);
        vm.assertEq(_owed(CAT, MAY), 0);
        vm.assertEq(revenue.heldMinor(address(hkd)), 450);
        uint256[] memory ids = _ids(MAY);
        vm.recordLogs();
        vm.prank(CAT);
        revenue.claim(ids, CAT);
        vm.assertEq(vm.getRecordedLogs().length, 0); // nothing due, nothing said
    }

    /// Invariant: receivableShowsAttestedFundedPaid.
    function test_receivableShowsAttestedFundedPaid() public {
        _shows(Receivable(0, 0, 0, 0, 0, false));
        _settle(MAY, 1000);
        _shows(Receivable(1000, 0, 0, 0, 0, false));
        _deposit(MAY, 400);
        _shows(Receivable(1000, 0, 400, 0, 0, false));
        _settle(JUNE, 5);
        _shows(Receivable(1000, 0, 400, 400, 0, true));
        _collect(ANN, MAY);
        _claim(ANN, MAY);
        _shows(Receivable(1000, 0, 400, 400, 400, true));
        _writeDown(MAY, 500);
        _shows(Receivable(1000, 500, 400, 400, 400, true));
        _deposit(MAY, 300);
        _shows(Receivable(1000, 500, 700, 500, 400, true));
        _claim(ANN, MAY);
        revenue.carryExcess(LIUYANG, MAY);
        _shows(Receivable(1000, 500, 500, 500, 500, true));
    }

    /// Invariant: excessDepositsWait. For the month to end, and then for the month that follows.
    function test_excessDepositsWait(uint256 first, uint256 second) public {
        first = bound(first, 1001, 1e18);
        second = bound(second, 0, 1e18);
        _settle(MAY, 1000);
        _collect(ANN, MAY);
        _deposit(MAY, first);
        vm.assertEq(_owed(ANN, MAY), 0);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.NotFinal.selector, LIUYANG, MAY));
        revenue.carryExcess(LIUYANG, MAY);
        _settle(JULY, second);
        vm.assertEq(_owed(ANN, MAY), 1000);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenueShare.ExcessCarried(LIUYANG, MAY, JULY, first - 1000);
        revenue.carryExcess(LIUYANG, MAY);
        vm.assertEq(_owed(ANN, MAY), 1000);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.NothingToCarry.selector));
        revenue.carryExcess(LIUYANG, MAY);
        _collect(ANN, JULY);
        vm.assertEq(_owed(ANN, JULY), 0);
        _settle(_later(JULY, 1), 0);
        vm.assertEq(_owed(ANN, JULY), second < first - 1000 ? second : first - 1000);
    }

    function test_onlyAMonthThatHasBegunIsPaid() public {
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.UnknownMonth.selector, LIUYANG, 0));
        _deposit(0, 1);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.UnknownMonth.selector, LIUYANG, MAY));
        _deposit(MAY, 1);
        _settle(MAY, 0);
        _deposit(MAY, 1);
        _settle(JULY, 0);
        _deposit(MAY, 1);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.UnknownMonth.selector, LIUYANG, JUNE));
        _deposit(JUNE, 1);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.NothingDeposited.selector));
        _deposit(MAY, 0);
    }

    /// A month that is not the asset's first is measured by itself.
    function test_aLaterMonthIsMeasuredByItself() public {
        _settle(MAY, 1000);
        _settle(JUNE, 500);
        _settle(JULY, 0);
        manager.grantRole(TRUSTEE_ROLE, address(this), 0);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.MoreThanOutstanding.selector, 500, 501));
        revenue.writeDown(LIUYANG, JUNE, 501, REASON);
        revenue.writeDown(LIUYANG, JUNE, 100, REASON);
        _collect(ANN, JUNE);
        _deposit(JUNE, 200);
        vm.assertEq(_owed(ANN, JUNE), 200);
        _deposit(JUNE, 250);
        vm.assertEq(_owed(ANN, JUNE), 400);
        revenue.carryExcess(LIUYANG, JUNE);
        vm.assertEq(revenue.receivable(LIUYANG, JUNE).depositedMinor, 400);
        vm.assertEq(revenue.receivable(LIUYANG, JUNE).attestedMinor, 500);
        vm.assertEq(revenue.receivable(LIUYANG, JULY).depositedMinor, 50);
    }

    /// A month without revenue, or one that reversals ate up, owes nobody and keeps nothing.
    function test_aMonthWithoutRevenuePaysNobody() public {
        _settle(MAY, 0);
        _deposit(MAY, 70);
        _settle(JUNE, 100);
        _collect(ANN, MAY);
        vm.assertEq(_owed(ANN, MAY), 0);
        _claim(ANN, MAY);
        revenue.carryExcess(LIUYANG, MAY);
        _settle(JULY, 0);
        _collect(ANN, JUNE);
        _claim(ANN, JUNE);
        vm.assertEq(hkd.balanceOf(ANN), 70);
    }

    function test_aWriteDownWaitsAndTakesNoDeposit() public {
        _endMay(1000);
        _deposit(MAY, 400);
        vm.expectRevert();
        vm.prank(TRUSTEE);
        revenue.writeDown(LIUYANG, MAY, 600, REASON); // not announced
        _scheduleWriteDown(MAY, 601);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.MoreThanOutstanding.selector, 600, 601));
        vm.prank(TRUSTEE);
        revenue.writeDown(LIUYANG, MAY, 601, REASON);
        _scheduleWriteDown(MAY, 600);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenueShare.WrittenDown(LIUYANG, MAY, 600, REASON);
        vm.prank(TRUSTEE);
        revenue.writeDown(LIUYANG, MAY, 600, REASON);
        // A deposit came in before the delay had passed: there is less to write down.
        _scheduleWriteDown(MAY, 1);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.MoreThanOutstanding.selector, 0, 1));
        vm.prank(TRUSTEE);
        revenue.writeDown(LIUYANG, MAY, 1, REASON);
        _collect(ANN, MAY);
        _claim(ANN, MAY);
        vm.assertEq(hkd.balanceOf(ANN), 400);
    }

    function test_whatMayBeWrittenDown() public {
        _settle(MAY, 1000);
        manager.grantRole(TRUSTEE_ROLE, address(this), 0);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.ReasonMissing.selector));
        revenue.writeDown(LIUYANG, MAY, 1, "");
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.NotFinal.selector, LIUYANG, MAY));
        revenue.writeDown(LIUYANG, MAY, 1, REASON);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, ENFORCER));
        vm.prank(ENFORCER);
        revenue.writeDown(LIUYANG, MAY, 1, REASON);
        // Twice adds up.
        _settle(JUNE, 0);
        revenue.writeDown(LIUYANG, MAY, 300, REASON);
        revenue.writeDown(LIUYANG, MAY, 300, REASON);
        vm.assertEq(revenue.receivable(LIUYANG, MAY).writtenDownMinor, 600);
    }

    function test_withoutAShareThereIsNothingToCollect() public {
        ledger.settle(HENGYANG, MAY, 100);
        bytes memory refusal = abi.encodeWithSelector(IRevenueShare.NoShare.selector, HENGYANG);
        vm.expectRevert(refusal);
        revenue.collect(HENGYANG, _months(MAY), ANN);
        uint256[] memory ids = new uint256[](1);
        ids[0] = revenue.idOf(HENGYANG, MAY);
        vm.expectRevert(refusal);
        vm.prank(ANN);
        revenue.claim(ids, ANN);
        // Deposits may come before the shares do.
        vm.prank(OFFTAKER);
        revenue.deposit(HENGYANG, MAY, 100);
        ledger.settle(HENGYANG, JUNE, 0);
        _issue(HENGYANG, 3, ANN);
        revenue.collect(HENGYANG, _months(MAY), ANN);
        vm.assertEq(revenue.owed(ANN, ids[0]), 100);
    }

    function test_largestFiguresFit(uint64 attested, uint256 units) public {
        attested = uint64(bound(attested, type(uint64).max - 3, type(uint64).max));
        units = bound(units, 0, attested);
        _settle(MAY, attested);
        _settle(JUNE, 0);
        _collect(ANN, MAY);
        _deposit(MAY, attested / 2);
        _sendUnits(ANN, BEN, MAY, units);
        _deposit(MAY, type(uint64).max);
        vm.assertEq(_owed(BEN, MAY), units * (attested - attested / 2) / attested);
        _claim(ANN, MAY);
        _claim(BEN, MAY);
        vm.assertLe(hkd.balanceOf(ANN) + hkd.balanceOf(BEN), attested);
        vm.assertLe(attested, hkd.balanceOf(ANN) + hkd.balanceOf(BEN) + 1);
    }

    function _shows(Receivable memory expected) internal view {
        vm.assertEq(keccak256(abi.encode(revenue.receivable(LIUYANG, MAY))), keccak256(abi.encode(expected)));
    }
}
