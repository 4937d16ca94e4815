// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// The tree that the npm package of OpenZeppelin builds: leaves in ascending order, stored from the end.
library MerkleTree {
    function build(bytes32[] memory leaves) internal pure returns (bytes32[] memory tree) {
        uint256 n = leaves.length;
        bytes32[] memory sorted = new bytes32[](n);
        for (uint256 i = 0; i < n; ++i) {
            uint256 j = i;
            for (; j > 0 && sorted[j - 1] > leaves[i]; --j) {
                sorted[j] = sorted[j - 1];
            }
            sorted[j] = leaves[i];
        }
        tree = new bytes32[](2 * n - 1);
        for (uint256 i = 0; i < n; ++i) {
            tree[tree.length - 1 - i] = sorted[i];
        }
        for (uint256 i = n - 1; i > 0; --i) {
            tree[i - 1] = Hashes.commutativeKeccak256(tree[2 * i - 1], tree[2 * i]);
        }
    }

    function proofOf(bytes32[] memory tree, bytes32 leaf) internal pure returns (bytes32[] memory proof) {
        uint256 place = tree.length - 1;
        while (tree[place] != leaf) --place;
        uint256 depth = 0;
        for (uint256 i = place; i > 0; i = (i - 1) / 2) {
            ++depth;
        }
        proof = new bytes32[](depth);
        for (uint256 i = 0; i < depth; ++i) {
            proof[i] = tree[place % 2 == 1 ? place + 1 : place - 1];
            place = (place - 1) / 2;
        }
    }

    /// A multiproof of some leaves, and these in the order it wants: as StandardMerkleTree.getMultiProof gives it.
    /// Each inner node on a way up is joined of two known ones, or of a known one and one from the proof.
    function multiproofOf(bytes32[] memory tree, bool[] memory wanted)
        internal
        pure
        returns (bytes32[] memory ordered, bytes32[] memory proof, bool[] memory flags)
    {
        uint256 n = wanted.length;
        bool[] memory known = new bool[](tree.length);
        uint256 count = 0;
        for (uint256 i = 0; i < n; ++i) {
            if (!wanted[i]) continue;
            known[tree.length - 1 - i] = true;
            ++count;
        }
        ordered = new bytes32[](count);
        proof = new bytes32[](tree.length);
        flags = new bool[](tree.length);
        (uint256 leafCount, uint256 proofCount, uint256 flagCount) = (0, 0, 0);
        for (uint256 place = tree.length - 1; place > 0; --place) {
            if (!known[place]) continue;
            if (place >= n - 1) ordered[leafCount++] = tree[place];
            uint256 sibling = place % 2 == 1 ? place + 1 : place - 1;
            if (sibling < place && known[sibling]) {
                // Joined when the pair is met the first time, from the right; the left one is passed over below.
                flags[flagCount++] = true;
                if (sibling >= n - 1) ordered[leafCount++] = tree[sibling];
                --place;
            } else {
                proof[proofCount++] = tree[sibling];
                flagCount++;
            }
            known[(place - 1) / 2] = true;
            if (place == 0) break;
        }
        assembly ("memory-safe") {
            mstore(proof, proofCount)
            mstore(flags, flagCount)
        }
    }
}
