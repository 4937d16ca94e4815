// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRevenueShare} from "../src/revenue/IRevenueShare.sol";
import {IAssetShare} from "../src/shares/IAssetShare.sol";
import {SharesFixture} from "./SharesFixture.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

/// Who may hold, pass on and claim receivables, and who may not yet.
contract RevenueRightsTest is SharesFixture {
    /// Invariant: unverifiedAccountsNeverReceiveReceivables. Neither collected nor sent, alone, in a batch or by force.
    function test_unverifiedAccountsNeverReceiveReceivables(bool expired) public {
        _split(300, 0);
        _endMay(1000);
        _collect(ANN, MAY);
        if (expired) {
            vm.prank(IDENTITY_ISSUER);
            identities.set(BEN, HONG_KONG, PROFESSIONAL, uint64(block.timestamp) + 1);
            vm.warp(block.timestamp + 1);
        } else {
            _unverify(BEN);
        }
        bytes memory refusal = abi.encodeWithSelector(IRevenueShare.NotVerified.selector, BEN);
        vm.expectRevert(refusal);
        _collect(BEN, MAY);
        vm.expectRevert(refusal);
        _sendUnits(ANN, BEN, MAY, 1);
        uint256[] memory ids = _ids(MAY);
        uint256[] memory units = new uint256[](1);
        vm.expectRevert(refusal);
        vm.prank(ANN);
        revenue.safeBatchTransferFrom(ANN, BEN, ids, units, "");
        vm.prank(ANN);
        revenue.setApprovalForAll(CAT, true);
        vm.expectRevert(refusal);
        vm.prank(CAT);
        revenue.safeTransferFrom(ANN, BEN, ids[0], 1, "");
        _recover(ANN, CAT, new uint32[](0));
        vm.expectRevert(refusal);
        _recoverUnits(ANN, BEN, MAY);
        vm.assertEq(revenue.balanceOf(BEN, ids[0]), 0);
        // It has gone on accruing, and collects when it is cleared.
        _verify(BEN);
        _collect(BEN, MAY);
        vm.assertEq(revenue.balanceOf(BEN, ids[0]), 300);
    }

    /// Invariant: expiredAccruesAndCannotClaim.
    function test_expiredAccruesAndCannotClaim() public {
        _split(300, 0);
        _endMay(1000);
        _collect(BEN, MAY);
        _deposit(MAY, 100);
        _unverify(BEN);
        _deposit(MAY, 900);
        _settle(JUNE, 1000);
        vm.assertEq(_owed(BEN, MAY), 300);
        vm.assertEq(_earned(BEN, JUNE), 300);
        bytes memory refusal = abi.encodeWithSelector(IRevenueShare.NotVerified.selector, BEN);
        vm.expectRevert(refusal);
        _claim(BEN, MAY);
        vm.expectRevert(refusal); // or another would claim for it
        _sendUnits(BEN, ANN, MAY, 300);
        uint256[] memory ids = _ids(MAY);
        vm.expectRevert(refusal); // nor is it paid by another
        vm.prank(ANN);
        revenue.claim(ids, BEN);
        _verify(BEN);
        _claim(BEN, MAY);
        vm.assertEq(hkd.balanceOf(BEN), 300);
    }

    /// Invariant: frozenAccruesAndCannotClaim. One frozen share is enough.
    function test_frozenAccruesAndCannotClaim(uint256 frozen) public {
        _split(300, 0);
        _endMay(1000);
        _collect(BEN, MAY);
        _freeze(BEN, bound(frozen, 1, type(uint256).max));
        _deposit(MAY, 1000);
        _settle(JUNE, 1000);
        vm.assertEq(_owed(BEN, MAY), 300);
        _collect(BEN, JUNE);
        vm.assertEq(revenue.balanceOf(BEN, _id(JUNE)), 300);
        bytes memory refusal = abi.encodeWithSelector(IRevenueShare.HolderFrozen.selector, LIUYANG, BEN);
        vm.expectRevert(refusal);
        _claim(BEN, MAY);
        vm.expectRevert(refusal);
        _sendUnits(BEN, ANN, MAY, 1);
        _sendUnits(ANN, BEN, MAY, 0);
        _unfreeze(BEN);
        _claim(BEN, MAY);
        vm.assertEq(hkd.balanceOf(BEN), 300);
    }

    /// What is frozen of one asset does not touch another's receivables.
    function test_aFreezeIsOfOneAsset() public {
        IAssetShare other = _issue(HENGYANG, 10, BEN);
        ledger.settle(HENGYANG, MAY, 50);
        ledger.settle(HENGYANG, JUNE, 0);
        revenue.collect(HENGYANG, _months(MAY), BEN);
        vm.prank(OFFTAKER);
        revenue.deposit(HENGYANG, MAY, 50);
        _freeze(BEN, 1);
        uint256[] memory ids = new uint256[](1);
        ids[0] = revenue.idOf(HENGYANG, MAY);
        vm.prank(BEN);
        revenue.claim(ids, BEN);
        vm.assertEq(hkd.balanceOf(BEN), 50);
        vm.assertTrue(other.mayClaim(BEN) && !share.mayClaim(BEN));
    }

    /// Invariant: forcedTransferLeavesAccruedCash. In the share, collected, and owed.
    function test_forcedTransferLeavesAccruedCash() public {
        _split(400, 0);
        _endMay(1000);
        _collect(BEN, MAY);
        _deposit(MAY, 500);
        _settle(JUNE, 100);
        _force(BEN, CAT, 400);
        _settle(JULY, 50);
        _collectAll(MAY);
        _collectAll(JUNE);
        _collectAll(JULY);
        _deposit(MAY, 500);
        _deposit(JUNE, 100);
        _claimAll(MAY);
        _claimAll(JUNE);
        vm.assertEq(hkd.balanceOf(BEN), 440);
        vm.assertEq(hkd.balanceOf(CAT), 0);
        vm.assertEq(revenue.balanceOf(CAT, _id(JULY)), 20);
        vm.assertEq(revenue.balanceOf(BEN, _id(JULY)), 0);
    }

    /// Invariant: recoveryMovesAccruedEntitlement. Of the share, of units, and of cash: the replacement ends with what the
    /// lost account would have had, beside its own.
    function test_recoveryMovesAccruedEntitlement(uint256 seed) public {
        _split(300, 200);
        address replacement = seed % 2 == 0 ? CAT : DAN;
        _endMay(draw(seed, 1, 0, 1e9));
        if (draw(seed, 2, 0, 1) == 0) _collect(BEN, MAY);
        _deposit(MAY, draw(seed, 3, 1, 1e9));
        if (draw(seed, 4, 0, 1) == 0) _claim(BEN, MAY);
        if (draw(seed, 5, 0, 1) == 0) _collect(CAT, MAY);
        if (draw(seed, 6, 0, 1) == 0) _claim(CAT, MAY);
        _settle(JUNE, draw(seed, 7, 0, 1e9));
        if (draw(seed, 8, 0, 1) == 0) _collect(BEN, JUNE);
        uint256 start = vm.snapshotState();
        uint256 expected = _endsWith(BEN) + (replacement == CAT ? _endsWith(CAT) : 0);
        vm.revertToState(start);

        _recover(BEN, replacement, _months(MAY));
        // Whoever has the lost key can do nothing with what is still there.
        uint256[] memory ids = _ids(MAY);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.HolderFrozen.selector, LIUYANG, BEN));
        vm.prank(BEN);
        revenue.claim(ids, BEN);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.HolderFrozen.selector, LIUYANG, BEN));
        _sendUnits(BEN, ANN, MAY, 0);
        _recoverUnits(BEN, replacement, MAY);
        _recoverUnits(BEN, replacement, JUNE);
        uint256 spent = hkd.balanceOf(BEN);
        uint256 got = _endsWith(replacement) + spent;
        // Fractions of the two that rounding would have kept back may come together.
        vm.assertGe(got, expected);
        vm.assertLe(got, expected + 4);
        vm.assertEq(_owed(BEN, MAY) + _owed(BEN, JUNE), 0);
        vm.assertEq(revenue.balanceOf(BEN, _id(MAY)) + revenue.balanceOf(BEN, _id(JUNE)), 0);
    }

    function test_recoversOnlyWhatTheOfficeDeclaredLost() public {
        _endMay(1000);
        _collect(ANN, MAY);
        bytes memory refusal = abi.encodeWithSelector(IRevenueShare.NotReplaced.selector, LIUYANG, ANN, BEN);
        vm.expectRevert(refusal);
        _recoverUnits(ANN, BEN, MAY);
        _recover(ANN, CAT, new uint32[](0));
        vm.expectRevert(refusal);
        _recoverUnits(ANN, BEN, MAY);
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.ReasonMissing.selector));
        vm.prank(ENFORCER);
        revenue.recover(ANN, CAT, new uint256[](0), "");
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, CAT));
        vm.prank(CAT);
        revenue.recover(ANN, CAT, new uint256[](0), REASON);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IERC1155.TransferSingle(ENFORCER, ANN, CAT, _id(MAY), 1000);
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenueShare.ReceivableRecovered(_id(MAY), ANN, CAT, 1000, REASON);
        _recoverUnits(ANN, CAT, MAY);
        // What is collected for the lost account afterwards follows in the same way.
        _collect(ANN, JUNE);
        _settle(JUNE, 10);
        _collect(CAT, JUNE);
        vm.assertEq(revenue.balanceOf(CAT, _id(JUNE)), 10);
    }

    function test_pauseStopsTransfersOnly() public {
        _endMay(1000);
        _collect(ANN, MAY);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, ANN));
        vm.prank(ANN);
        revenue.pauseTransfers();
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenueShare.TransfersPaused(true);
        vm.prank(GUARDIAN);
        revenue.pauseTransfers();
        vm.assertTrue(revenue.transfersPaused());
        vm.expectRevert(abi.encodeWithSelector(IRevenueShare.TransfersArePaused.selector));
        _sendUnits(ANN, BEN, MAY, 1);
        _settle(JUNE, 30);
        _collect(ANN, JUNE);
        _deposit(MAY, 1000);
        _claim(ANN, MAY);
        vm.assertEq(hkd.balanceOf(ANN), 1000);
        _recover(ANN, BEN, new uint32[](0));
        _recoverUnits(ANN, BEN, MAY);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, GUARDIAN));
        vm.prank(GUARDIAN);
        revenue.resumeTransfers();
        vm.expectEmit(true, true, true, true, address(revenue));
        emit IRevenueShare.TransfersPaused(false);
        revenue.resumeTransfers();
        _sendUnits(BEN, CAT, MAY, 1);
    }

    /// Cash of a holder once May and June are over, collected and claimed.
    function _endsWith(address holder) internal returns (uint256) {
        _settle(JULY, 0);
        if (revenue.receivable(LIUYANG, JUNE).depositedMinor == 0) _deposit(JUNE, 1e9);
        _collect(holder, MAY);
        _collect(holder, JUNE);
        _claim(holder, MAY);
        _claim(holder, JUNE);
        return hkd.balanceOf(holder);
    }
}
