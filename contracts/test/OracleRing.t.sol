// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProductionOracle, Report, RootStatus, Round} from "../src/oracle/IProductionOracle.sol";
import {OracleFixture} from "./OracleFixture.sol";

/// How long a report waits, and for how long its place in the ring is its own.
contract OracleRingTest is OracleFixture {
    function test_activeExactlyWhenTheDelayIsOver() public {
        _publish();
        vm.warp(START + DELAY - 1);
        _assertStatus(1, RootStatus.Pending);
        vm.warp(START + DELAY);
        _assertStatus(1, RootStatus.Active);
    }

    function test_withoutADelayRootsAreActiveAtOnce() public {
        _deploy(0);
        Report memory report = _publish();
        _assertStatus(1, RootStatus.Active);
        vm.assertEq(oracle.activeRoot(1), report.root);
        vm.assertEq(oracle.lastActiveEpoch(), 1);
    }

    /// A delay longer than time itself keeps all pending, and empty places free.
    function test_anEndlessDelayKeepsAllPending() public {
        _deploy(type(uint256).max);
        _publish();
        vm.warp(block.timestamp + 1000 days);
        _assertStatus(1, RootStatus.Pending);
        _assertUnknown(2);
        _publish();
    }

    /// Invariant: theRingKeepsTheLast256. What a place holds is the newest report that had it, and nothing else's.
    /// forge-config: default.fuzz.runs = 24
    function test_theRingKeepsTheLast256(uint256 seed) public {
        _deploy(0);
        bytes32[] memory roots = new bytes32[](2048);
        uint64[] memory newest = new uint64[](256);
        uint64 epoch = 0;
        for (uint256 i = 0; i < 60; ++i) {
            // Side by side, then in leaps that come back to the same places.
            epoch += uint64(i < 30 || i >= 38 ? draw(seed, i, 1, 3) : draw(seed, i, 60, 190));
            roots[epoch] = _publishAt(epoch).root;
            newest[epoch % 256] = epoch;
            vm.assertEq(oracle.lastActiveEpoch(), epoch);
        }
        for (uint64 i = 0; i < 2048; i += uint64(draw(seed, i, 1, 9))) {
            if (roots[i] != bytes32(0) && newest[i % 256] == i) {
                (bytes32 root, Round memory round) = oracle.roundOf(i);
                vm.assertEq(root, roots[i]);
                vm.assertEq(round.lap, i / 256);
                vm.assertEq(round.energyWh, i * 5);
                vm.assertEq(oracle.activeRoot(i), root);
            } else {
                _assertUnknown(i);
                if (roots[i] != bytes32(0)) vm.assertLe(i + 256, epoch); // none of the last 256 numbers is lost
            }
        }
    }

    /// 260 epochs, one after the other: the newest 256 are there.
    function test_aFullTurnOfTheRing() public {
        _deploy(0);
        for (uint64 epoch = 1; epoch <= 260; ++epoch) {
            _publishAt(epoch);
        }
        for (uint64 epoch = 0; epoch <= 261; ++epoch) {
            bool kept = epoch > 260 - 256 && epoch <= 260;
            vm.assertEq(oracle.activeRoot(epoch), kept ? keccak256(abi.encode("root", epoch)) : bytes32(0));
        }
    }

    /// More than 256 numbers back, an active report is no longer looked for.
    function test_lastActiveEpochLooksBack256Numbers() public {
        _publishAt(1);
        vm.warp(block.timestamp + DELAY);
        _publishAt(256);
        vm.assertEq(oracle.lastActiveEpoch(), 1);
        _publishAt(258);
        vm.assertEq(oracle.lastActiveEpoch(), 0);
        _assertStatus(1, RootStatus.Active); // its place is nobody else's yet
        vm.warp(block.timestamp + DELAY);
        vm.assertEq(oracle.lastActiveEpoch(), 258);
    }

    /// Invariant: aPendingReportKeepsItsPlace.
    function test_aPendingReportKeepsItsPlace(uint64 lap, uint64 waited) public {
        lap = uint64(bound(lap, 1, 200));
        waited = uint64(bound(waited, 0, 2 * DELAY));
        _publishAt(300);
        vm.warp(START + waited);
        Report memory report = _reportAt(300 + lap * 256);
        bytes memory signatures = _sign(report);
        if (waited < DELAY) {
            vm.expectRevert(abi.encodeWithSelector(IProductionOracle.PlaceHoldsPending.selector, report.epoch, 1));
        }
        oracle.publish(report, signatures);
        if (waited >= DELAY) {
            _assertUnknown(300);
            return;
        }
        _publishAt(301 + lap * 256); // a place beside it is free
        _assertStatus(300, RootStatus.Pending);
    }

    function test_aDisabledReportGivesUpItsPlace() public {
        Report memory report = _publishAt(7);
        _disable(report);
        _publishAt(7 + 256);
        _assertUnknown(7);
        _assertStatus(7 + 256, RootStatus.Pending);
    }
}
