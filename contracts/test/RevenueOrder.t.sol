// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Receivable} from "../src/revenue/IRevenueShare.sol";
import {SharesFixture} from "./SharesFixture.sol";

/// Who gets how much does not depend on when anyone accrues, collects, claims, deposits or transfers.
contract RevenueOrderTest is SharesFixture {
    /// Invariant: transfersNeverChangeOwedPlusClaimed. Of units, and of shares.
    function test_transfersNeverChangeOwedPlusClaimed(uint256 seed) public {
        _split(draw(seed, 1, 0, 500), draw(seed, 2, 0, 500));
        _endMay(draw(seed, 3, 1, 1e9));
        uint256 supply = revenue.receivable(LIUYANG, MAY).attestedMinor;
        _collectAll(MAY);
        for (uint256 i = 0; i < 8; ++i) {
            _deposit(MAY, draw(seed, 10 + i, 1, supply / 4 + 1));
            if (draw(seed, 20 + i, 0, 1) == 0) _claim(holders[draw(seed, 30 + i, 0, 2)], MAY);
            address from = holders[draw(seed, 40 + i, 0, 2)];
            address to = holders[draw(seed, 50 + i, 0, 2)];
            uint256[3] memory before = [_worth(ANN, MAY), _worth(BEN, MAY), _worth(CAT, MAY)];
            if (i % 2 == 0) _sendUnits(from, to, MAY, draw(seed, 60 + i, 0, revenue.balanceOf(from, _id(MAY))));
            else _send(from, to, draw(seed, 60 + i, 0, share.balanceOf(from)));
            for (uint256 j = 0; j < 3; ++j) {
                vm.assertEq(_worth(holders[j], MAY), before[j]);
            }
        }
    }

    /// Invariant: equalHoldersGetEqualCash. ANN and BEN are alike in what they hold at each settlement and each deposit, of
    /// shares and of units; when they collect and claim differs.
    function test_equalHoldersGetEqualCash(uint256 seed) public {
        _send(ANN, BEN, 350);
        _send(ANN, CAT, 300);
        uint32 month = MAY;
        for (uint256 i = 0; i < 24; ++i) {
            month = _actAlike(uint256(keccak256(abi.encode(seed, i))), month);
        }
        month = _later(month, 1);
        _settle(month, 0);
        for (uint32 each = MAY; each < month; each = _later(each, 1)) {
            _collectAll(each);
            _claimAll(each);
            vm.assertEq(revenue.balanceOf(ANN, _id(each)), revenue.balanceOf(BEN, _id(each)));
        }
        vm.assertEq(hkd.balanceOf(ANN), hkd.balanceOf(BEN));
    }

    /// Invariant: orderOfClaimsCannotMatter. The same settlements, transfers and deposits; accruing, collecting and claiming
    /// fall differently in two runs.
    function test_orderOfClaimsCannotMatter(uint256 seed) public {
        _split(draw(seed, 900, 0, 500), draw(seed, 901, 0, 500));
        uint256 start = vm.snapshotState();
        uint256[3][2] memory cash;
        for (uint256 run = 0; run < 2; ++run) {
            uint32 month = MAY;
            for (uint256 i = 0; i < 16; ++i) {
                month = _actAtRandom(uint256(keccak256(abi.encode(seed, i))), month);
                uint256 own = uint256(keccak256(abi.encode(seed, run, i)));
                _settleUpAtRandom(own, month);
            }
            _settle(_later(month, 1), 0);
            for (uint32 each = MAY; each <= month; each = _later(each, 1)) {
                _collectAll(each);
                _claimAll(each);
            }
            for (uint256 i = 0; i < 3; ++i) {
                cash[run][i] = hkd.balanceOf(holders[i]);
            }
            if (run == 0) vm.revertToState(start);
        }
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(cash[0][i], cash[1][i]);
        }
    }

    /// Invariant: currencyHeldCoversOwed. Invariant: neverMorePaidThanFunded. Invariant: collectedUnitsNeverExceedAttested.
    /// Invariant: neverMorePaidThanAttestedLessWrittenDown. Invariant: distributableNeverFalls.
    function test_currencyHeldCoversOwed(uint256 seed) public {
        _walk(seed);
    }

    function test_neverMorePaidThanFunded(uint256 seed) public {
        (, uint32 month) = _walk(seed);
        for (uint32 each = MAY; each <= month; each = _later(each, 1)) {
            _collectAll(each);
            _claimAll(each);
            Receivable memory one = revenue.receivable(LIUYANG, each);
            vm.assertLe(one.paidMinor, one.depositedMinor);
            // What rounding keeps back is less than a unit for each holder, in shares and in cash.
            vm.assertLe(one.distributableMinor, one.paidMinor + 6);
        }
    }

    function test_neverMorePaidThanAttestedLessWrittenDown(uint256 attested, uint256 down, uint256 paid) public {
        attested = bound(attested, 1, 1e15);
        down = bound(down, 0, attested);
        _endMay(attested);
        _collect(ANN, MAY);
        _writeDown(MAY, down);
        _deposit(MAY, bound(paid, 1, 1e18));
        _claim(ANN, MAY);
        vm.assertLe(hkd.balanceOf(ANN), attested - down);
        vm.assertEq(hkd.balanceOf(ANN), revenue.receivable(LIUYANG, MAY).distributableMinor);
    }

    function test_collectedUnitsNeverExceedAttested(uint256 seed) public {
        (, uint32 month) = _walk(seed);
        for (uint32 each = MAY; each <= month; each = _later(each, 1)) {
            _collectAll(each);
            uint256 attested = revenue.receivable(LIUYANG, each).attestedMinor;
            vm.assertLe(revenue.totalSupply(_id(each)), attested);
            vm.assertLe(attested, revenue.totalSupply(_id(each)) + 2);
        }
    }

    function test_distributableNeverFalls(uint256 seed) public {
        _endMay(draw(seed, 1, 0, 1e9));
        uint256 highest = 0;
        for (uint256 i = 0; i < 12; ++i) {
            Receivable memory one = revenue.receivable(LIUYANG, MAY);
            uint256 action = draw(seed, 10 + i, 0, 3);
            uint256 open = one.attestedMinor - one.writtenDownMinor - one.distributableMinor;
            if (action == 0) _deposit(MAY, draw(seed, 30 + i, 1, one.attestedMinor + 1));
            else if (action == 1) _writeDown(MAY, draw(seed, 50 + i, 0, open));
            else if (action == 2) _settle(JUNE, 1);
            else if (one.depositedMinor > one.attestedMinor) revenue.carryExcess(LIUYANG, MAY);
            uint256 distributable = revenue.receivable(LIUYANG, MAY).distributableMinor;
            vm.assertGe(distributable, highest);
            highest = distributable;
        }
    }

    /// Settle, deposit, carry, or move shares or units between CAT and both twins; or let one of them collect or claim.
    function _actAlike(uint256 seed, uint32 month) internal returns (uint32) {
        uint256 action = draw(seed, 0, 0, 6);
        uint32 some = _later(MAY, draw(seed, 1, 0, 6));
        if (some > month) some = month;
        (, uint32 running) = ledger.entitlingRevenue(LIUYANG);
        if (action == 0 || running == 0) {
            if (running != 0 && draw(seed, 2, 0, 1) == 0) month = _later(month, 1);
            _settle(month, draw(seed, 3, 0, 1e9));
        } else if (action == 1) {
            _deposit(running, draw(seed, 4, 1, 5e8));
        } else if (action == 2) {
            uint256 units = draw(seed, 5, 0, share.balanceOf(CAT) / 2);
            _send(CAT, ANN, units);
            _send(CAT, BEN, units);
        } else if (action == 3) {
            uint256 units = draw(seed, 6, 0, share.balanceOf(ANN));
            _send(ANN, CAT, units);
            _send(BEN, CAT, units);
        } else if (action == 4) {
            // Units can be passed on only when they have been collected.
            _collect(ANN, some);
            _collect(BEN, some);
            uint256 units = draw(seed, 7, 0, revenue.balanceOf(ANN, _id(some)));
            _sendUnits(ANN, CAT, some, units);
            _sendUnits(BEN, CAT, some, units);
        } else {
            _settleUpAtRandom(seed, month);
        }
        return month;
    }

    /// Settle, deposit, or move shares or units among the three.
    function _actAtRandom(uint256 seed, uint32 month) internal returns (uint32) {
        uint256 action = draw(seed, 0, 0, 4);
        address from = holders[draw(seed, 1, 0, 2)];
        address to = holders[draw(seed, 2, 0, 2)];
        uint32 some = _later(MAY, draw(seed, 3, 0, 6));
        (, uint32 running) = ledger.entitlingRevenue(LIUYANG);
        if (some > running) some = running;
        if (action <= 1 || running == 0) {
            if (running != 0 && draw(seed, 4, 0, 1) == 0) month = _later(month, 1);
            _settle(month, draw(seed, 5, 0, 1e9));
        } else if (action == 2) {
            _deposit(some, draw(seed, 6, 1, 1e9));
        } else if (action == 3) {
            _send(from, to, draw(seed, 7, 0, share.balanceOf(from)));
        } else {
            _collect(from, some);
            _sendUnits(from, to, some, draw(seed, 8, 0, revenue.balanceOf(from, _id(some))));
        }
        return month;
    }

    /// One holder accrues, collects or claims, in a month or two.
    function _settleUpAtRandom(uint256 seed, uint32 month) internal {
        address holder = holders[draw(seed, 100, 0, 2)];
        uint32 some = _later(MAY, draw(seed, 101, 0, 6));
        if (some > month) some = month;
        uint256 action = draw(seed, 102, 0, 3);
        if (action == 0) share.accrue(holder, draw(seed, 103, 0, 3));
        if (action >= 1) _collect(holder, some);
        if (action >= 2) _claim(holder, some);
    }

    /// Everything at random, and the books checked at each step. Returns the running month, twice at first sight: the month
    /// of the walk and the ledger's.
    function _walk(uint256 seed) internal returns (uint32 month, uint32 running) {
        _split(draw(seed, 900, 0, 500), draw(seed, 901, 0, 500));
        month = MAY;
        _settle(month, draw(seed, 902, 0, 1e9));
        uint256[12] memory highest;
        for (uint256 i = 0; i < 20; ++i) {
            uint256 one = uint256(keccak256(abi.encode(seed, i)));
            month = _actAtRandom(one, month);
            _settleUpAtRandom(one, month);
            if (one % 7 == 0) _carryOrWriteDown(one, month);
            if (one % 11 == 0) _force(ANN, BEN, share.balanceOf(ANN) / 2);
            _checkBooks(month, highest);
        }
        (, running) = ledger.entitlingRevenue(LIUYANG);
    }

    function _carryOrWriteDown(uint256 seed, uint32 month) internal {
        uint32 some = _later(MAY, draw(seed, 110, 0, 6));
        Receivable memory one = revenue.receivable(LIUYANG, some > month ? month : some);
        if (!one.isFinal) return;
        uint256 open = one.attestedMinor - one.writtenDownMinor;
        if (one.depositedMinor > open) revenue.carryExcess(LIUYANG, some);
        else _writeDown(some, (open - one.distributableMinor) / (1 + seed % 3));
    }

    function _checkBooks(uint32 month, uint256[12] memory highest) internal view {
        uint256 waiting = 0;
        uint256 owing = 0;
        for (uint256 i = 0; _later(MAY, i) <= month && i < 12; ++i) {
            uint32 each = _later(MAY, i);
            Receivable memory one = revenue.receivable(LIUYANG, each);
            uint256 due = _owed(ANN, each) + _owed(BEN, each) + _owed(CAT, each);
            vm.assertLe(due + one.paidMinor, one.distributableMinor);
            vm.assertLe(one.paidMinor, one.depositedMinor);
            vm.assertLe(one.paidMinor, one.attestedMinor - one.writtenDownMinor);
            vm.assertLe(revenue.totalSupply(_id(each)), one.attestedMinor);
            vm.assertGe(one.distributableMinor, highest[i]);
            highest[i] = one.distributableMinor;
            owing += due;
            waiting += one.depositedMinor - one.distributableMinor;
        }
        vm.assertGe(hkd.balanceOf(address(revenue)), owing + waiting, "held >= owed + waiting");
        vm.assertEq(hkd.balanceOf(address(revenue)), revenue.heldMinor(address(hkd)));
    }
}
