// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Report, RootStatus} from "../src/oracle/IProductionOracle.sol";
import {ProductionOracle} from "../src/oracle/ProductionOracle.sol";
import {OracleFixture} from "./OracleFixture.sol";

/// Does to an oracle what quorum, attackers, guardian, rotator and time can do, in any order, and keeps a model beside it:
/// a plain list of all that was accepted and a stack of what stands. What differs from the model at once is `broken`.
contract OracleHandler is OracleFixture {
    /// What differs from one report to another, and what became of it.
    struct Accepted {
        uint64 epoch;
        uint64 cutoff;
        uint64 publishedAt;
        bool disabled;
        bytes32 prev;
        bytes32 configDigest;
        bytes32 root;
        bytes32 digest;
    }

    /// What the model has, oldest first.
    Accepted[] internal accepted;
    /// Indices in `accepted` of what stands, each building on the one before.
    uint256[] public standing;
    /// Index + 1 in `accepted` of the last report in a place of the ring.
    mapping(uint256 place => uint256) public holder;

    uint64 public epoch;
    uint64 public cutoff;
    bool public paused;
    uint256 public sets = 1;
    uint256 public clock = START;
    /// The first difference between oracle and model, in words.
    string public broken;
    uint256 public refusals;
    uint256 public fallen;

    constructor() {
        setUp();
    }

    function subject() external view returns (ProductionOracle) {
        return oracle;
    }

    /// A report that a quorum signed, whichever of the nodes make it. `leap`: how far beyond the last epoch.
    function publish(uint256 leap, uint256 lag, uint256 seed) external {
        uint64 next = epoch + uint64(_leap(leap));
        Report memory report = _reportAt(next);
        report.root = keccak256(abi.encode(next, seed));
        report.cutoff = uint64(bound(lag, cutoff, block.timestamp));
        bytes memory signatures = _quorum(report, seed);
        bool expected = !paused && next < 1 << 24 && !_holdsPending(next);
        _expect(_try(abi.encodeCall(oracle.publish, (report, signatures))) == expected, "publish");
        if (!expected) return;
        (epoch, cutoff) = (next, report.cutoff);
        standing.push(accepted.length);
        accepted.push(
            Accepted({
                epoch: next,
                cutoff: cutoff,
                publishedAt: uint64(block.timestamp),
                disabled: false,
                prev: report.prev,
                configDigest: report.configDigest,
                root: report.root,
                digest: oracle.reportDigest(report)
            })
        );
        holder[next % 256] = accepted.length;
    }

    /// One that must be refused, whatever else is the case.
    function publishFlawed(uint256 flaw, uint256 seed) external {
        Report memory report = _reportAt(epoch + 1);
        uint256 needed = oracle.threshold();
        flaw = bound(flaw, 0, 12);
        if (flaw == 3 && accepted.length == 0 || flaw == 5 && cutoff == 0) return;
        if (flaw == 0) report.epoch = uint64(draw(seed, 1, 0, epoch));
        if (flaw == 1) report.epoch = uint64(draw(seed, 1, uint256(epoch) + 65_536, type(uint64).max));
        if (flaw == 2) report.prev = keccak256(abi.encode(seed));
        if (flaw == 3) report.prev = _otherPrev(seed);
        if (flaw == 4) report.cutoff = uint64(block.timestamp + draw(seed, 1, 1, 1e9));
        if (flaw == 5) report.cutoff = uint64(draw(seed, 1, 0, cutoff - 1));
        if (flaw == 6) report.configDigest = keccak256(abi.encode(seed));
        if (flaw == 3 && report.prev == oracle.lastDigest()) return;
        bytes memory signatures = _quorum(report, seed);
        if (flaw == 7) signatures = _sign(report, needed - 1);
        if (flaw == 8) signatures[seed % signatures.length] ^= bytes1(uint8(draw(seed, 2, 1, 255)));
        if (flaw == 9) report.root = keccak256(abi.encode(report.root));
        if (flaw == 10) signatures = bytes.concat(_mirrored(keys[0], report), _sign(report, needed - 1));
        if (flaw == 11) signatures = bytes.concat(signatures, new bytes(draw(seed, 3, 1, 100)));
        if (flaw == 12) {
            signatures = bytes.concat(_signature(_stranger(), oracle.reportDigest(report)), _sign(report, needed - 1));
        }
        _expect(!_try(abi.encodeCall(oracle.publish, (report, signatures))), "publishFlawed");
        ++refusals;
    }

    /// What an earlier signer set signed, or one that never was in power.
    function publishOfAnotherSet(uint256 seed) external {
        Report memory report = _report();
        report.configDigest = keccak256(
            abi.encode(
                block.chainid, address(oracle), _first(nodes), oracle.threshold(), uint64(draw(seed, 1, 0, sets - 1))
            )
        );
        _expect(!_try(abi.encodeCall(oracle.publish, (report, _quorum(report, seed)))), "publishOfAnotherSet");
    }

    /// The guardian disables the newest reports, as many as `count` says; succeeds if all of them are pending.
    function disable(uint256 count, uint256 caller) external {
        count = bound(count, 0, standing.length < 6 ? standing.length : 6);
        Report[] memory newestFirst = new Report[](count);
        bool expected = count > 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 index = standing[standing.length - 1 - i];
            newestFirst[i] = _again(index);
            expected = expected && _isPending(index);
        }
        bool guarded = caller % 4 != 0;
        vm.prank(guarded ? GUARD : STRANGER);
        bool done = _try(abi.encodeCall(oracle.disable, (newestFirst)));
        _expect(done == (expected && guarded), "disable");
        if (!done) return;
        for (uint256 i = 0; i < count; ++i) {
            accepted[standing[standing.length - 1]].disabled = true;
            standing.pop();
        }
        fallen += count;
    }

    /// The guardian names a report that is not the newest.
    function disableOutOfOrder(uint256 seed) external {
        if (accepted.length < 2) return;
        uint256 index = draw(seed, 1, 0, accepted.length - 1);
        if (accepted[index].digest == oracle.lastDigest()) return;
        vm.prank(GUARD);
        _expect(!_try(abi.encodeCall(oracle.disable, (_only(_again(index))))), "disableOutOfOrder");
    }

    function pause(uint256 caller) external {
        bool guarded = caller % 4 != 0;
        vm.prank(guarded ? GUARD : STRANGER);
        _expect(_try(abi.encodeCall(oracle.pausePublishing, ())) == guarded, "pause");
        paused = paused || guarded;
    }

    function resume(uint256 caller) external {
        bool allowed = caller % 4 != 0;
        if (!allowed) vm.prank(caller % 8 == 0 ? GUARD : STRANGER);
        _expect(_try(abi.encodeCall(oracle.resumePublishing, ())) == allowed, "resume");
        paused = paused && !allowed;
    }

    /// k and n change; also to what is no quorum, and by whom it may not.
    function rotate(uint256 count, uint256 threshold, uint256 caller) external {
        count = bound(count, 0, 8);
        threshold = bound(threshold, 0, count + 1);
        bool allowed = caller % 4 != 0;
        bool expected = allowed && threshold > 0 && threshold <= count && 3 * threshold >= 2 * count;
        address[] memory set = _first(count);
        vm.prank(allowed ? ROTATOR : GUARD);
        _expect(_try(abi.encodeCall(oracle.setSigners, (set, threshold))) == expected, "rotate");
        if (!expected) return;
        (nodes, sets) = (count, sets + 1);
    }

    function passTime(uint256 seconds_) external {
        clock += bound(seconds_, 1, DELAY);
        vm.warp(clock);
    }

    function statusOf(uint256 index) public view returns (RootStatus) {
        Accepted storage one = accepted[index];
        if (holder[one.epoch % 256] != index + 1) return RootStatus.Unknown;
        if (one.disabled) return RootStatus.Disabled;
        return _isPending(index) ? RootStatus.Pending : RootStatus.Active;
    }

    function acceptedAt(uint256 index) external view returns (Accepted memory) {
        return accepted[index];
    }

    function acceptedCount() external view returns (uint256) {
        return accepted.length;
    }

    function standingCount() external view returns (uint256) {
        return standing.length;
    }

    function _again(uint256 index) internal view returns (Report memory report) {
        Accepted storage one = accepted[index];
        report = _reportAt(one.epoch);
        (report.cutoff, report.prev, report.configDigest, report.root) =
        (one.cutoff, one.prev, one.configDigest, one.root);
    }

    function _isPending(uint256 index) internal view returns (bool) {
        return !accepted[index].disabled && clock < accepted[index].publishedAt + DELAY;
    }

    function _holdsPending(uint64 given) internal view returns (bool) {
        uint256 index = holder[given % 256];
        return index > 0 && _isPending(index - 1);
    }

    /// Mostly the next epoch, sometimes over a few, and sometimes to the same place of another lap.
    function _leap(uint256 leap) internal pure returns (uint256) {
        if (leap % 8 < 4) return 1;
        if (leap % 8 < 6) return draw(leap, 1, 1, 9);
        if (leap % 8 < 7) return 256 * draw(leap, 1, 1, 3);
        return draw(leap, 1, 1, 1000);
    }

    /// A digest that was the last one once, or zero.
    function _otherPrev(uint256 seed) internal view returns (bytes32) {
        uint256 index = draw(seed, 1, 0, accepted.length);
        return index == accepted.length ? bytes32(0) : accepted[index].digest;
    }

    function _stranger() internal view returns (uint256) {
        return nodes < keys.length ? keys[nodes] : uint256(keccak256("stranger"));
    }

    function _mirrored(uint256 key, Report memory report) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, oracle.reportDigest(report));
        return abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), 55 - v);
    }

    /// Signatures of any `threshold` of the nodes, ascending.
    function _quorum(Report memory report, uint256 seed) internal view returns (bytes memory signatures) {
        bytes32 digest = oracle.reportDigest(report);
        uint256 needed = oracle.threshold();
        uint256 spare = nodes - needed;
        for (uint256 i = 0; i < nodes && needed > 0; ++i) {
            if (spare > 0 && draw(seed, 50 + i, 0, 1) == 0) {
                --spare;
                continue;
            }
            signatures = bytes.concat(signatures, _signature(keys[i], digest));
            --needed;
        }
    }

    function _try(bytes memory call) internal returns (bool done) {
        (done,) = address(oracle).call(call);
    }

    function _expect(bool held, string memory what) internal {
        if (!held && bytes(broken).length == 0) broken = what;
    }
}
