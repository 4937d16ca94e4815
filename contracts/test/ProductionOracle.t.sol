// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProductionOracle, Report} from "../src/IProductionOracle.sol";
import {ISettlementEngine} from "../src/ISettlementEngine.sol";
import {ProductionOracle} from "../src/ProductionOracle.sol";
import {Statement} from "../src/Statement.sol";
import {Fixture} from "./Fixture.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";

contract ProductionOracleTest is Fixture {
    uint256 internal constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function test_acceptsAReportSignedByTheQuorum() public {
        Report memory report = _reportOf(keccak256("root"));
        bytes memory signatures = _sign(report, 3);
        bytes32 digest = oracle.reportDigest(report);
        vm.expectEmit(true, true, true, true, address(oracle));
        emit IProductionOracle.Published(1, digest, STRANGER, report);
        vm.prank(STRANGER); // anyone may pay for it
        oracle.publish(report, signatures);
        vm.assertEq(oracle.lastEpoch(), 1);
        vm.assertEq(oracle.lastCutoff(), JUNE);
        vm.assertEq(oracle.lastDigest(), digest);
        vm.assertEq(oracle.digestAt(1), digest);
        vm.assertEq(oracle.rootAt(1), report.root);
        vm.assertEq(oracle.rootAt(2), bytes32(0));
    }

    /// Invariant: oneReportAnEpoch.
    function test_oneReportAnEpoch() public {
        Report memory report = _next();
        bytes memory signatures = _sign(report, 3);
        _refuses(report, signatures, _notBeyond(1, 1));
        report = _reportOf(keccak256("another root"));
        report.epoch = 1; // on the right digest, but of an epoch that has its report
        _refuses(report, _sign(report, 3), _notBeyond(1, 1));
    }

    /// The rest of the invariant: an epoch is accepted if and only if it is beyond the last.
    function test_acceptsAnyEpochBeyondTheLast(uint64 last, uint64 given, bool close) public {
        last = uint64(bound(last, 1, type(uint64).max - 1));
        if (close) given = uint64(bound(given, last - 1, last + 1));
        Report memory report = _reportAt(last);
        oracle.publish(report, _sign(report, 3));
        report = _reportAt(given);
        bytes memory signatures = _sign(report, 3);
        if (given <= last) vm.expectRevert(_notBeyond(last, given));
        oracle.publish(report, signatures);
        vm.assertEq(oracle.lastEpoch(), given > last ? given : last);
        vm.assertEq(oracle.lastDigest(), oracle.digestAt(oracle.lastEpoch()));
    }

    function test_refusesEpochZero() public {
        Report memory report = _reportAt(0);
        _refuses(report, _sign(report, 3), _notBeyond(0, 0));
    }

    /// Invariant: aSkippedEpochStaysEmpty. Also when a quorum signs for it afterwards.
    function test_aSkippedEpochStaysEmpty(uint64 gap, uint64 skipped) public {
        Report memory first = _next();
        bytes32 digest = oracle.lastDigest();
        Report memory report = _reportAt(uint64(3 + uint256(gap) % type(uint32).max));
        vm.assertEq(report.prev, digest); // the last report published, however many epochs ago
        oracle.publish(report, _sign(report, 3));
        skipped = uint64(bound(skipped, 2, report.epoch - 1));
        Report memory late = _reportAt(skipped);
        _refuses(late, _sign(late, 3), _notBeyond(report.epoch, skipped));
        vm.assertEq(oracle.rootAt(skipped), bytes32(0));
        vm.assertEq(oracle.digestAt(skipped), bytes32(0));
        vm.expectRevert(abi.encodeWithSelector(ISettlementEngine.UnknownRoot.selector, skipped));
        engine.settle(skipped, new Statement[](0), new bytes32[][](0));
        vm.assertEq(oracle.rootAt(1), first.root);
        vm.assertEq(oracle.digestAt(report.epoch), oracle.lastDigest());
    }

    /// Invariant: twoReportsOnOnePrevNeverBothLand. Two proposals of one epoch or of two, whichever comes first.
    function test_twoReportsOnOnePrevNeverBothLand(uint64 one, uint64 other, bool begun) public {
        if (begun) _next();
        (one, other) = (uint64(bound(one, 2, 50)), uint64(bound(other, 2, 50)));
        Report memory ours = _reportAt(one);
        Report memory theirs = _reportAt(other);
        theirs.root = keccak256("another root");
        bytes memory signatures = _sign(theirs, 3);
        oracle.publish(ours, _sign(ours, 3));
        _refuses(
            theirs,
            signatures,
            other <= one
                ? _notBeyond(one, other)
                : abi.encodeWithSelector(IProductionOracle.WrongPrev.selector, oracle.lastDigest(), theirs.prev)
        );
    }

    /// Invariant: eachReportBuildsOnTheLast.
    function test_eachReportBuildsOnTheLast(bytes32 prev) public {
        _next();
        Report memory report = _reportOf(keccak256("second"));
        bytes32 last = report.prev;
        vm.assume(prev != last);
        report.prev = prev;
        _refuses(report, _sign(report, 3), abi.encodeWithSelector(IProductionOracle.WrongPrev.selector, last, prev));
    }

    /// Invariant: fewerThanThresholdNeverPublish.
    function test_fewerThanThresholdNeverPublish() public {
        Report memory report = _reportOf(keccak256("root"));
        _refuses(report, _sign(report, 2), _wrongLength(130));
        _refuses(report, "", _wrongLength(0));
        _refuses(report, _sign(report, 4), _wrongLength(260));
    }

    function test_refusesExtraBytes() public {
        Report memory report = _reportOf(keccak256("root"));
        _refuses(report, bytes.concat(_sign(report, 3), hex"00"), _wrongLength(196));
    }

    function test_refusesASignerTwice() public {
        Report memory report = _reportOf(keccak256("root"));
        bytes32 digest = oracle.reportDigest(report);
        bytes memory twice =
            bytes.concat(_signature(keys[0], digest), _signature(keys[1], digest), _signature(keys[1], digest));
        address signer = vm.addr(keys[1]);
        _refuses(report, twice, abi.encodeWithSelector(IProductionOracle.SignersNotAscending.selector, signer, signer));
    }

    function test_refusesSignersOutOfOrder() public {
        Report memory report = _reportOf(keccak256("root"));
        bytes32 digest = oracle.reportDigest(report);
        bytes memory unsorted =
            bytes.concat(_signature(keys[1], digest), _signature(keys[0], digest), _signature(keys[2], digest));
        bytes memory expected =
            abi.encodeWithSelector(IProductionOracle.SignersNotAscending.selector, vm.addr(keys[1]), vm.addr(keys[0]));
        _refuses(report, unsorted, expected);
    }

    /// (r, n - s) with the other v is the same signature to ecrecover, and not to us.
    function test_refusesHighS() public {
        Report memory report = _reportOf(keccak256("root"));
        bytes32 digest = oracle.reportDigest(report);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[2], digest);
        bytes memory high = abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        bytes memory signatures = bytes.concat(_sign(report, 2), high);
        _refuses(report, signatures, abi.encodeWithSelector(IProductionOracle.InvalidSignature.selector, 2));
    }

    function test_refusesAnyVBut27And28(uint8 v) public {
        vm.assume(v != 27 && v != 28);
        Report memory report = _reportOf(keccak256("root"));
        bytes memory signatures = _sign(report, 3);
        signatures[64] = bytes1(v);
        _refuses(report, signatures, abi.encodeWithSelector(IProductionOracle.InvalidSignature.selector, 0));
    }

    /// ecrecover answers the zero address to nonsense; that must not count as an account.
    function test_refusesZeroSignatures() public {
        _refuses(
            _reportOf(keccak256("root")),
            new bytes(195),
            abi.encodeWithSelector(IProductionOracle.InvalidSignature.selector, 0)
        );
    }

    function test_refusesAStrangersSignature() public {
        Report memory report = _reportOf(keccak256("root"));
        bytes32 digest = oracle.reportDigest(report);
        uint256 key = uint256(keccak256("stranger"));
        bytes memory signatures = bytes.concat(_sign(report, 2), _signature(key, digest));
        _refuses(report, signatures, abi.encodeWithSelector(IProductionOracle.UnknownSigner.selector, 2, vm.addr(key)));
    }

    /// Whatever byte of the report changes, its signatures are no longer a quorum's.
    function test_refusesAReportThatWasNotSigned(uint128 energyWh, bytes32 rules, bytes32 working) public {
        Report memory report = _reportOf(keccak256("root"));
        bytes memory signatures = _sign(report, 3);
        vm.assume(energyWh != report.totals.energyWh || rules != RULES || working != report.dataHash);
        (report.totals.energyWh, report.rulesDigest, report.dataHash) = (energyWh, rules, working);
        vm.expectRevert();
        oracle.publish(report, signatures);
    }

    function test_refusesAnotherChainsReport() public {
        Report memory report = _reportOf(keccak256("root"));
        bytes memory signatures = _sign(report, 3);
        bytes32 digest = oracle.reportDigest(report);
        vm.chainId(block.chainid + 1);
        vm.assertTrue(oracle.reportDigest(report) != digest);
        vm.expectRevert();
        oracle.publish(report, signatures);
    }

    function test_refusesAnotherContractsReport() public {
        ProductionOracle other = new ProductionOracle(address(manager), _signers(), 3);
        vm.assertTrue(other.configDigest() != oracle.configDigest());
        Report memory report = _reportOf(keccak256("root"));
        bytes memory signatures = _sign(report, 3);
        vm.expectRevert(
            abi.encodeWithSelector(IProductionOracle.WrongConfig.selector, other.configDigest(), oracle.configDigest())
        );
        other.publish(report, signatures);
        // Even one that names its configuration is another digest there.
        report.configDigest = other.configDigest();
        signatures = _sign(report, 3);
        vm.expectRevert();
        other.publish(report, signatures);
    }

    function test_refusesTheOldSignersAfterARotation() public {
        Report memory report = _reportOf(keccak256("root"));
        bytes memory signatures = _sign(report, 3);
        bytes32 old = oracle.configDigest();
        address[] memory left = new address[](3);
        for (uint256 i = 0; i < 3; ++i) {
            left[i] = vm.addr(keys[i + 1]);
        }
        oracle.setSigners(left, 2);
        _refuses(
            report,
            signatures,
            abi.encodeWithSelector(IProductionOracle.WrongConfig.selector, oracle.configDigest(), old)
        );
        // Nor does the account that left count in a new report.
        report.configDigest = oracle.configDigest();
        address gone = vm.addr(keys[0]);
        bytes memory two = _sign(report, 2);
        _refuses(report, two, abi.encodeWithSelector(IProductionOracle.UnknownSigner.selector, 0, gone));
    }

    /// Invariant: configDigestNamesChainOracleSignersThresholdAndCount.
    function test_configDigestNamesChainOracleSignersThresholdAndCount() public {
        bytes32 first = keccak256(abi.encode(block.chainid, address(oracle), _signers(), uint256(3), uint64(1)));
        vm.assertEq(oracle.configDigest(), first);
        // The same set again is another configuration: the count never resets.
        oracle.setSigners(_signers(), 3);
        bytes32 second = keccak256(abi.encode(block.chainid, address(oracle), _signers(), uint256(3), uint64(2)));
        vm.assertEq(oracle.configDigest(), second);
        vm.assertEq(oracle.configCount(), 2);
        vm.assertEq(oracle.threshold(), 3);
        vm.assertEq(oracle.signers().length, 4);
    }

    function test_rotationNeedsTheAdministrator() public {
        address[] memory same = _signers();
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER));
        vm.prank(STRANGER);
        oracle.setSigners(same, 3);
    }

    /// Invariant: thresholdIsAtLeastTwoThirds.
    function test_thresholdIsAtLeastTwoThirds(uint256 threshold) public {
        threshold = bound(threshold, 0, 6);
        address[] memory same = _signers();
        if (threshold < 3 || threshold > 4) {
            vm.expectRevert(abi.encodeWithSelector(IProductionOracle.ThresholdOutOfRange.selector, threshold, 4));
        }
        oracle.setSigners(same, threshold);
    }

    function test_refusesASignerListOutOfOrderOrWithZero() public {
        address[] memory list = new address[](3);
        (list[0], list[1], list[2]) = (address(1), address(3), address(2));
        vm.expectRevert(abi.encodeWithSelector(IProductionOracle.SignersNotAscending.selector, address(3), address(2)));
        oracle.setSigners(list, 3);
        (list[0], list[1], list[2]) = (address(0), address(2), address(3));
        vm.expectRevert(abi.encodeWithSelector(IProductionOracle.SignersNotAscending.selector, address(0), address(0)));
        oracle.setSigners(list, 3);
    }

    /// Invariant: cutoffNeverFallsNorLeadsTheChain.
    function test_cutoffNeverFallsNorLeadsTheChain(uint64 cutoff) public {
        _next();
        Report memory report = _reportOf(keccak256("second"));
        report.cutoff = cutoff;
        bytes memory signatures = _sign(report, 3);
        if (cutoff > JUNE) {
            vm.expectRevert(abi.encodeWithSelector(IProductionOracle.CutoffInFuture.selector, cutoff, JUNE));
        } else if (cutoff < JUNE) {
            vm.expectRevert(abi.encodeWithSelector(IProductionOracle.CutoffFell.selector, JUNE, cutoff));
        }
        oracle.publish(report, signatures);
    }

    function test_refusesAReportWithoutRoot() public {
        Report memory report = _reportOf(bytes32(0));
        _refuses(report, _sign(report, 3), abi.encodeWithSelector(IProductionOracle.RootMissing.selector));
    }

    function _next() internal returns (Report memory report) {
        report = _reportOf(keccak256("root"));
        oracle.publish(report, _sign(report, 3));
    }

    /// A report that follows the last one published, of an epoch of choice.
    function _reportAt(uint64 epoch) internal view returns (Report memory report) {
        report = _reportOf(keccak256(abi.encode("root", epoch)));
        report.epoch = epoch;
    }

    function _notBeyond(uint64 last, uint64 given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.EpochNotBeyond.selector, last, given);
    }

    function _refuses(Report memory report, bytes memory signatures, bytes memory expected) internal {
        vm.expectRevert(expected);
        oracle.publish(report, signatures);
    }

    function _wrongLength(uint256 given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.WrongSignatureLength.selector, 195, given);
    }
}
