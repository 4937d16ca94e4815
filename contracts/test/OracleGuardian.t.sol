// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProductionOracle, Report, RootStatus, Round} from "../src/oracle/IProductionOracle.sol";
import {OracleFixture} from "./OracleFixture.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

/// What the guardian can do, and what not.
contract OracleGuardianTest is OracleFixture {
    /// Invariant: disabledPendingUnknownRootsAreNotActive.
    function test_disabledPendingUnknownRootsAreNotActive(uint64 waited) public {
        Report memory first = _publish();
        Report memory second = _publish();
        _disable(second);
        _assertStatus(1, RootStatus.Pending);
        _assertStatus(2, RootStatus.Disabled);
        _assertStatus(3, RootStatus.Unknown);
        for (uint64 epoch = 0; epoch <= 3; ++epoch) {
            vm.assertEq(oracle.activeRoot(epoch), bytes32(0));
        }
        vm.assertEq(oracle.lastActiveEpoch(), 0);
        vm.warp(block.timestamp + DELAY + waited);
        vm.assertEq(oracle.activeRoot(1), first.root);
        vm.assertEq(oracle.activeRoot(2), bytes32(0)); // disabled for good
        _assertStatus(2, RootStatus.Disabled);
        vm.assertEq(oracle.lastActiveEpoch(), 1);
        (bytes32 root, Round memory round) = oracle.roundOf(2);
        vm.assertEq(root, second.root);
        vm.assertEq(round.energyWh, second.totals.energyWh);
        vm.assertEq(round.revenueMinor, second.totals.revenueMinor);
        vm.assertEq(round.cutoff, second.cutoff);
        vm.assertEq(round.publishedAt, type(uint32).max);
        vm.assertEq(round.lap, 0);
    }

    /// Invariant: disablingVoidsSuccessors. A report cannot be disabled while one that builds on it stands.
    function test_disablingVoidsSuccessors() public {
        Report memory first = _publish();
        Report memory second = _publishAt(5); // after a gap
        Report memory third = _publish();
        (bytes32 one, bytes32 two, bytes32 three) =
            (oracle.reportDigest(first), oracle.reportDigest(second), oracle.reportDigest(third));
        _refusesToDisable(_only(first), _notNewest(three, one));
        _refusesToDisable(_only(second), _notNewest(three, two));
        Report[] memory wrongWay = new Report[](2);
        (wrongWay[0], wrongWay[1]) = (second, third);
        _refusesToDisable(wrongWay, _notNewest(three, two));
        Report[] memory withGap = new Report[](2);
        (withGap[0], withGap[1]) = (third, first);
        _refusesToDisable(withGap, _notNewest(two, one));
        vm.assertEq(oracle.lastDigest(), three);
        _disable(second, third);
        _assertStatus(1, RootStatus.Pending);
        _assertStatus(5, RootStatus.Disabled);
        _assertStatus(6, RootStatus.Disabled);
    }

    /// Invariant: disablingRestoresPrev. Epoch and cutoff stay.
    function test_disablingRestoresPrev() public {
        Report memory first = _publish();
        bytes32 digest = oracle.lastDigest();
        vm.warp(block.timestamp + 60);
        Report memory second = _publish();
        bytes32 fallen = oracle.lastDigest();
        vm.expectEmit(true, true, true, true, address(oracle));
        emit IProductionOracle.Disabled(2, fallen, digest);
        _disable(second);
        vm.assertEq(oracle.lastDigest(), digest);
        vm.assertEq(oracle.lastEpoch(), 2);
        vm.assertEq(oracle.lastCutoff(), START + 60);
        _refuses(second, abi.encodeWithSelector(IProductionOracle.EpochNotBeyond.selector, 2, 2));
        Report memory third = _publish(); // on the first
        vm.assertEq(third.prev, digest);
        _disable(first, third); // and can fall with it
        vm.assertEq(oracle.lastDigest(), bytes32(0));
        vm.assertEq(_publish().prev, bytes32(0));
        vm.assertEq(oracle.lastEpoch(), 4);
    }

    /// Only what is pending falls; of several, all or none.
    function test_onlyPendingReportsFall(uint64 waited) public {
        waited = uint64(bound(waited, 0, 2 * DELAY));
        Report memory first = _publish();
        vm.warp(START + DELAY / 2);
        Report memory second = _publish();
        vm.warp(START + waited + DELAY / 2);
        bytes32 newest = oracle.lastDigest();
        if (waited >= DELAY) {
            _refusesToDisable(_only(second), _notPending(2, RootStatus.Active));
            return;
        }
        if (waited + DELAY / 2 >= DELAY) {
            Report[] memory both = new Report[](2);
            (both[0], both[1]) = (second, first);
            _refusesToDisable(both, _notPending(1, RootStatus.Active));
            _assertStatus(2, RootStatus.Pending);
            vm.assertEq(oracle.lastDigest(), newest);
            _disable(second);
        } else {
            _disable(first, second);
            _assertStatus(1, RootStatus.Disabled);
        }
        _assertStatus(2, RootStatus.Disabled);
    }

    /// However many are pending, all can be disabled: also over the turn of the ring.
    function test_allThatIsPendingCanFall() public {
        _publishAt(200);
        bytes32 standing = oracle.lastDigest();
        vm.warp(block.timestamp + DELAY);
        Report[] memory newestFirst = new Report[](60);
        for (uint256 i = 0; i < 60; ++i) {
            newestFirst[59 - i] = _publishAt(oracle.lastEpoch() + (i % 3 == 0 ? 40 : 1));
        }
        vm.prank(GUARD);
        oracle.disable(newestFirst);
        vm.assertEq(oracle.lastDigest(), standing);
        for (uint256 i = 0; i < 60; ++i) {
            _assertStatus(newestFirst[i].epoch, RootStatus.Disabled);
        }
    }

    /// With a delay of zero nothing is ever pending, so nothing can be disabled.
    function test_withoutADelayNothingFalls() public {
        _deploy(0);
        Report memory report = _publish();
        _refusesToDisable(_only(report), _notPending(1, RootStatus.Active));
    }

    function test_refusesToDisableNothing() public {
        _refusesToDisable(new Report[](0), abi.encodeWithSelector(IProductionOracle.NothingToDisable.selector));
    }

    function test_aReportFallsOnce() public {
        Report memory report = _publish();
        bytes32 digest = oracle.lastDigest();
        _disable(report);
        _refusesToDisable(_only(report), _notNewest(bytes32(0), digest));
    }

    /// A report that was changed is another one.
    function test_refusesToDisableWhatWasNotPublished(bytes32 root, uint64 epoch, uint64 cutoff) public {
        Report memory report = _publish();
        vm.assume(root != report.root || epoch != report.epoch || cutoff != report.cutoff);
        bytes32 newest = oracle.lastDigest();
        (report.root, report.epoch, report.cutoff) = (root, epoch, cutoff);
        _refusesToDisable(_only(report), _notNewest(newest, oracle.reportDigest(report)));
    }

    /// Signers that have been rotated out since leave pending reports behind: those can fall too.
    function test_disablesReportsOfAnEarlierConfig() public {
        Report memory report = _publish();
        _rotate(6, 4);
        _disable(report);
        _assertStatus(1, RootStatus.Disabled);
    }

    /// Invariant: guardianCannotPublishOrSetSigners. Nor resume: it can stop things, not start them.
    function test_guardianCannotPublishOrSetSigners() public {
        address[] memory set = _first(4);
        _refusesCaller(GUARD, abi.encodeCall(oracle.setSigners, (set, 3)));
        vm.prank(GUARD);
        oracle.pausePublishing();
        _refusesCaller(GUARD, abi.encodeCall(oracle.resumePublishing, ()));
        oracle.resumePublishing();
        // It publishes as a stranger does: not without a quorum.
        Report memory report = _report();
        bytes memory signatures = _sign(report, 2);
        vm.expectRevert(abi.encodeWithSelector(IProductionOracle.WrongSignatureLength.selector, 195, 130));
        vm.prank(GUARD);
        oracle.publish(report, signatures);
    }

    /// Invariant: onlyGuardiansDisableAndPause, and only the rotator sets signers.
    function test_onlyGuardiansDisableAndPause(address caller) public {
        vm.assume(caller != GUARD && caller != ROTATOR && caller != address(this) && caller != address(manager));
        Report memory report = _publish();
        _refusesCaller(caller, abi.encodeCall(oracle.disable, (_only(report))));
        _refusesCaller(ROTATOR, abi.encodeCall(oracle.disable, (_only(report))));
        _refusesCaller(caller, abi.encodeCall(oracle.pausePublishing, ()));
        _refusesCaller(ROTATOR, abi.encodeCall(oracle.pausePublishing, ()));
        _refusesCaller(caller, abi.encodeCall(oracle.resumePublishing, ()));
        _refusesCaller(ROTATOR, abi.encodeCall(oracle.resumePublishing, ()));
        _refusesCaller(caller, abi.encodeCall(oracle.setSigners, (_first(4), 3)));
    }

    /// Invariant: pausedOracleAcceptsNothing. All else goes on: roots turn active, the guardian disables, signers change.
    function test_pausedOracleAcceptsNothing() public {
        Report memory first = _publish();
        vm.expectEmit(true, true, true, true, address(oracle));
        emit IProductionOracle.PublishingPaused(true);
        vm.prank(GUARD);
        oracle.pausePublishing();
        vm.assertTrue(oracle.publishingPaused());
        Report memory second = _report();
        _refuses(second, abi.encodeWithSelector(IProductionOracle.PublishingIsPaused.selector));
        _disable(first);
        _rotate(6, 4);
        vm.assertTrue(oracle.publishingPaused());
        _refuses(_report(), abi.encodeWithSelector(IProductionOracle.PublishingIsPaused.selector));
        vm.expectEmit(true, true, true, true, address(oracle));
        emit IProductionOracle.PublishingPaused(false);
        oracle.resumePublishing();
        vm.assertFalse(oracle.publishingPaused());
        Report memory third = _publish();
        vm.warp(block.timestamp + DELAY);
        vm.prank(GUARD);
        oracle.pausePublishing();
        vm.assertEq(oracle.activeRoot(2), third.root);
    }

    function _refusesToDisable(Report[] memory newestFirst, bytes memory expected) internal {
        vm.expectRevert(expected);
        vm.prank(GUARD);
        oracle.disable(newestFirst);
    }

    function _refusesCaller(address caller, bytes memory call) internal {
        vm.prank(caller);
        (bool accepted, bytes memory answer) = address(oracle).call(call);
        vm.assertFalse(accepted);
        bytes memory expected = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller);
        vm.assertEq(keccak256(answer), keccak256(expected));
    }

    function _notNewest(bytes32 newest, bytes32 given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.NotTheNewest.selector, newest, given);
    }

    function _notPending(uint64 epoch, RootStatus status) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.NotPending.selector, epoch, status);
    }
}
