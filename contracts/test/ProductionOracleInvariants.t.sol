// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RootStatus, Round} from "../src/oracle/IProductionOracle.sol";
import {ProductionOracle} from "../src/oracle/ProductionOracle.sol";
import {OracleHandler} from "./OracleHandler.sol";
import {Test} from "./Vm.sol";

/// The oracle against a model, after any sequence of what anyone can do: see `OracleHandler`.
contract ProductionOracleInvariants is Test {
    OracleHandler internal handler;
    ProductionOracle internal oracle;
    uint64 internal lastEpoch;
    uint64 internal lastCutoff;

    function setUp() public {
        handler = new OracleHandler();
        oracle = handler.subject();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[9] memory all = _actions();
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), new bytes4[](12));
        for (uint256 i = 0; i < 12; ++i) {
            targets[0].selectors[i] = i < 9 ? all[i] : handler.publish.selector; // more often than the rest
        }
    }

    /// Also: fewerThanThresholdNeverPublish, pausedOracleAcceptsNothing, signerRotationRefusesOldConfig,
    /// guardianCannotPublishOrSetSigners: each call did what the model says, be it accept or refuse.
    function invariant_everyCallDoesWhatTheModelSays() public view {
        vm.assertEq(keccak256(bytes(handler.broken())), keccak256(""));
        vm.assertEq(oracle.publishingPaused() ? 1 : 0, handler.paused() ? 1 : 0);
        vm.assertEq(oracle.configCount(), handler.sets());
        vm.assertEq(block.timestamp, handler.clock()); // time that a call passed has passed for the next one too
    }

    function invariant_epochAndCutoffNeverFall() public {
        vm.assertEq(oracle.lastEpoch(), handler.epoch());
        vm.assertEq(oracle.lastCutoff(), handler.cutoff());
        vm.assertGe(oracle.lastEpoch(), lastEpoch);
        vm.assertGe(oracle.lastCutoff(), lastCutoff);
        vm.assertLe(oracle.lastCutoff(), block.timestamp);
        (lastEpoch, lastCutoff) = (oracle.lastEpoch(), oracle.lastCutoff());
    }

    function invariant_eachReportBuildsOnTheLastUndisabled() public view {
        uint256 depth = handler.standingCount();
        bytes32 expected = bytes32(0);
        if (depth > 0) expected = handler.acceptedAt(handler.standing(depth - 1)).digest;
        vm.assertEq(oracle.lastDigest(), expected);
    }

    function invariant_disabledPendingUnknownRootsAreNotActive() public view {
        uint256 count = handler.acceptedCount();
        // The newest ten, and three of those before.
        for (uint256 i = 0; i < 13 && i < count; ++i) {
            _checkAccepted(i < 10 ? count - 1 - i : draw(count, i, 0, count - 1));
        }
        vm.assertEq(oracle.activeRoot(0), bytes32(0));
        vm.assertEq(oracle.activeRoot(handler.epoch() + 1), bytes32(0));
    }

    function invariant_lastActiveEpochIsTheNewestActive() public view {
        uint64 expected = 0;
        for (uint256 i = handler.standingCount(); i > 0; --i) {
            uint256 index = handler.standing(i - 1);
            uint64 epoch = handler.acceptedAt(index).epoch;
            if (epoch + 256 <= handler.epoch()) break;
            if (handler.statusOf(index) != RootStatus.Active) continue;
            expected = epoch;
            break;
        }
        vm.assertEq(oracle.lastActiveEpoch(), expected);
    }

    /// So each of them can be disabled.
    function invariant_aPendingReportKeepsItsPlace() public view {
        for (uint256 i = handler.standingCount(); i > 0; --i) {
            uint256 index = handler.standing(i - 1);
            OracleHandler.Accepted memory one = handler.acceptedAt(index);
            if (handler.clock() >= one.publishedAt + oracle.activationDelay()) break;
            vm.assertEq(uint256(oracle.statusOf(one.epoch)), uint256(RootStatus.Pending));
        }
    }

    /// The handler gets everywhere: reports stand, fall and turn active, flaws are tried, signers and pauses change.
    function test_theHandlerReachesEverything() public {
        uint256 active = 0;
        for (uint256 i = 0; i < 80; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(i)));
            uint256 action = draw(seed, 1, 0, 11);
            bytes4 selector = action < 9 ? _actions()[action] : handler.publish.selector;
            bytes memory call = abi.encodePacked(selector, seed, draw(seed, 2, 0, 1e18), draw(seed, 3, 0, 1e18));
            (bool done,) = address(handler).call(call);
            vm.assertTrue(done);
            if (oracle.lastActiveEpoch() > 0) ++active;
        }
        invariant_everyCallDoesWhatTheModelSays();
        invariant_epochAndCutoffNeverFall();
        invariant_eachReportBuildsOnTheLastUndisabled();
        invariant_disabledPendingUnknownRootsAreNotActive();
        invariant_lastActiveEpochIsTheNewestActive();
        invariant_aPendingReportKeepsItsPlace();
        vm.assertGe(handler.acceptedCount(), 5, "accepted");
        vm.assertGe(handler.refusals(), 3, "refused");
        vm.assertGe(handler.fallen(), 1, "fallen");
        vm.assertGe(handler.sets(), 2, "rotated");
        vm.assertGe(active, 1, "active");
    }

    function _actions() internal view returns (bytes4[9] memory) {
        return [
            handler.publish.selector,
            handler.publishFlawed.selector,
            handler.publishOfAnotherSet.selector,
            handler.disable.selector,
            handler.disableOutOfOrder.selector,
            handler.pause.selector,
            handler.resume.selector,
            handler.rotate.selector,
            handler.passTime.selector
        ];
    }

    function _checkAccepted(uint256 index) internal view {
        OracleHandler.Accepted memory one = handler.acceptedAt(index);
        RootStatus expected = handler.statusOf(index);
        // Unknown: a later report has its place.
        vm.assertEq(uint256(oracle.statusOf(one.epoch)), uint256(expected));
        vm.assertEq(oracle.activeRoot(one.epoch), expected == RootStatus.Active ? one.root : bytes32(0));
        if (expected == RootStatus.Unknown) return;
        (bytes32 kept, Round memory round) = oracle.roundOf(one.epoch);
        vm.assertEq(kept, one.root);
        vm.assertEq(round.cutoff, one.cutoff);
        vm.assertEq(round.energyWh, one.epoch * 5);
    }
}
