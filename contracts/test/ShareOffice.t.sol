// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarkLedger} from "../src/ledger/IMarkLedger.sol";
import {RevenueShare} from "../src/revenue/RevenueShare.sol";
import {IAssetShare} from "../src/shares/IAssetShare.sol";
import {IShareOffice} from "../src/shares/IShareOffice.sol";
import {ShareOffice} from "../src/shares/ShareOffice.sol";
import {SharesFixture} from "./SharesFixture.sol";
import {Vm} from "./Vm.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ShortStrings} from "@openzeppelin/contracts/utils/ShortStrings.sol";

/// One share an asset, and force only by the enforcer, with a reason, in public.
contract ShareOfficeTest is SharesFixture {
    function test_issuesOneShareAnAsset() public {
        vm.assertEq(address(office.shareOf(HENGYANG)), address(0));
        IAssetShare other = _issue(HENGYANG, 7, BEN);
        vm.assertEq(address(office.shareOf(HENGYANG)), address(other));
        vm.assertEq(other.balanceOf(BEN), 7);
        vm.expectRevert(abi.encodeWithSelector(IShareOffice.AlreadyIssued.selector, HENGYANG, other));
        _issue(HENGYANG, 7, BEN);
    }

    function test_announcesWhatItIssues() public {
        vm.recordLogs();
        IAssetShare other = _issue(HENGYANG, 7, BEN);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory last = logs[logs.length - 1];
        vm.assertEq(last.emitter, address(office));
        vm.assertEq(last.topics[0], IShareOffice.Issued.selector);
        vm.assertEq(last.topics[1], HENGYANG);
        vm.assertEq(last.topics[2], bytes32(uint256(uint160(address(other)))));
        vm.assertEq(last.topics[3], bytes32(uint256(uint160(BEN))));
        vm.assertEq(
            keccak256(last.data), keccak256(abi.encode(uint48(7), PROFESSIONAL, string("Liuyang 1"), string("LY1")))
        );
    }

    function test_refusesToIssueForNothing() public {
        vm.expectRevert(abi.encodeWithSelector(IShareOffice.UnknownAsset.selector, bytes32("nowhere-1")));
        _issue("nowhere-1", 7, BEN);
        vm.expectRevert(abi.encodeWithSelector(IShareOffice.SupplyMissing.selector));
        _issue(HENGYANG, 0, BEN);
        vm.expectRevert(abi.encodeWithSelector(IShareOffice.NotEligible.selector, STRANGER, PROFESSIONAL));
        _issue(HENGYANG, 7, STRANGER);
        string memory long = "a name of more than 31 characters";
        vm.expectRevert(abi.encodeWithSelector(ShortStrings.StringTooLong.selector, long));
        vm.prank(SHARE_ISSUER);
        office.issue(HENGYANG, long, "LY2", 7, BEN, PROFESSIONAL);
    }

    /// Invariant: enforcerNamesAReason.
    function test_enforcerNamesAReason() public {
        bytes memory refusal = abi.encodeWithSelector(IShareOffice.ReasonMissing.selector);
        vm.expectRevert(refusal);
        vm.prank(ENFORCER);
        office.freeze(LIUYANG, ANN, 1, "");
        vm.expectRevert(refusal);
        vm.prank(ENFORCER);
        office.unfreeze(LIUYANG, ANN, "");
        vm.expectRevert(refusal);
        vm.prank(ENFORCER);
        office.forceTransfer(LIUYANG, ANN, BEN, 1, "");
        vm.expectRevert(refusal);
        vm.prank(ENFORCER);
        office.recover(LIUYANG, ANN, BEN, new uint32[](0), "");

        vm.expectEmit(true, true, true, true, address(office));
        emit IShareOffice.FreezeOrdered(LIUYANG, ANN, 5, REASON);
        _freeze(ANN, 5);
        vm.expectEmit(true, true, true, true, address(office));
        emit IShareOffice.FreezeOrdered(LIUYANG, ANN, 0, REASON);
        _unfreeze(ANN);
        vm.expectEmit(true, true, true, true, address(office));
        emit IShareOffice.TransferOrdered(LIUYANG, ANN, BEN, 4, REASON);
        _force(ANN, BEN, 4);
        vm.expectEmit(true, true, true, true, address(office));
        emit IShareOffice.RecoveryOrdered(LIUYANG, BEN, CAT, 4, REASON);
        _recover(BEN, CAT, new uint32[](0));
    }

    /// Invariant: onlyOfficeForces. Not even the administrator, and nobody else.
    function test_onlyOfficeForces(uint256 who) public {
        address[5] memory others = [address(this), GUARDIAN, TRUSTEE, SHARE_ISSUER, ANN];
        address caller = others[who % others.length];
        bytes memory refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller);
        vm.expectRevert(refusal);
        vm.prank(caller);
        office.freeze(LIUYANG, ANN, 1, REASON);
        vm.expectRevert(refusal);
        vm.prank(caller);
        office.unfreeze(LIUYANG, ANN, REASON);
        vm.expectRevert(refusal);
        vm.prank(caller);
        office.forceTransfer(LIUYANG, ANN, BEN, 1, REASON);
        vm.expectRevert(refusal);
        vm.prank(caller);
        office.recover(LIUYANG, ANN, BEN, new uint32[](0), REASON);
        // Nor past the office.
        address[3] memory past = [caller, ENFORCER, address(manager)];
        for (uint256 i = 0; i < past.length; ++i) {
            bytes memory notOffice = abi.encodeWithSelector(IAssetShare.NotOffice.selector, past[i]);
            vm.expectRevert(notOffice);
            vm.prank(past[i]);
            share.forcedTransfer(ANN, BEN, 1);
            vm.expectRevert(notOffice);
            vm.prank(past[i]);
            share.setFrozenTokens(ANN, 1);
            vm.expectRevert(notOffice);
            vm.prank(past[i]);
            share.recover(ANN, BEN, new uint32[](0));
        }
        vm.assertEq(share.balanceOf(ANN), SUPPLY);
    }

    function test_whereThereIsNoShareThereIsNothingToEnforce() public {
        bytes memory refusal = abi.encodeWithSelector(IShareOffice.NotIssued.selector, HENGYANG);
        vm.expectRevert(refusal);
        vm.prank(ENFORCER);
        office.freeze(HENGYANG, ANN, 1, REASON);
        vm.expectRevert(refusal);
        vm.prank(ENFORCER);
        office.forceTransfer(HENGYANG, ANN, BEN, 1, REASON);
        vm.expectRevert(refusal);
        vm.prank(ENFORCER);
        office.recover(HENGYANG, ANN, BEN, new uint32[](0), REASON);
        vm.expectRevert(refusal);
        vm.prank(GUARDIAN);
        office.pauseTransfers(_assets(HENGYANG));
        vm.expectRevert(abi.encodeWithSelector(IShareOffice.NothingToFreeze.selector));
        _freeze(ANN, 0);
    }

    function test_guardiansPauseAndAdministratorsResume() public {
        IAssetShare other = _issue(HENGYANG, 7, BEN);
        bytes32[] memory both = new bytes32[](2);
        (both[0], both[1]) = (LIUYANG, HENGYANG);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, ANN));
        vm.prank(ANN);
        office.pauseTransfers(both);
        vm.prank(GUARDIAN);
        office.pauseTransfers(both);
        vm.assertTrue(share.transfersPaused() && other.transfersPaused());
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, GUARDIAN));
        vm.prank(GUARDIAN);
        office.resumeTransfers(both);
        office.resumeTransfers(_assets(HENGYANG));
        vm.assertTrue(share.transfersPaused() && !other.transfersPaused());
    }

    function test_whatTakesRevenueIsNamedOnce() public {
        vm.expectRevert(abi.encodeWithSelector(IShareOffice.RevenueShareAlreadySet.selector, address(revenue)));
        office.setRevenueShare(address(revenue));

        ShareOffice second = new ShareOffice(address(manager), registry, identities, IMarkLedger(address(ledger)));
        vm.expectRevert(abi.encodeWithSelector(IShareOffice.NotOfThisOffice.selector, address(revenue)));
        second.setRevenueShare(address(revenue));
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, ANN));
        vm.prank(ANN);
        second.setRevenueShare(address(revenue));
        RevenueShare own =
            new RevenueShare(address(manager), registry, IMarkLedger(address(ledger)), second, identities);
        vm.expectEmit(true, true, true, true, address(second));
        emit IShareOffice.RevenueShareSet(address(own));
        second.setRevenueShare(address(own));
        vm.assertEq(second.revenueShare(), address(own));
    }

    function test_onlyTheShareIssuerIssues() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, ENFORCER));
        vm.prank(ENFORCER);
        office.issue(HENGYANG, "x", "X", 7, BEN, PROFESSIONAL);
    }
}
