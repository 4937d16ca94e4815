// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProductionOracle, Report, RootStatus, Round} from "../src/oracle/IProductionOracle.sol";
import {OracleFixture} from "./OracleFixture.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// Which reports are accepted, and what is kept of them. Signatures: see Quorum.t.sol; guardian: OracleGuardian.t.sol; the
/// ring: OracleRing.t.sol.
contract ProductionOracleTest is OracleFixture {
    uint64 internal constant EPOCH_LIMIT = 2 ** 24;

    function test_acceptsAReportSignedByTheQuorum() public {
        Report memory report = _report();
        bytes memory signatures = _sign(report);
        bytes32 digest = oracle.reportDigest(report);
        vm.expectEmit(true, true, true, true, address(oracle));
        emit IProductionOracle.Published(1, digest, STRANGER, report);
        vm.prank(STRANGER); // anyone may pay for it
        oracle.publish(report, signatures);
        vm.assertEq(oracle.lastEpoch(), 1);
        vm.assertEq(oracle.lastCutoff(), START);
        vm.assertEq(oracle.lastDigest(), digest);
        (bytes32 root, Round memory round) = oracle.roundOf(1);
        vm.assertEq(root, report.root);
        vm.assertEq(round.energyWh, report.totals.energyWh);
        vm.assertEq(round.creditsG, report.totals.creditsG);
        vm.assertEq(round.revenueMinor, report.totals.revenueMinor);
        vm.assertEq(round.cutoff, START);
        vm.assertEq(round.publishedAt, START);
        vm.assertEq(round.lap, 0);
    }

    function test_beginsWithNothing() public view {
        vm.assertEq(oracle.lastEpoch(), 0);
        vm.assertEq(oracle.lastCutoff(), 0);
        vm.assertEq(oracle.lastDigest(), bytes32(0));
        vm.assertEq(oracle.lastActiveEpoch(), 0);
        vm.assertEq(oracle.configCount(), 1);
        vm.assertEq(oracle.threshold(), 3);
        vm.assertEq(oracle.activationDelay(), DELAY);
        vm.assertFalse(oracle.publishingPaused());
        _assertUnknown(0);
        _assertUnknown(1);
    }

    /// Invariant: oneReportAnEpoch.
    function test_oneReportAnEpoch() public {
        Report memory report = _publish();
        _refuses(report, _notBeyond(1, 1));
        report = _reportAt(1); // on the right digest, but of an epoch that has its report
        _refuses(report, _notBeyond(1, 1));
    }

    /// Invariant: epochAndCutoffNeverFall. An epoch is accepted if and only if it is beyond the last, and not too far.
    function test_epochAndCutoffNeverFall(uint64 last, uint64 given, uint64 cutoff, uint256 nearness) public {
        last = uint64(bound(last, 1, 65_535));
        if (nearness % 3 > 0) given = uint64(bound(given, last - 1, last + 1));
        if (nearness % 3 > 1) given = uint64(bound(given, last + 65_534, last + 65_536));
        if (nearness % 2 > 0) cutoff = uint64(bound(cutoff, START - 1, START + 1));
        _publishAt(last);
        Report memory report = _reportAt(given);
        report.cutoff = cutoff;
        bytes memory signatures = _sign(report);
        bool accepted = given > last && given - last <= 65_535 && given < EPOCH_LIMIT && cutoff == START;
        if (!accepted) vm.expectRevert();
        oracle.publish(report, signatures);
        vm.assertEq(oracle.lastEpoch(), accepted ? given : last);
        vm.assertEq(oracle.lastCutoff(), START);
    }

    function test_refusesEpochZero() public {
        Report memory report = _reportAt(0);
        _refuses(report, _notBeyond(0, 0));
    }

    function test_refusesAnEpochTooFarAhead() public {
        _refuses(_reportAt(65_536), abi.encodeWithSelector(IProductionOracle.EpochTooFar.selector, 0, 65_536));
        _refuses(
            _reportAt(type(uint64).max),
            abi.encodeWithSelector(IProductionOracle.EpochTooFar.selector, 0, type(uint64).max)
        );
        _publishAt(65_535);
        _publishAt(2 * 65_535);
    }

    /// The last epoch that a round's lap can tell from others is 2^24 - 1. So 255 steps of the longest kind fit.
    function test_epochsEndWhereLapsEnd() public {
        for (uint64 i = 1; i <= 256; ++i) {
            _publishAt(i * 65_535);
            vm.warp(block.timestamp + DELAY);
        }
        uint64 last = oracle.lastEpoch();
        _refuses(
            _reportAt(EPOCH_LIMIT), abi.encodeWithSelector(IProductionOracle.EpochTooFar.selector, last, EPOCH_LIMIT)
        );
        _publishAt(EPOCH_LIMIT - 1);
        _assertStatus(EPOCH_LIMIT - 1, RootStatus.Pending);
        (, Round memory round) = oracle.roundOf(EPOCH_LIMIT - 1);
        vm.assertEq(round.lap, 65_535);
        _assertUnknown(255);
        _assertUnknown(EPOCH_LIMIT + 255);
        _assertUnknown(type(uint64).max);
    }

    /// Invariant: aSkippedEpochStaysEmpty. Also when a quorum signs for it afterwards.
    function test_aSkippedEpochStaysEmpty(uint64 gap, uint64 skipped) public {
        _publish();
        bytes32 digest = oracle.lastDigest();
        gap = uint64(bound(gap, 3, 65_536));
        if (gap % 256 == 1) ++gap; // the first one's place
        Report memory report = _reportAt(gap);
        vm.assertEq(report.prev, digest); // the last report published, however many epochs ago
        oracle.publish(report, _sign(report));
        skipped = uint64(bound(skipped, 2, report.epoch - 1));
        Report memory late = _reportAt(skipped);
        _refuses(late, _notBeyond(report.epoch, skipped));
        vm.warp(block.timestamp + DELAY);
        _assertUnknown(skipped);
        vm.assertEq(oracle.activeRoot(report.epoch), report.root);
        vm.assertEq(oracle.lastActiveEpoch(), report.epoch);
    }

    /// Invariant: twoReportsOnOnePrevNeverBothLand. Two proposals of one epoch or of two, whichever comes first.
    function test_twoReportsOnOnePrevNeverBothLand(uint64 one, uint64 other, bool begun) public {
        if (begun) _publish();
        (one, other) = (uint64(bound(one, 2, 50)), uint64(bound(other, 2, 50)));
        Report memory ours = _reportAt(one);
        Report memory theirs = _reportAt(other);
        theirs.root = keccak256("another root");
        oracle.publish(ours, _sign(ours));
        _refuses(theirs, other <= one ? _notBeyond(one, other) : _wrongPrev(oracle.lastDigest(), theirs.prev));
    }

    /// Invariant: eachReportBuildsOnTheLastUndisabled.
    function test_eachReportBuildsOnTheLastUndisabled(bytes32 prev, uint256 published, uint256 fallen) public {
        published = bound(published, 1, 5);
        fallen = bound(fallen, 0, published);
        bytes32[] memory digests = new bytes32[](published + 1);
        Report[] memory newestFirst = new Report[](fallen);
        for (uint256 i = 1; i <= published; ++i) {
            Report memory next = _publish();
            digests[i] = oracle.lastDigest();
            if (i > published - fallen) newestFirst[published - i] = next;
        }
        if (fallen > 0) {
            vm.prank(GUARD);
            oracle.disable(newestFirst);
        }
        bytes32 standing = digests[published - fallen];
        vm.assertEq(oracle.lastDigest(), standing);
        vm.assertEq(oracle.lastEpoch(), published);
        Report memory report = _report();
        for (uint256 i = 0; i <= published; ++i) {
            if (digests[i] == standing) continue;
            report.prev = digests[i];
            _refuses(report, _wrongPrev(standing, digests[i]));
        }
        vm.assume(prev != standing);
        report.prev = prev;
        _refuses(report, _wrongPrev(standing, prev));
        report.prev = standing;
        oracle.publish(report, _sign(report));
    }

    /// Invariant: cutoffNeverFallsNorLeadsTheChain.
    function test_cutoffNeverFallsNorLeadsTheChain(uint64 cutoff, bool near) public {
        _publish();
        vm.warp(START + 10);
        if (near) cutoff = uint64(bound(cutoff, START - 2, START + 12));
        Report memory report = _report();
        report.cutoff = cutoff;
        bytes memory signatures = _sign(report);
        bool accepted = cutoff >= START && cutoff <= START + 10;
        if (cutoff > START + 10) {
            vm.expectRevert(abi.encodeWithSelector(IProductionOracle.CutoffInFuture.selector, cutoff, START + 10));
        } else if (cutoff < START) {
            vm.expectRevert(abi.encodeWithSelector(IProductionOracle.CutoffFell.selector, START, cutoff));
        }
        oracle.publish(report, signatures);
        vm.assertEq(oracle.lastCutoff(), accepted ? cutoff : START);
    }

    /// A correction needs no new time: the cutoff may stay.
    function test_cutoffMayStay() public {
        Report memory report = _publish();
        vm.warp(block.timestamp + 1);
        Report memory correction = _report();
        correction.cutoff = report.cutoff;
        oracle.publish(correction, _sign(correction));
        (, Round memory round) = oracle.roundOf(2);
        vm.assertEq(round.cutoff, START);
        vm.assertEq(round.publishedAt, START + 1);
    }

    function test_refusesAReportWithoutRoot() public {
        Report memory report = _report();
        report.root = bytes32(0);
        _refuses(report, abi.encodeWithSelector(IProductionOracle.RootMissing.selector));
    }

    /// Invariant: totalsFitOrAreRefused.
    function test_totalsFitOrAreRefused(uint128 energyWh, uint128 creditsG, uint128 revenueMinor, uint256 near) public {
        (uint128 maxEnergyWh, uint128 maxCreditsG) = (type(uint56).max, type(uint56).max);
        uint128 maxRevenueMinor = type(uint64).max;
        if (near % 2 == 0) energyWh = uint128(bound(energyWh, 0, maxEnergyWh));
        if (near % 3 == 0) energyWh = uint128(bound(energyWh, maxEnergyWh, maxEnergyWh + 1));
        if (near / 7 % 2 == 0) creditsG = uint128(bound(creditsG, 0, maxCreditsG));
        if (near / 7 % 3 == 0) creditsG = uint128(bound(creditsG, maxCreditsG, maxCreditsG + 1));
        if (near / 49 % 2 == 0) revenueMinor = uint128(bound(revenueMinor, 0, maxRevenueMinor));
        if (near / 49 % 3 == 0) revenueMinor = uint128(bound(revenueMinor, maxRevenueMinor, maxRevenueMinor + 1));
        Report memory report = _report();
        (report.totals.energyWh, report.totals.creditsG, report.totals.revenueMinor) =
        (energyWh, creditsG, revenueMinor);
        uint128 tooLarge = energyWh > maxEnergyWh
            ? energyWh
            : creditsG > maxCreditsG ? creditsG : revenueMinor > maxRevenueMinor ? revenueMinor : 0;
        if (tooLarge > 0) {
            _refuses(report, abi.encodeWithSelector(IProductionOracle.TotalTooLarge.selector, tooLarge));
            return;
        }
        oracle.publish(report, _sign(report));
        (, Round memory round) = oracle.roundOf(1);
        vm.assertEq(round.energyWh, energyWh);
        vm.assertEq(round.creditsG, creditsG);
        vm.assertEq(round.revenueMinor, revenueMinor);
        vm.assertEq(round.cutoff, START);
        vm.assertEq(round.publishedAt, START);
    }

    /// Times are kept in 32 bits: in 2106 the oracle stops rather than wrap around.
    function test_stopsWhereItsClockEnds() public {
        vm.warp(2 ** 32);
        Report memory report = _report();
        _refuses(report, abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 32, 2 ** 32));
    }

    /// Numbers longer than their types would have a digest, and logs that nobody can read.
    function test_refusesWordsThatAreNoReport(uint256 seed) public {
        Report memory report = _report();
        bytes memory call = abi.encodeCall(oracle.publish, (report, _sign(report)));
        bytes memory question = abi.encodeCall(oracle.reportDigest, (report));
        uint256[7] memory offsets = [uint256(0), 2, 5, 8, 9, 10, 11];
        uint256[7] memory sizes = [uint256(64), 64, 64, 128, 128, 128, 32];
        for (uint256 word = 0; word < 7; ++word) {
            uint256 bits = bound(seed, sizes[word], 255);
            uint256 place = 4 + offsets[word] * 32 + 31 - bits / 8;
            question[place] ^= bytes1(uint8(2 ** (bits % 8)));
            (bool answered,) = address(oracle).call(question);
            vm.assertFalse(answered);
            question[place] ^= bytes1(uint8(2 ** (bits % 8)));
            call[place] ^= bytes1(uint8(2 ** (bits % 8)));
            (bool accepted,) = address(oracle).call(call);
            vm.assertFalse(accepted);
            call[place] ^= bytes1(uint8(2 ** (bits % 8)));
        }
        (bool sound,) = address(oracle).call(call);
        vm.assertTrue(sound);
    }

    /// Each word of a report is signed.
    function test_noWordOfAReportCanBeChanged(uint256 word, uint256 bit) public {
        Report memory report = _report();
        bytes memory question = abi.encodeCall(oracle.reportDigest, (report));
        uint8[13] memory sizes = [64, 255, 64, 255, 255, 64, 255, 255, 128, 128, 128, 32, 255];
        word = bound(word, 0, 12);
        bit = bound(bit, 0, sizes[word] - 1);
        question[4 + word * 32 + 31 - bit / 8] ^= bytes1(uint8(2 ** (bit % 8)));
        (bool answered, bytes memory digest) = address(oracle).call(question);
        vm.assertTrue(answered);
        vm.assertTrue(abi.decode(digest, (bytes32)) != oracle.reportDigest(report));
    }

    /// Invariant: rootsBecomeActiveAfterTheDelay.
    function test_rootsBecomeActiveAfterTheDelay(uint64 waited) public {
        waited = uint64(bound(waited, 0, 2 * DELAY));
        Report memory report = _publish();
        vm.warp(START + waited);
        bool active = waited >= DELAY;
        _assertStatus(1, active ? RootStatus.Active : RootStatus.Pending);
        vm.assertEq(oracle.activeRoot(1), active ? report.root : bytes32(0));
        vm.assertEq(oracle.lastActiveEpoch(), active ? 1 : 0);
    }

    function _notBeyond(uint64 last, uint64 given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.EpochNotBeyond.selector, last, given);
    }

    function _wrongPrev(bytes32 expected, bytes32 given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.WrongPrev.selector, expected, given);
    }
}
