// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssetShare} from "../src/shares/IAssetShare.sol";
import {IERC7943Fungible} from "../src/shares/IERC7943.sol";
import {SharesFixture} from "./SharesFixture.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";

/// Who may hold shares, and what enforcing does to them.
contract AssetShareTest is SharesFixture {
    bytes32 internal constant PERMIT =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    function test_isAnErc20OfWholeShares() public view {
        IERC20Metadata token = IERC20Metadata(address(share));
        vm.assertEq(token.decimals(), 0);
        vm.assertEq(bytes32(bytes(token.name())), "Liuyang 1");
        vm.assertEq(bytes32(bytes(token.symbol())), "LY1");
        vm.assertEq(share.totalSupply(), SUPPLY);
        vm.assertEq(share.balanceOf(ANN), SUPPLY);
        vm.assertEq(share.assetId(), LIUYANG);
        vm.assertEq(share.minimumClass(), PROFESSIONAL);
    }

    function test_supportsErc7943() public view {
        vm.assertTrue(type(IERC7943Fungible).interfaceId == 0x3edbb4c4);
        vm.assertTrue(share.supportsInterface(0x3edbb4c4));
        vm.assertTrue(share.supportsInterface(type(IERC20).interfaceId));
        vm.assertTrue(share.supportsInterface(type(IERC165).interfaceId));
        vm.assertFalse(share.supportsInterface(0xffffffff));
    }

    /// Invariant: unverifiedAccountsNeverReceiveShares. Neither the unknown, nor the expired, nor those of a lower class, by
    /// whatever way.
    function test_unverifiedAccountsNeverReceiveShares(uint8 kind) public {
        address to = STRANGER;
        if (kind % 3 == 1) {
            vm.prank(IDENTITY_ISSUER);
            identities.set(STRANGER, HONG_KONG, PROFESSIONAL - 1, EXPIRY);
        } else if (kind % 3 == 2) {
            to = BEN;
            _send(ANN, BEN, 10);
            vm.warp(EXPIRY);
        }
        uint256 before = share.balanceOf(to);
        bytes memory refusal = abi.encodeWithSelector(IERC7943Fungible.ERC7943CannotReceive.selector, to);
        vm.assertFalse(share.canReceive(to) || share.canTransfer(ANN, to, 0));
        vm.expectRevert(refusal);
        _send(ANN, to, 1);
        vm.prank(ANN);
        share.approve(CAT, 1);
        vm.expectRevert(refusal);
        vm.prank(CAT);
        share.transferFrom(ANN, to, 1);
        vm.expectRevert(refusal);
        _force(ANN, to, 1);
        vm.expectRevert(refusal);
        _recover(ANN, to, new uint32[](0));
        vm.assertEq(share.balanceOf(to), before);
    }

    function test_anExpiredHolderMaySell() public {
        _split(100, 0);
        _unverify(BEN);
        vm.assertTrue(share.canSend(BEN) && share.canTransfer(BEN, CAT, 100));
        _send(BEN, CAT, 100);
        vm.assertEq(share.balanceOf(CAT), 100);
    }

    /// Invariant: frozenSharesDoNotMove.
    function test_frozenSharesDoNotMove(uint256 frozen, uint256 units) public {
        _split(400, 0);
        frozen = bound(frozen, 1, 600);
        units = bound(units, 0, 400);
        _freeze(BEN, frozen);
        vm.assertEq(share.getFrozenTokens(BEN), frozen);
        uint256 free = frozen > 400 ? 0 : 400 - frozen;
        vm.assertTrue(share.canTransfer(BEN, CAT, units) == (units <= free));
        if (units > free) {
            vm.expectRevert(
                abi.encodeWithSelector(IERC7943Fungible.ERC7943InsufficientUnfrozenBalance.selector, BEN, units, free)
            );
        }
        _send(BEN, CAT, units);
        vm.assertEq(share.balanceOf(BEN), units > free ? 400 : 400 - units);
        // What comes may not leave either, as long as more is frozen than is held.
        _send(ANN, BEN, 100);
        uint256 held = share.balanceOf(BEN);
        vm.assertTrue(share.canTransfer(BEN, CAT, held) == false);
        _unfreeze(BEN);
        vm.assertEq(share.getFrozenTokens(BEN), 0);
        _send(BEN, CAT, held);
    }

    function test_moreThanOneHasIsRefusedAsSuch() public {
        _split(400, 0);
        for (uint256 i = 0; i < 2; ++i) {
            // No rule forbids it: it is not there.
            vm.assertTrue(share.canTransfer(BEN, CAT, 401) == (i == 0));
            vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, BEN, 400, 401));
            _send(BEN, CAT, 401);
            vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, BEN, 400, 401));
            _force(BEN, CAT, 401);
            _freeze(BEN, 100);
        }
    }

    /// What the standard asks of canTransfer: where it says no the transfer fails, where it says yes only a balance stops it.
    function test_canTransferSaysWhatATransferDoes(uint256 seed) public {
        _split(300, 0);
        if (draw(seed, 1, 0, 2) == 0) _freeze(BEN, draw(seed, 2, 1, 400));
        if (draw(seed, 3, 0, 3) == 0) _unverify(CAT);
        if (draw(seed, 4, 0, 3) == 0) _recover(draw(seed, 5, 0, 1) == 0 ? BEN : CAT, DAN, new uint32[](0));
        if (draw(seed, 6, 0, 3) == 0) {
            vm.prank(GUARDIAN);
            office.pauseTransfers(_assets(LIUYANG));
        }
        uint256 units = draw(seed, 7, 0, 300);
        bool expected = share.canTransfer(BEN, CAT, units) && units <= share.balanceOf(BEN);
        if (share.canTransfer(BEN, CAT, units)) vm.assertTrue(share.canSend(BEN) && share.canReceive(CAT));
        vm.prank(BEN);
        try share.transfer(CAT, units) {
            vm.assertTrue(expected);
        } catch {
            vm.assertFalse(expected);
        }
    }

    /// Forced shares that were frozen are unfrozen first, and no more of them.
    function test_aForcedTransferUnfreezesWhatItNeeds(uint256 frozen, uint256 units) public {
        _split(400, 0);
        frozen = bound(frozen, 1, 600);
        units = bound(units, 1, 400);
        _freeze(BEN, frozen);
        uint256 free = frozen > 400 ? 0 : 400 - frozen;
        uint256 left = units > free ? frozen - (units - free) : frozen;
        if (units > free) {
            vm.expectEmit(true, true, true, true, address(share));
            emit IERC7943Fungible.Frozen(BEN, left);
        }
        vm.expectEmit(true, true, true, true, address(share));
        emit IERC20.Transfer(BEN, CAT, units);
        vm.expectEmit(true, true, true, true, address(share));
        emit IERC7943Fungible.ForcedTransfer(BEN, CAT, units);
        _force(BEN, CAT, units);
        vm.assertEq(share.getFrozenTokens(BEN), left);
        vm.assertTrue(share.mayClaim(BEN) == (left == 0));
        vm.assertEq(share.balanceOf(CAT), units);
    }

    /// To the unit: free shares move and leave the frozen number alone, and all of an account can be taken.
    function test_freeSharesEndWhereFrozenOnesBegin() public {
        _split(400, 0);
        _freeze(BEN, 100);
        vm.assertTrue(share.canTransfer(BEN, CAT, 300) && !share.canTransfer(BEN, CAT, 301));
        uint256 start = vm.snapshotState();
        _send(BEN, CAT, 300);
        vm.revertToState(start);
        vm.recordLogs();
        _force(BEN, CAT, 300);
        vm.assertEq(vm.getRecordedLogs().length, 3); // Transfer, ForcedTransfer and the office's own: no Frozen
        vm.assertEq(share.getFrozenTokens(BEN), 100);
        vm.revertToState(start);
        _force(BEN, CAT, 400);
        vm.assertEq(share.getFrozenTokens(BEN), 0);
        vm.assertTrue(share.mayClaim(BEN));
    }

    function test_enforcingOnOneAccountTwiceIsRefused() public {
        bytes memory refusal = abi.encodeWithSelector(IAssetShare.SameAccount.selector, ANN);
        vm.expectRevert(refusal);
        _force(ANN, ANN, 1);
        vm.expectRevert(refusal);
        _recover(ANN, ANN, new uint32[](0));
    }

    function test_aLostAccountIsOutForGood() public {
        _split(300, 200);
        _recover(BEN, CAT, new uint32[](0));
        vm.assertFalse(share.canSend(BEN) || share.canReceive(BEN) || share.mayClaim(BEN));
        vm.assertFalse(share.canTransfer(ANN, BEN, 1) || share.canTransfer(BEN, ANN, 0));
        bytes memory refusal = abi.encodeWithSelector(IERC7943Fungible.ERC7943CannotReceive.selector, BEN);
        vm.expectRevert(refusal);
        _send(ANN, BEN, 1);
        vm.expectRevert(refusal);
        _force(ANN, BEN, 1);
        vm.expectRevert(refusal);
        _recover(ANN, BEN, new uint32[](0));
        vm.expectRevert(abi.encodeWithSelector(IERC7943Fungible.ERC7943CannotSend.selector, BEN));
        _send(BEN, ANN, 0);
        // Freezing and unfreezing do not bring it back.
        _freeze(BEN, 1);
        _unfreeze(BEN);
        vm.assertFalse(share.mayClaim(BEN));
        // The replacement can be lost in turn, and what was left behind follows.
        _settle(MAY, 1000);
        _recover(CAT, DAN, _months(MAY));
        vm.assertEq(_earned(DAN, MAY), 500);
        vm.assertEq(share.balanceOf(DAN), 500);
    }

    function test_frozenNumbersAddUpInRecovery() public {
        _split(300, 200);
        _freeze(BEN, type(uint256).max);
        _freeze(CAT, 5);
        _recover(BEN, CAT, new uint32[](0));
        vm.assertEq(share.getFrozenTokens(CAT), type(uint256).max);
        vm.assertFalse(share.mayClaim(CAT));
    }

    function test_pauseStopsHoldersAndNobodyElse() public {
        vm.expectEmit(true, true, true, true, address(share));
        emit IAssetShare.TransfersPaused(true);
        vm.prank(GUARDIAN);
        office.pauseTransfers(_assets(LIUYANG));
        vm.assertTrue(share.transfersPaused());
        bytes memory refusal = abi.encodeWithSelector(IAssetShare.TransfersArePaused.selector);
        vm.expectRevert(refusal);
        _send(ANN, BEN, 1);
        vm.prank(ANN);
        share.approve(BEN, 1);
        vm.expectRevert(refusal);
        vm.prank(BEN);
        share.transferFrom(ANN, BEN, 1);
        _force(ANN, BEN, 2);
        _recover(BEN, CAT, new uint32[](0));
        _settle(MAY, 1000);
        _collect(CAT, MAY);
        vm.assertEq(revenue.balanceOf(CAT, _id(MAY)), 2);
        office.resumeTransfers(_assets(LIUYANG));
        vm.assertFalse(share.transfersPaused());
        _send(ANN, CAT, 1);
    }

    function test_onlyTheOfficeEnforcesAndOnlyRevenueShareTakes() public {
        bytes memory refusal = abi.encodeWithSelector(IAssetShare.NotOffice.selector, address(this));
        vm.expectRevert(refusal);
        share.forcedTransfer(ANN, BEN, 1);
        vm.expectRevert(refusal);
        share.setFrozenTokens(ANN, 1);
        vm.expectRevert(refusal);
        share.recover(ANN, BEN, new uint32[](0));
        vm.expectRevert(refusal);
        share.setTransfersPaused(true);
        vm.expectRevert(abi.encodeWithSelector(IAssetShare.NotRevenueShare.selector, address(this)));
        share.take(MAY, ANN);
        vm.expectRevert(abi.encodeWithSelector(IAssetShare.NotRevenueShare.selector, address(office)));
        vm.prank(address(office));
        share.take(MAY, ANN);
    }

    /// Invariant: permit.
    function test_permit(uint256 key, uint256 units) public {
        key = bound(key, 1, type(uint128).max);
        units = bound(units, 0, SUPPLY);
        address holder = vm.addr(key);
        _verify(holder);
        _send(ANN, holder, units);
        uint256 deadline = block.timestamp;
        (uint8 v, bytes32 r, bytes32 s) = _permit(key, holder, units, 0, deadline);
        IERC20Permit token = IERC20Permit(address(share));
        token.permit(holder, BEN, units, deadline, v, r, s);
        vm.assertEq(share.allowance(holder, BEN), units);
        vm.assertEq(token.nonces(holder), 1);
        vm.prank(BEN);
        share.transferFrom(holder, BEN, units);
        vm.assertEq(share.balanceOf(BEN), units);
        vm.expectRevert();
        token.permit(holder, BEN, units, deadline, v, r, s);
    }

    function test_aSpenderNeedsAnAllowance() public {
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, BEN, 0, 1));
        vm.prank(BEN);
        share.transferFrom(ANN, BEN, 1);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InvalidReceiver.selector, address(0)));
        _send(ANN, address(0), 1);
    }

    function _permit(uint256 key, address holder, uint256 units, uint256 nonce, uint256 deadline)
        internal
        view
        returns (uint8, bytes32, bytes32)
    {
        bytes32 inner = keccak256(abi.encode(PERMIT, holder, BEN, units, nonce, deadline));
        bytes32 domain = IERC20Permit(address(share)).DOMAIN_SEPARATOR();
        return vm.sign(key, keccak256(abi.encodePacked("\x19\x01", domain, inner)));
    }
}
