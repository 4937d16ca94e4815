// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssetShare, ShareAccount} from "../src/shares/IAssetShare.sol";
import {IERC7943Fungible} from "../src/shares/IERC7943.sol";
import {SharesFixture} from "./SharesFixture.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// Whose revenue it is, month by month.
contract EntitlementTest is SharesFixture {
    /// What each has earned, counted at each settlement: the model that the share is held against.
    mapping(uint32 month => mapping(address holder => uint256)) internal _products;
    address[4] internal _all = [ANN, BEN, CAT, DAN];
    uint32 internal _running = MAY;

    /// Invariant: entitlementBelongsToTheHolderAtSettlement. Invariant: shareSupplyIsFixed.
    /// Whatever moves in between, each has earned what its shares stood for whenever revenue was settled.
    function test_entitlementBelongsToTheHolderAtSettlement(uint256 seed) public {
        for (uint256 i = 0; i < 24; ++i) {
            _actAtRandom(uint256(keccak256(abi.encode(seed, i))));
            _checkModel();
        }
    }

    function test_shareSupplyIsFixed(uint256 seed) public {
        for (uint256 i = 0; i < 20; ++i) {
            _actAtRandom(uint256(keccak256(abi.encode(seed, i))));
        }
        uint256 sum = 0;
        for (uint256 i = 0; i < _all.length; ++i) {
            sum += share.balanceOf(_all[i]);
        }
        vm.assertEq(sum, SUPPLY);
        vm.assertEq(share.totalSupply(), SUPPLY);
    }

    function test_revenueFromBeforeTheShareIsTheFirstHolders() public {
        ledger.settle(HENGYANG, MAY, 600);
        ledger.settle(HENGYANG, JULY, 500);
        IAssetShare other = _issue(HENGYANG, 3, BEN);
        vm.prank(BEN);
        other.transfer(CAT, 1);
        ledger.settle(HENGYANG, JULY, 30);
        _earns(other, BEN, MAY, 600);
        _earns(other, BEN, JULY, 520);
        _earns(other, CAT, MAY, 0);
        _earns(other, CAT, JULY, 10);
    }

    /// Invariant: monthsBetweenAreNotLost. A holder who comes back after months, some of them skipped by the ledger, has
    /// earned in each of them; so has one who has left everything behind.
    function test_monthsBetweenAreNotLost(uint256 seed) public {
        _split(200, 300);
        uint256[12] memory minors;
        uint32[12] memory months;
        uint32 month = MAY;
        for (uint256 i = 0; i < 12; ++i) {
            minors[i] = draw(seed, i, 0, 1e12);
            months[i] = month;
            _settle(month, minors[i]);
            if (i == 5) _send(CAT, DAN, 300);
            month = _later(month, draw(seed, 100 + i, 1, 4));
        }
        // Read before anything is brought up, and after.
        for (uint256 run = 0; run < 2; ++run) {
            for (uint256 i = 0; i < 12; ++i) {
                vm.assertEq(_earned(BEN, months[i]), 200 * minors[i] / SUPPLY);
                vm.assertEq(_earned(CAT, months[i]), i <= 5 ? 300 * minors[i] / SUPPLY : 0);
                vm.assertEq(_earned(DAN, months[i]), i <= 5 ? 0 : 300 * minors[i] / SUPPLY);
            }
            if (run == 1) break;
            _send(BEN, ANN, 200);
            _send(DAN, ANN, 300);
        }
        vm.assertEq(_earned(ANN, months[11]), 500 * minors[11] / SUPPLY);
        vm.assertEq(_earned(ANN, _later(month, 40)), 0);
    }

    /// Whoever sells everything keeps the month's revenue until then, also once the month is over and the account is touched.
    function test_whoeverLeavesKeepsWhatWasEarned() public {
        _split(400, 0);
        _settle(MAY, 1000);
        _send(BEN, ANN, 400);
        _settle(MAY, 500);
        _settle(JULY, 500);
        vm.assertEq(_earned(BEN, MAY), 400);
        share.accrue(BEN, 1);
        vm.assertEq(_earned(BEN, MAY), 400);
        vm.assertEq(_earned(BEN, JULY), 0);
        _send(ANN, BEN, 1000);
        _settle(JULY, 10);
        vm.assertEq(_earned(BEN, MAY), 400);
        vm.assertEq(_earned(BEN, JULY), 10);
        vm.assertEq(_earned(ANN, MAY), 1100);
        vm.assertEq(_earned(ANN, JULY), 500);
    }

    /// Invariant: accrueInStepsEqualsAtOnce.
    function test_accrueInStepsEqualsAtOnce(uint256 seed) public {
        _split(200, 300);
        if (seed % 2 == 0) _settle(MAY, 777);
        uint32 month = MAY;
        for (uint256 i = 0; i < 8; ++i) {
            month = _later(month, draw(seed, i, 1, 3));
            _settle(month, draw(seed, 50 + i, 0, 1e9));
        }
        uint256 start = vm.snapshotState();
        share.accrue(BEN, type(uint256).max);
        bytes32 atOnce = _stateOf(BEN);
        vm.revertToState(start);

        uint32 reached = 0;
        for (uint256 i = 0; reached != month; ++i) {
            vm.assertTrue(i < 40);
            uint256 most = draw(seed, 90 + i, 0, 3);
            uint32 before = reached;
            reached = share.accrue(BEN, most);
            vm.assertTrue(reached >= before && (most == 0 || reached > before));
        }
        vm.assertEq(_stateOf(BEN), atOnce);
        vm.assertEq(share.accountOf(BEN).month, month);
    }

    function test_accruingBeforeTheFirstMonthChangesNothing() public {
        vm.assertEq(share.accrue(ANN, 1), 0);
        vm.assertEq(share.accrue(STRANGER, 1), 0);
        _settle(MAY, 1000);
        _send(ANN, BEN, 500);
        vm.assertEq(_earned(ANN, MAY), 1000);
        vm.assertEq(_earned(BEN, MAY), 0);
    }

    /// Every month that an asset can have, at the largest figures that the contracts take.
    function test_largestFiguresFit(uint48 supply, uint64 first) public {
        supply = uint48(bound(supply, type(uint48).max - 3, type(uint48).max));
        first = uint64(bound(first, type(uint64).max - 3, type(uint64).max - 1));
        IAssetShare other = _issue(HENGYANG, supply, ANN);
        ledger.settle(HENGYANG, MAY, first);
        vm.prank(ANN);
        other.transfer(BEN, supply / 2);
        ledger.settle(HENGYANG, MAY, type(uint64).max - first);
        vm.prank(BEN);
        other.transfer(ANN, supply / 2);
        _earns(other, BEN, MAY, uint256(supply / 2) * (type(uint64).max - first) / supply);
        ledger.settle(HENGYANG, 999_912, 0);
        vm.prank(ANN);
        other.transfer(BEN, supply);
        vm.assertEq(other.accountOf(ANN).month, 999_912);
        _earns(
            other,
            ANN,
            MAY,
            (uint256(supply) * first + uint256(supply - supply / 2) * (type(uint64).max - first)) / supply
        );
    }

    function test_oneShareIsTheWholeAsset() public {
        IAssetShare other = _issue(HENGYANG, 1, ANN);
        ledger.settle(HENGYANG, MAY, 41);
        vm.prank(ANN);
        other.transfer(BEN, 1);
        ledger.settle(HENGYANG, MAY, 1);
        _earns(other, ANN, MAY, 41);
        _earns(other, BEN, MAY, 1);
    }

    function test_aTransferToOneselfMovesNothing(uint256 units) public {
        units = bound(units, 0, SUPPLY);
        _settle(MAY, 500);
        _send(ANN, ANN, units);
        _settle(MAY, 500);
        vm.assertEq(share.balanceOf(ANN), SUPPLY);
        vm.assertEq(_earned(ANN, MAY), 1000);
    }

    /// Invariant: forcedTransferLeavesAccruedCash.
    function test_forcedTransferLeavesAccruedCash(uint256 units, uint256 before, uint256 later) public {
        _split(400, 0);
        units = bound(units, 0, 400);
        before = bound(before, 0, 1e15);
        later = bound(later, 0, 1e15);
        _settle(MAY, before);
        _force(BEN, CAT, units);
        vm.assertEq(_earned(BEN, MAY), 400 * before / SUPPLY);
        vm.assertEq(_earned(CAT, MAY), 0);
        _settle(MAY, later);
        vm.assertEq(_earned(BEN, MAY), (400 * before + (400 - units) * later) / SUPPLY);
        vm.assertEq(_earned(CAT, MAY), units * later / SUPPLY);
    }

    /// Invariant: recoveryMovesAccruedEntitlement. To a new account or to one that holds already; with frozen shares; months
    /// in one batch or in several.
    function test_recoveryMovesAccruedEntitlement(uint256 seed) public {
        _split(300, 200);
        uint256[3] memory minors = [draw(seed, 1, 0, 1e12), draw(seed, 2, 0, 1e12), draw(seed, 3, 0, 1e12)];
        uint32[3] memory months = [MAY, JUNE, JULY];
        _settle(MAY, minors[0]);
        if (seed % 2 == 0) _collect(BEN, MAY);
        _settle(JUNE, minors[1]);
        _settle(JULY, minors[2]);
        if (seed % 3 == 0) _collect(BEN, JULY);
        uint256 frozen = draw(seed, 4, 0, 400);
        if (frozen != 0) _freeze(BEN, frozen);
        address replacement = seed % 5 == 0 ? DAN : CAT;
        uint256 own = share.balanceOf(replacement);

        uint32[] memory batch = new uint32[](2);
        (batch[0], batch[1]) = (MAY, JULY);
        vm.expectEmit(true, true, true, true, address(share));
        emit IERC20.Transfer(BEN, replacement, 300);
        vm.expectEmit(true, true, true, true, address(share));
        emit IERC7943Fungible.ForcedTransfer(BEN, replacement, 300);
        vm.expectEmit(true, true, true, true, address(share));
        emit IAssetShare.Recovered(BEN, replacement, 300);
        _recover(BEN, replacement, batch);
        vm.assertEq(_earned(BEN, JUNE), 300 * minors[1] / SUPPLY); // of the next batch
        _recover(BEN, replacement, _months(JUNE));

        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(_earned(BEN, months[i]), 0);
            vm.assertEq(_earned(replacement, months[i]), (300 + own) * minors[i] / SUPPLY);
        }
        (, uint256 taken) = share.entitlementOf(MAY, replacement);
        vm.assertEq(taken, seed % 2 == 0 ? 300 * minors[0] / SUPPLY : 0);
        (, taken) = share.entitlementOf(JULY, replacement);
        vm.assertEq(taken, seed % 3 == 0 ? 300 * minors[2] / SUPPLY : 0);
        vm.assertEq(share.balanceOf(replacement), 300 + own);
        vm.assertEq(share.balanceOf(BEN), 0);
        vm.assertEq(share.getFrozenTokens(replacement), frozen);
        vm.assertEq(share.getFrozenTokens(BEN), 0);
        vm.assertEq(share.replacementOf(BEN), replacement);
    }

    function test_takenOnceIsTaken() public {
        _settle(MAY, 999);
        vm.expectEmit(true, true, true, true, address(share));
        emit IAssetShare.Taken(ANN, MAY, 999);
        _take(ANN, MAY, 999);
        vm.recordLogs();
        _take(ANN, MAY, 0);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        _settle(MAY, 3);
        _take(ANN, MAY, 3);
        _take(ANN, JUNE, 0);
        (uint256 earned, uint256 taken) = share.entitlementOf(MAY, ANN);
        vm.assertEq(earned, 1002);
        vm.assertEq(taken, 1002);
    }

    /// Settle, move, force, accrue, recover and collect, and count along.
    function _actAtRandom(uint256 seed) internal {
        uint256 action = draw(seed, 0, 0, 9);
        address from = _all[draw(seed, 1, 0, 3)];
        address to = _all[draw(seed, 2, 0, 3)];
        if (action <= 3) {
            if (draw(seed, 3, 0, 2) == 0) _running = _later(_running, draw(seed, 4, 1, 3));
            uint256 minor = draw(seed, 5, 0, 1e9);
            for (uint256 i = 0; i < _all.length; ++i) {
                _products[_running][_all[i]] += share.balanceOf(_all[i]) * minor;
            }
            _settle(_running, minor);
        } else if (action <= 6) {
            uint256 units = draw(seed, 6, 0, share.balanceOf(from));
            if (action == 4 && from != to) _force(from, to, units);
            else _send(from, to, units);
        } else if (action == 7) {
            share.accrue(from, draw(seed, 7, 0, 2));
        } else if (action == 8) {
            _collect(from, _later(MAY, draw(seed, 8, 0, 20)));
        } else if (draw(seed, 9, 0, 3) == 0 && from != to) {
            _recoverAll(seed, from, to);
        }
    }

    /// The lost account is replaced by a fresh one in the test's list.
    function _recoverAll(uint256 seed, address lost, address replacement) internal {
        uint32[] memory months = new uint32[](60);
        for (uint256 i = 0; i < months.length; ++i) {
            months[i] = _later(MAY, i);
            _products[months[i]][replacement] += _products[months[i]][lost];
            _products[months[i]][lost] = 0;
        }
        for (uint256 i = months.length; _later(MAY, i) <= _running; ++i) {
            uint32 month = _later(MAY, i);
            months = _with(months, month);
            _products[month][replacement] += _products[month][lost];
            _products[month][lost] = 0;
        }
        _recover(lost, replacement, months);
        for (uint256 i = 0; i < _all.length; ++i) {
            if (_all[i] == lost) _all[i] = address(uint160(uint256(keccak256(abi.encode("fresh", seed)))));
            _verify(_all[i]);
        }
    }

    function _with(uint32[] memory months, uint32 month) internal pure returns (uint32[] memory longer) {
        longer = new uint32[](months.length + 1);
        for (uint256 i = 0; i < months.length; ++i) {
            longer[i] = months[i];
        }
        longer[months.length] = month;
    }

    function _checkModel() internal view {
        for (uint256 i = 0; i < _all.length; ++i) {
            for (uint32 month = MAY; month <= _running; month = _later(month, 1)) {
                vm.assertEq(_earned(_all[i], month), _products[month][_all[i]] / SUPPLY);
            }
        }
    }

    function _stateOf(address holder) internal view returns (bytes32) {
        ShareAccount memory account = share.accountOf(holder);
        bytes memory state = abi.encode(account);
        for (uint32 month = MAY; month <= account.month; month = _later(month, 1)) {
            state = abi.encode(state, _earned(holder, month));
        }
        return keccak256(state);
    }

    function _earns(IAssetShare other, address holder, uint32 month, uint256 expected) internal view {
        (uint256 earned,) = other.entitlementOf(month, holder);
        vm.assertEq(earned, expected);
    }

    function _take(address holder, uint32 month, uint256 expected) internal {
        vm.prank(address(revenue));
        vm.assertEq(share.take(month, holder), expected);
    }
}
