// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Report, RootStatus, Round, Totals} from "../src/oracle/IProductionOracle.sol";
import {ProductionOracle} from "../src/oracle/ProductionOracle.sol";
import {Test} from "./Vm.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// The oracle alone, wired as contracts/deployment.py does it: four nodes of which three sign, a guardian, a rotator.
abstract contract OracleFixture is Test {
    uint256 internal constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    uint64 internal constant START = 1_780_243_200; // 2026-06-01 00:00 in Hong Kong
    uint256 internal constant DELAY = 1 hours;
    uint64 internal constant GUARDIAN = 2;
    uint64 internal constant SIGNER_ADMIN = 9;
    address internal constant GUARD = address(0x60A2D);
    address internal constant ROTATOR = address(0x207A7E);
    address internal constant STRANGER = address(0x57A6E);

    AccessManager internal manager;
    ProductionOracle internal oracle;
    /// Keys of eight nodes in ascending order of address. The first `nodes` of them are signers.
    uint256[] internal keys;
    uint256 internal nodes = 4;

    function setUp() public virtual {
        vm.warp(START);
        for (uint256 i = 1; i <= 8; ++i) {
            _addKey(uint256(keccak256(abi.encode("node", i))));
        }
        manager = new AccessManager(address(this));
        manager.grantRole(GUARDIAN, GUARD, 0);
        manager.grantRole(SIGNER_ADMIN, ROTATOR, 0);
        _deploy(DELAY);
    }

    function _deploy(uint256 delayS) internal {
        oracle = new ProductionOracle(address(manager), _first(nodes), 3, delayS);
        bytes4[] memory guarded = new bytes4[](2);
        (guarded[0], guarded[1]) = (oracle.disable.selector, oracle.pausePublishing.selector);
        manager.setTargetFunctionRole(address(oracle), guarded, GUARDIAN);
        bytes4[] memory rotated = new bytes4[](1);
        rotated[0] = oracle.setSigners.selector;
        manager.setTargetFunctionRole(address(oracle), rotated, SIGNER_ADMIN);
    }

    /// The next report, on the last digest, unsigned.
    function _report() internal view returns (Report memory) {
        return _reportAt(oracle.lastEpoch() + 1);
    }

    function _reportAt(uint64 epoch) internal view returns (Report memory) {
        return Report({
            epoch: epoch,
            prev: oracle.lastDigest(),
            cutoff: uint64(block.timestamp),
            configDigest: oracle.configDigest(),
            rulesDigest: keccak256("rules"),
            registryBlock: uint64(block.number),
            registryHash: keccak256("registry"),
            root: keccak256(abi.encode("root", epoch)),
            totals: Totals(uint128(epoch) * 5, uint128(epoch) * 3, uint128(epoch) * 7),
            leafCount: 1,
            dataHash: keccak256("working")
        });
    }

    /// Publish the next report.
    function _publish() internal returns (Report memory) {
        return _publishAt(oracle.lastEpoch() + 1);
    }

    function _publishAt(uint64 epoch) internal returns (Report memory report) {
        report = _reportAt(epoch);
        oracle.publish(report, _sign(report));
    }

    function _refuses(Report memory report, bytes memory signatures, bytes memory expected) internal {
        vm.expectRevert(expected);
        oracle.publish(report, signatures);
    }

    function _refuses(Report memory report, bytes memory expected) internal {
        _refuses(report, _sign(report), expected);
    }

    /// Disable as the guardian; the reports come oldest first.
    function _disable(Report memory older, Report memory newer) internal {
        Report[] memory newestFirst = new Report[](2);
        (newestFirst[0], newestFirst[1]) = (newer, older);
        vm.prank(GUARD);
        oracle.disable(newestFirst);
    }

    function _disable(Report memory report) internal {
        vm.prank(GUARD);
        oracle.disable(_only(report));
    }

    function _only(Report memory report) internal pure returns (Report[] memory newestFirst) {
        newestFirst = new Report[](1);
        newestFirst[0] = report;
    }

    /// Signatures of as many nodes as the oracle wants, in the order it wants.
    function _sign(Report memory report) internal view returns (bytes memory) {
        return _sign(report, oracle.threshold());
    }

    function _sign(Report memory report, uint256 count) internal view returns (bytes memory signatures) {
        bytes32 digest = oracle.reportDigest(report);
        for (uint256 i = 0; i < count; ++i) {
            signatures = bytes.concat(signatures, _signature(keys[i], digest));
        }
    }

    function _signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// Make the first `count` nodes the signer set.
    function _rotate(uint256 count, uint256 threshold) internal {
        address[] memory set = _first(count);
        vm.prank(ROTATOR);
        oracle.setSigners(set, threshold);
        nodes = count;
    }

    function _first(uint256 count) internal view returns (address[] memory signers) {
        signers = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            signers[i] = vm.addr(keys[i]);
        }
    }

    function _addKey(uint256 key) internal {
        keys.push(key);
        for (uint256 i = keys.length - 1; i > 0 && vm.addr(keys[i - 1]) > vm.addr(keys[i]); --i) {
            (keys[i - 1], keys[i]) = (keys[i], keys[i - 1]);
        }
    }

    function _assertStatus(uint64 epoch, RootStatus expected) internal view {
        vm.assertEq(uint256(oracle.statusOf(epoch)), uint256(expected));
    }

    function _assertUnknown(uint64 epoch) internal view {
        _assertStatus(epoch, RootStatus.Unknown);
        vm.assertEq(oracle.activeRoot(epoch), bytes32(0));
        (bytes32 root, Round memory round) = oracle.roundOf(epoch);
        vm.assertEq(root, bytes32(0));
        vm.assertEq(keccak256(abi.encode(round)), keccak256(new bytes(192)));
    }
}
