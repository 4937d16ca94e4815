// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProductionOracle, Report} from "../src/oracle/IProductionOracle.sol";
import {ProductionOracle} from "../src/oracle/ProductionOracle.sol";
import {OracleFixture} from "./OracleFixture.sol";

/// Who signs, how many, and what counts as a signature.
contract QuorumTest is OracleFixture {
    /// Ways to have fewer than three signers of four.
    enum Flaw {
        Duplicate,
        ZeroAddress,
        HighS,
        WrongV,
        UnknownSigner,
        WrongOrder,
        ExtraBytes,
        MissingBytes,
        OtherChain,
        OtherContract,
        OtherConfig,
        OtherReport,
        RandomBytes
    }

    /// Invariant: fewerThanThresholdNeverPublish.
    function test_fewerThanThresholdNeverPublish(uint256 flaw, uint256 seed) public {
        Report memory report = _report();
        bytes32 digest = oracle.reportDigest(report);
        (bytes[] memory parts, uint256[] memory used) = _parts(digest, seed);
        uint256 victim = draw(seed, 9, 0, 2);
        Flaw kind = Flaw(bound(flaw, 0, uint256(type(Flaw).max)));
        bytes memory expected = "";
        if (kind == Flaw.Duplicate) {
            uint256 other = (victim + draw(seed, 10, 1, 2)) % 3;
            parts[victim] = parts[other];
        } else if (kind == Flaw.ZeroAddress) {
            // What ecrecover answers zero to: a point that is none, or a v that is none.
            parts[victim] = new bytes(65);
            if (seed % 2 == 0) parts[victim][64] = 0x1b;
            expected = abi.encodeWithSelector(IProductionOracle.InvalidSignature.selector, victim);
        } else if (kind == Flaw.HighS) {
            parts[victim] = _mirrored(used[victim], digest);
            expected = abi.encodeWithSelector(IProductionOracle.InvalidSignature.selector, victim);
        } else if (kind == Flaw.WrongV) {
            uint8 v = uint8(draw(seed, 11, 0, 253));
            parts[victim][64] = bytes1(v < 27 ? v : v + 2);
            expected = abi.encodeWithSelector(IProductionOracle.InvalidSignature.selector, victim);
        } else if (kind == Flaw.UnknownSigner) {
            uint256 key = keys[draw(seed, 12, 4, 7)];
            parts[victim] = _signature(key, digest);
            expected = abi.encodeWithSelector(IProductionOracle.UnknownSigner.selector, victim, vm.addr(key));
        } else if (kind == Flaw.WrongOrder) {
            uint256 other = (victim + draw(seed, 10, 1, 2)) % 3;
            (parts[victim], parts[other]) = (parts[other], parts[victim]);
        }
        bytes memory signatures = bytes.concat(parts[0], parts[1], parts[2]);
        if (kind == Flaw.ExtraBytes) {
            bytes memory more = draw(seed, 13, 0, 1) == 0 ? new bytes(draw(seed, 14, 1, 64)) : _sign(report, 1);
            signatures = bytes.concat(signatures, more);
            expected = _wrongLength(signatures.length);
        } else if (kind == Flaw.MissingBytes) {
            signatures = _cut(signatures, draw(seed, 15, 0, 194));
            expected = _wrongLength(signatures.length);
        } else if (kind == Flaw.RandomBytes) {
            for (uint256 i = 0; i < 195; ++i) {
                signatures[i] = bytes1(uint8(draw(seed, 100 + i, 0, 255)));
            }
        } else if (kind == Flaw.OtherChain) {
            vm.chainId(draw(seed, 16, block.chainid + 1, block.chainid + 1e9));
        } else if (kind == Flaw.OtherContract) {
            _deploy(DELAY);
            report.configDigest = oracle.configDigest();
        } else if (kind == Flaw.OtherConfig) {
            _rotate(4, 3);
            report.configDigest = oracle.configDigest();
        } else if (kind == Flaw.OtherReport) {
            report.totals.energyWh += uint128(draw(seed, 17, 1, 1e9));
        }
        if (expected.length > 0) vm.expectRevert(expected);
        else vm.expectRevert();
        oracle.publish(report, signatures);
    }

    /// Any three of the four, in their order.
    function test_anyThresholdOfTheSignersPublish(uint256 seed) public {
        Report memory report = _report();
        (bytes[] memory parts,) = _parts(oracle.reportDigest(report), seed);
        oracle.publish(report, bytes.concat(parts[0], parts[1], parts[2]));
        vm.assertEq(oracle.lastEpoch(), 1);
    }

    /// And the same signatures publish once: a second time they are of no next report.
    function test_signaturesPublishOnce(uint256 seed) public {
        Report memory report = _report();
        (bytes[] memory parts,) = _parts(oracle.reportDigest(report), seed);
        bytes memory signatures = bytes.concat(parts[0], parts[1], parts[2]);
        oracle.publish(report, signatures);
        _refuses(report, signatures, abi.encodeWithSelector(IProductionOracle.EpochNotBeyond.selector, 1, 1));
    }

    /// Whatever three of the eight sign, in whatever order: accepted if and only if they are signers, ascending.
    function test_acceptedIfAndOnlyIfThreeSignersAscend(uint8 first, uint8 second, uint8 third) public {
        (first, second, third) = (first % 8, second % 8, third % 8);
        Report memory report = _report();
        bytes32 digest = oracle.reportDigest(report);
        bytes memory signatures = bytes.concat(
            _signature(keys[first], digest), _signature(keys[second], digest), _signature(keys[third], digest)
        );
        bool accepted = first < second && second < third && third < 4;
        if (!accepted) vm.expectRevert();
        oracle.publish(report, signatures);
        vm.assertEq(oracle.lastEpoch(), accepted ? 1 : 0);
    }

    function test_refusesASignerTwice() public {
        Report memory report = _report();
        bytes32 digest = oracle.reportDigest(report);
        bytes memory twice =
            bytes.concat(_signature(keys[0], digest), _signature(keys[1], digest), _signature(keys[1], digest));
        _refuses(report, twice, _unknown(2, vm.addr(keys[1])));
    }

    function test_refusesSignersOutOfOrder() public {
        Report memory report = _report();
        bytes32 digest = oracle.reportDigest(report);
        bytes memory unsorted =
            bytes.concat(_signature(keys[1], digest), _signature(keys[0], digest), _signature(keys[2], digest));
        _refuses(report, unsorted, _unknown(1, vm.addr(keys[0])));
    }

    /// n/2, the highest s that counts, is one that nobody can be made to sign with; the one above is refused as such.
    function test_halfTheCurveOrderIsTheHighestS(bytes32 r, bool even) public {
        Report memory report = _report();
        bytes32 digest = oracle.reportDigest(report);
        r = bytes32(bound(uint256(r), 1, type(uint128).max));
        uint8 v = even ? 27 : 28;
        bytes32 high = bytes32(CURVE_ORDER / 2 + 1);
        vm.assume(ecrecover(digest, v, r, high) != address(0));
        bytes memory rest = new bytes(130);
        bytes memory invalid = abi.encodeWithSelector(IProductionOracle.InvalidSignature.selector, 0);
        _refuses(report, bytes.concat(abi.encodePacked(r, high, v), rest), invalid);
        bytes32 low = bytes32(CURVE_ORDER / 2);
        bytes memory unknown = _unknown(0, ecrecover(digest, v, r, low));
        _refuses(report, bytes.concat(abi.encodePacked(r, low, v), rest), unknown);
    }

    function test_refusesAnotherContractsReport() public {
        ProductionOracle other = new ProductionOracle(address(manager), _first(4), 3, DELAY);
        vm.assertTrue(other.configDigest() != oracle.configDigest());
        Report memory report = _report();
        bytes memory signatures = _sign(report);
        vm.expectRevert(_wrongConfig(other.configDigest(), oracle.configDigest()));
        other.publish(report, signatures);
    }

    /// Invariant: signerRotationRefusesOldConfig.
    function test_signerRotationRefusesOldConfig() public {
        Report memory report = _report();
        bytes memory signatures = _sign(report);
        bytes32 old = oracle.configDigest();
        address[] memory left = new address[](3);
        for (uint256 i = 0; i < 3; ++i) {
            left[i] = vm.addr(keys[i + 1]);
        }
        vm.prank(ROTATOR);
        oracle.setSigners(left, 2);
        _refuses(report, signatures, _wrongConfig(oracle.configDigest(), old));
        // Nor does the account that left count in a new report.
        report.configDigest = oracle.configDigest();
        _refuses(report, _sign(report), _unknown(0, vm.addr(keys[0])));
        // The ones that stayed do.
        bytes32 digest = oracle.reportDigest(report);
        oracle.publish(report, bytes.concat(_signature(keys[1], digest), _signature(keys[3], digest)));
    }

    /// Nor do they come back with the same set: the count is in the digest.
    function test_theSameSetAgainIsAnotherConfig() public {
        Report memory report = _report();
        bytes memory signatures = _sign(report);
        bytes32 old = oracle.configDigest();
        _rotate(5, 4);
        _rotate(4, 3);
        vm.assertTrue(oracle.configDigest() != old);
        _refuses(report, signatures, _wrongConfig(oracle.configDigest(), old));
    }

    /// Invariant: signersAndThresholdChangeWhileRunning. After each change exactly the new quorum publishes.
    function test_signersAndThresholdChangeWhileRunning(uint256 seed) public {
        for (uint256 i = 0; i < 6; ++i) {
            uint256 count = draw(seed, i, 1, 8);
            uint256 threshold = draw(seed, 100 + i, (2 * count + 2) / 3, count);
            _rotate(count, threshold);
            vm.assertEq(oracle.threshold(), threshold);
            vm.assertEq(oracle.configCount(), i + 2);
            _assertSet(_first(count));
            Report memory report = _report();
            if (threshold > 1) _refuses(report, _sign(report, threshold - 1), _wrongLength(threshold, threshold - 1));
            if (threshold < 8) _refuses(report, _sign(report, threshold + 1), _wrongLength(threshold, threshold + 1));
            oracle.publish(report, _sign(report, threshold));
        }
    }

    /// Invariant: epochNeverResets.
    function test_epochNeverResets() public {
        _publishAt(41);
        bytes32 digest = oracle.lastDigest();
        _rotate(7, 5);
        vm.assertEq(oracle.lastEpoch(), 41);
        vm.assertEq(oracle.lastCutoff(), START);
        vm.assertEq(oracle.lastDigest(), digest);
        Report memory report = _reportAt(41);
        _refuses(report, _sign(report), abi.encodeWithSelector(IProductionOracle.EpochNotBeyond.selector, 41, 41));
        _publishAt(42);
    }

    /// Invariant: configDigestNamesChainOracleSignersThresholdAndCount.
    function test_configDigestNamesChainOracleSignersThresholdAndCount(uint64 chainId, uint256 count, uint256 threshold)
        public
    {
        vm.chainId(bound(chainId, 1, type(uint64).max));
        count = bound(count, 1, 8);
        threshold = bound(threshold, (2 * count + 2) / 3, count);
        vm.assertEq(oracle.configCount(), 1);
        bytes32 expected = keccak256(abi.encode(block.chainid, address(oracle), _first(count), threshold, uint64(2)));
        address[] memory set = _first(count);
        vm.expectEmit(true, true, true, true, address(oracle));
        emit IProductionOracle.SignersSet(2, expected, set, threshold);
        _rotate(count, threshold);
        vm.assertEq(oracle.configDigest(), expected);
        _rotate(count, threshold);
        expected = keccak256(abi.encode(block.chainid, address(oracle), set, threshold, uint64(3)));
        vm.assertEq(oracle.configDigest(), expected);
    }

    function test_theConstructorsSetIsTheFirst() public view {
        bytes32 expected = keccak256(abi.encode(block.chainid, address(oracle), _first(4), uint256(3), uint64(1)));
        vm.assertEq(oracle.configDigest(), expected);
        vm.assertEq(oracle.configCount(), 1);
        _assertSet(_first(4));
    }

    /// Invariant: thresholdIsAtLeastTwoThirds.
    function test_thresholdIsAtLeastTwoThirds(uint256 count, uint256 threshold, bool near) public {
        count = bound(count, 0, 40);
        if (near) threshold = bound(threshold, 0, count + 1);
        address[] memory set = _anyone(count);
        bool refused = threshold == 0 || threshold > count || 3 * threshold < 2 * count;
        if (refused) vm.expectRevert(_outOfRange(threshold, count));
        vm.prank(ROTATOR);
        oracle.setSigners(set, threshold);
        vm.assertEq(oracle.threshold(), refused ? 3 : threshold);
    }

    function test_atMost255Sign() public {
        address[] memory set = _anyone(255);
        vm.prank(ROTATOR);
        oracle.setSigners(set, 170);
        _assertSet(set);
        vm.assertEq(oracle.threshold(), 170);
        vm.prank(ROTATOR);
        oracle.setSigners(set, 255);
        vm.assertEq(oracle.threshold(), 255);
        set = _anyone(256);
        vm.expectRevert(_outOfRange(255, 256));
        vm.prank(ROTATOR);
        oracle.setSigners(set, 255);
    }

    /// Invariant: signersAscend.
    function test_signersAscend(address first, address second, address third) public {
        address[] memory set = new address[](3);
        (set[0], set[1], set[2]) = (first, second, third);
        if (first == address(0)) vm.expectRevert(_notAscending(address(0), first));
        else if (second <= first) vm.expectRevert(_notAscending(first, second));
        else if (third <= second) vm.expectRevert(_notAscending(second, third));
        vm.prank(ROTATOR);
        oracle.setSigners(set, 3);
    }

    function test_refusesASignerListOutOfOrderOrWithZero() public {
        address[] memory set = new address[](3);
        (set[0], set[1], set[2]) = (address(1), address(3), address(2));
        vm.expectRevert(_notAscending(address(3), address(2)));
        vm.prank(ROTATOR);
        oracle.setSigners(set, 3);
        (set[0], set[1], set[2]) = (address(1), address(2), address(2));
        vm.expectRevert(_notAscending(address(2), address(2)));
        vm.prank(ROTATOR);
        oracle.setSigners(set, 3);
        (set[0], set[1], set[2]) = (address(0), address(2), address(3));
        vm.expectRevert(_notAscending(address(0), address(0)));
        vm.prank(ROTATOR);
        oracle.setSigners(set, 3);
    }

    /// The account that holds the signers is data: a call to it does nothing, and it starts with STOP.
    function test_theSignersAreNoCode() public {
        address[] memory set = _anyone(31);
        vm.prank(ROTATOR);
        oracle.setSigners(set, 21);
        address pointer = _pointer();
        bytes memory packed;
        for (uint256 i = 0; i < 31; ++i) {
            packed = bytes.concat(packed, bytes20(set[i]));
        }
        vm.assertEq(keccak256(pointer.code), keccak256(bytes.concat(hex"00", oracle.configDigest(), packed)));
        (bool answered, bytes memory answer) = pointer.call(hex"12345678");
        vm.assertTrue(answered);
        vm.assertEq(answer.length, 0);
    }

    /// Three signatures of the digest, by three different signers in order, and their keys.
    function _parts(bytes32 digest, uint256 seed) internal view returns (bytes[] memory parts, uint256[] memory used) {
        (parts, used) = (new bytes[](3), new uint256[](3));
        uint256 absent = draw(seed, 0, 0, 3);
        for (uint256 i = 0; i < 3; ++i) {
            used[i] = keys[i < absent ? i : i + 1];
            parts[i] = _signature(used[i], digest);
        }
    }

    /// (r, n - s) with the other v is the same signature to ecrecover, and not to us.
    function _mirrored(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
    }

    function _cut(bytes memory long, uint256 length) internal pure returns (bytes memory short) {
        short = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            short[i] = long[i];
        }
    }

    function _anyone(uint256 count) internal pure returns (address[] memory set) {
        set = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            set[i] = address(uint160((i + 1) << 100));
        }
    }

    /// The account made last by the oracle.
    function _pointer() internal view returns (address) {
        bytes memory rlp = abi.encodePacked(hex"d694", address(oracle), uint8(oracle.configCount()));
        return address(uint160(uint256(keccak256(rlp))));
    }

    function _assertSet(address[] memory expected) internal view {
        vm.assertEq(keccak256(abi.encode(oracle.signers())), keccak256(abi.encode(expected)));
    }

    function _wrongLength(uint256 given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.WrongSignatureLength.selector, 195, given);
    }

    function _wrongLength(uint256 threshold, uint256 given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.WrongSignatureLength.selector, threshold * 65, given * 65);
    }

    function _wrongConfig(bytes32 expected, bytes32 given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.WrongConfig.selector, expected, given);
    }

    function _unknown(uint256 index, address recovered) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.UnknownSigner.selector, index, recovered);
    }

    function _outOfRange(uint256 threshold, uint256 count) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.ThresholdOutOfRange.selector, threshold, count);
    }

    function _notAscending(address before, address given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IProductionOracle.SignersNotAscending.selector, before, given);
    }
}
