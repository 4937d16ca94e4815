// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Report} from "../src/oracle/IProductionOracle.sol";
import {ProductionOracle} from "../src/oracle/ProductionOracle.sol";
import {Quorum} from "../src/oracle/Quorum.sol";
import {Test} from "./Vm.sol";

/// The quorum check, where its answer can be looked at.
contract QuorumCheck {
    function verify(bytes32 digest, bytes calldata signatures, bytes calldata packedSigners, uint8 threshold)
        external
        view
    {
        Quorum.verify(digest, signatures, packedSigners, threshold);
    }
}

/// What a list of signatures says, read without the code under proof.
abstract contract Witness is Test {
    uint256 internal constant HALF_CURVE_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    /// Three signatures and no more, canonical, by three different members of `set` (which ascends, none of it zero).
    function _assertThreeSigned(bytes32 digest, bytes calldata signatures, address[4] memory set) internal pure {
        assert(signatures.length == 195);
        address first = _signer(digest, signatures[0:65]);
        address second = _signer(digest, signatures[65:130]);
        address third = _signer(digest, signatures[130:195]);
        assert(first != second && second != third && first != third);
        assert(first != address(0) && second != address(0) && third != address(0));
        assert(_isMember(first, set) && _isMember(second, set) && _isMember(third, set));
    }

    function _signer(bytes32 digest, bytes calldata signature) internal pure returns (address) {
        (bytes32 r, bytes32 s) = (bytes32(signature[0:32]), bytes32(signature[32:64]));
        assert(uint256(s) <= HALF_CURVE_ORDER);
        return ecrecover(digest, uint8(signature[64]), r, s);
    }

    function _isMember(address account, address[4] memory set) internal pure returns (bool) {
        return account == set[0] || account == set[1] || account == set[2] || account == set[3];
    }
}

/// Proofs for halmos, which runs what begins with `check_` over all values of all arguments at once; forge does not run them.
/// To halmos ecrecover is some function of (digest, v, r, s), about which nothing is known. So what is proven holds whatever
/// ecrecover answers; that nobody makes it answer a signer's address without the signer's key is what secp256k1 is for, and
/// that it refuses any v but 27 and 28 is tested in Quorum.t.sol. What begins with `check_reachable` must fail: were success
/// out of reach, the other checks would say nothing.
contract QuorumProof is Witness {
    QuorumCheck internal quorum;

    function setUp() public {
        quorum = new QuorumCheck();
    }

    /// n = 4, k = 3: any signers, any digest, any bytes.
    function check_fewerThanThresholdNeverVerify(bytes32 digest, bytes calldata signatures, address[4] memory set)
        public
        view
    {
        if (_verifies(digest, signatures, set)) _assertThreeSigned(digest, signatures, set);
    }

    function check_reachableVerify(bytes32 digest, bytes calldata signatures, address[4] memory set) public view {
        assert(!_verifies(digest, signatures, set));
    }

    /// And the other way around: what three signers signed in order is accepted.
    function check_threeSignersInOrderVerify(bytes32 digest, bytes calldata signatures, address[4] memory set)
        public
        view
    {
        vm.assume(signatures.length == 195);
        for (uint256 i = 0; i < 3; ++i) {
            vm.assume(uint256(bytes32(signatures[i * 65 + 32:i * 65 + 64])) <= HALF_CURVE_ORDER);
        }
        address first = _signer(digest, signatures[0:65]);
        address second = _signer(digest, signatures[65:130]);
        address third = _signer(digest, signatures[130:195]);
        vm.assume(first < second && second < third);
        vm.assume(_isMember(first, set) && _isMember(second, set) && _isMember(third, set));
        assert(_verifies(digest, signatures, set));
    }

    function _verifies(bytes32 digest, bytes calldata signatures, address[4] memory set) internal view returns (bool) {
        // As setSigners takes it.
        vm.assume(address(0) < set[0] && set[0] < set[1] && set[1] < set[2] && set[2] < set[3]);
        bytes memory packed = abi.encodePacked(bytes20(set[0]), bytes20(set[1]), bytes20(set[2]), bytes20(set[3]));
        try quorum.verify(digest, signatures, packed, 3) {
            return true;
        } catch {
            return false;
        }
    }
}

/// The same of the whole contract, with four certain signers in its code: any report, any bytes.
contract PublishProof is Witness {
    ProductionOracle internal oracle;
    address[4] internal set = [address(0x1000), address(0x2000), address(0x3000), address(0x4000)];

    function setUp() public {
        address[] memory signers = new address[](4);
        for (uint256 i = 0; i < 4; ++i) {
            signers[i] = set[i];
        }
        oracle = new ProductionOracle(address(this), signers, 3, 1 hours);
    }

    function check_fewerThanThresholdNeverPublish(Report memory report, bytes calldata signatures) public {
        if (!_publishes(report, signatures)) return;
        _assertThreeSigned(oracle.reportDigest(report), signatures, set);
        assert(report.configDigest == oracle.configDigest());
        assert(report.prev == bytes32(0));
        assert(oracle.lastDigest() == oracle.reportDigest(report));
    }

    function check_reachablePublish(Report memory report, bytes calldata signatures) public {
        assert(!_publishes(report, signatures));
    }

    /// Any report but for its number: halmos follows no place of the ring that it does not know.
    function _publishes(Report memory report, bytes calldata signatures) internal returns (bool) {
        report.epoch = 300;
        vm.warp(1_780_243_200);
        try oracle.publish(report, signatures) {
            return true;
        } catch {
            return false;
        }
    }
}
