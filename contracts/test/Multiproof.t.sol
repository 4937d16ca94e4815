// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Multiproof} from "../src/settlement/Multiproof.sol";
import {Test} from "./Vm.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// Our multiproof and OpenZeppelin's are of one mind, whatever they are given.
contract MultiproofTest is Test {
    function test_saysWhatOpenZeppelinSays(uint256 seed) public view {
        uint256 count = draw(seed, 0, 1, 6);
        uint256 given = draw(seed, 1, 0, 6);
        if (count + given < 2) return;
        bool[] memory flags = new bool[](count + given - 1);
        for (uint256 i = 0; i < flags.length; ++i) {
            flags[i] = draw(seed, 2 + i, 0, 1) == 1;
        }
        _compare(_words(seed, 100, given), flags, _words(seed, 200, count));
    }

    /// Every way to set flags, for up to five leaves and five nodes given.
    function test_saysWhatOpenZeppelinSaysForAllFlags() public view {
        for (uint256 count = 1; count <= 5; ++count) {
            for (uint256 given = 0; count + given <= 6; ++given) {
                bool[] memory flags = new bool[](count + given - 1);
                for (uint256 set = 0; set < 1 << flags.length; ++set) {
                    for (uint256 i = 0; i < flags.length; ++i) {
                        flags[i] = (set >> i) & 1 == 1;
                    }
                    _compare(_words(set, given, given), flags, _words(set, count << 32, count));
                }
            }
        }
    }

    function test_anyOtherLengthProvesNothing(uint256 seed) public view {
        uint256 count = draw(seed, 0, 1, 6);
        uint256 given = draw(seed, 1, 0, 6);
        bool[] memory flags = new bool[](draw(seed, 2, 0, 12));
        if (flags.length + 1 == count + given) return;
        bytes32[] memory leaves = _words(seed, 200, count);
        bytes32[] memory proof = _words(seed, 100, given);
        vm.assertFalse(this.ours(proof, flags, leaves[0], leaves));
        vm.assertFalse(this.ours(proof, flags, bytes32(0), leaves));
    }

    /// A proof of the first leaf carries no other along.
    function test_noLeafIsProvenByItsNeighbour(bytes32 proven, bytes32 stowaway) public view {
        bytes32[] memory leaves = new bytes32[](2);
        (leaves[0], leaves[1]) = (proven, stowaway);
        vm.assertFalse(this.ours(new bytes32[](0), new bool[](0), proven, leaves));
    }

    /// Where OpenZeppelin takes the only node of a proof for the root of no leaves.
    function test_noLeavesProveNothing(bytes32 root) public view {
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = root;
        vm.assertFalse(this.ours(proof, new bool[](0), root, new bytes32[](0)));
        vm.assertFalse(this.ours(new bytes32[](0), new bool[](0), root, new bytes32[](0)));
    }

    function test_memoryBehindTheLeavesIsNotRead(bytes32 dirt) public view {
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = keccak256("leaf");
        bool[] memory flags = new bool[](1);
        flags[0] = true;
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = dirt;
        vm.assertFalse(this.ours(proof, flags, keccak256(abi.encode(leaves[0], dirt)), leaves));
        vm.assertFalse(this.ours(proof, flags, keccak256(abi.encode(dirt, leaves[0])), leaves));
        vm.assertFalse(this.ours(proof, flags, keccak256(abi.encode(bytes32(0), leaves[0])), leaves));
    }

    function ours(bytes32[] calldata proof, bool[] calldata flags, bytes32 root, bytes32[] memory leaves)
        external
        pure
        returns (bool)
    {
        return Multiproof.verify(proof, flags, root, leaves);
    }

    function theirs(bytes32[] calldata proof, bool[] calldata flags, bytes32[] memory leaves)
        external
        pure
        returns (bytes32)
    {
        return MerkleProof.processMultiProofCalldata(proof, flags, leaves);
    }

    function _compare(bytes32[] memory proof, bool[] memory flags, bytes32[] memory leaves) internal view {
        try this.theirs(proof, flags, leaves) returns (bytes32 root) {
            vm.assertTrue(this.ours(proof, flags, root, leaves));
            vm.assertFalse(this.ours(proof, flags, ~root, leaves));
        } catch {
            vm.assertFalse(this.ours(proof, flags, bytes32(0), leaves));
            vm.assertFalse(this.ours(proof, flags, leaves[leaves.length - 1], leaves));
        }
    }

    function _words(uint256 seed, uint256 from, uint256 count) internal pure returns (bytes32[] memory words) {
        words = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            words[i] = keccak256(abi.encode(seed, from + i));
        }
    }
}
