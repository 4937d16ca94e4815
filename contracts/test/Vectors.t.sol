// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Report, Totals} from "../src/oracle/IProductionOracle.sol";
import {ProductionOracle} from "../src/oracle/ProductionOracle.sol";
import {Statement, StatementLeaf} from "../src/settlement/Statement.sol";
import {Fixture} from "./Fixture.sol";
import {MerkleTree} from "./MerkleTree.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// The vectors that Python and the npm package are tested with too. Nothing is tested where a file is missing.
contract VectorsTest is Fixture {
    using StatementLeaf for Statement;

    function test_reportDigestsEqualTheVectors() public {
        string memory json = _read("report_digest.json");
        for (uint256 i = 0; bytes(json).length > 0 && vm.keyExistsJson(json, _case(i)); ++i) {
            string memory entry = _case(i);
            vm.chainId(vm.parseJsonUint(json, string.concat(entry, ".chain_id")));
            // The domain names chain and contract: put the oracle's code where the vector has it.
            address place = vm.parseJsonAddress(json, string.concat(entry, ".verifying_contract"));
            vm.etch(place, address(oracle).code);
            bytes32 digest = ProductionOracle(place).reportDigest(_reportAt(json, string.concat(entry, ".report")));
            vm.assertEq(digest, vm.parseJsonBytes32(json, string.concat(entry, ".digest")));
        }
    }

    function test_merkleTreesEqualTheVectors() public {
        string memory json = _read("merkle.json");
        for (uint256 i = 0; bytes(json).length > 0 && vm.keyExistsJson(json, _case(i)); ++i) {
            _checkTree(json, _case(i));
        }
    }

    function _checkTree(string memory json, string memory tree) internal view {
        bytes32 root = vm.parseJsonBytes32(json, string.concat(tree, ".root"));
        uint256 count = 0;
        while (vm.keyExistsJson(json, _leafKey(tree, count))) ++count;
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            string memory entry = _leafKey(tree, i);
            leaves[i] = this.leafOf(_statementAt(json, string.concat(entry, ".statement")));
            vm.assertEq(leaves[i], vm.parseJsonBytes32(json, string.concat(entry, ".leaf")));
            bytes32[] memory proof = vm.parseJsonBytes32Array(json, string.concat(entry, ".proof"));
            vm.assertTrue(MerkleProof.verify(proof, root, leaves[i]));
        }
        vm.assertEq(MerkleTree.build(leaves)[0], root);
        for (uint256 i = 0; vm.keyExistsJson(json, _multiproofKey(tree, i)); ++i) {
            _checkMultiproof(json, _multiproofKey(tree, i), root);
        }
    }

    function _checkMultiproof(string memory json, string memory key, bytes32 root) internal pure {
        bytes32[] memory leaves = vm.parseJsonBytes32Array(json, string.concat(key, ".leaves"));
        bytes32[] memory proof = vm.parseJsonBytes32Array(json, string.concat(key, ".proof"));
        bool[] memory flags = vm.parseJsonBoolArray(json, string.concat(key, ".flags"));
        vm.assertTrue(MerkleProof.multiProofVerify(proof, flags, root, leaves));
    }

    function leafOf(Statement calldata statement) external pure returns (bytes32) {
        return statement.leaf();
    }

    function _read(string memory name) internal returns (string memory) {
        string memory path = string.concat(vm.projectRoot(), "/../tests/vectors/", name);
        return vm.exists(path) ? vm.readFile(path) : "";
    }

    function _case(uint256 index) internal pure returns (string memory) {
        return string.concat(".cases[", vm.toString(index), "]");
    }

    function _leafKey(string memory tree, uint256 index) internal pure returns (string memory) {
        return string.concat(tree, ".leaves[", vm.toString(index), "]");
    }

    function _multiproofKey(string memory tree, uint256 index) internal pure returns (string memory) {
        return string.concat(tree, ".multiproofs[", vm.toString(index), "]");
    }

    function _reportAt(string memory json, string memory key) internal pure returns (Report memory) {
        return Report({
            epoch: uint64(_uint(json, key, ".epoch")),
            prev: _word(json, key, ".prev"),
            cutoff: uint64(_uint(json, key, ".cutoff")),
            configDigest: _word(json, key, ".configDigest"),
            rulesDigest: _word(json, key, ".rulesDigest"),
            registryBlock: uint64(_uint(json, key, ".registryBlock")),
            registryHash: _word(json, key, ".registryHash"),
            root: _word(json, key, ".root"),
            totals: Totals({
                energyWh: uint128(_uint(json, key, ".totals.energyWh")),
                creditsG: uint128(_uint(json, key, ".totals.creditsG")),
                revenueMinor: uint128(_uint(json, key, ".totals.revenueMinor"))
            }),
            leafCount: uint32(_uint(json, key, ".leafCount")),
            dataHash: _word(json, key, ".dataHash")
        });
    }

    function _statementAt(string memory json, string memory key) internal pure returns (Statement memory) {
        return Statement({
            assetId: _word(json, key, ".assetId"),
            vintage: uint16(_uint(json, key, ".vintage")),
            energyIssuedWh: uint128(_uint(json, key, ".energyIssuedWh")),
            energyReversedWh: uint128(_uint(json, key, ".energyReversedWh")),
            creditsIssuedG: uint128(_uint(json, key, ".creditsIssuedG")),
            creditsReversedG: uint128(_uint(json, key, ".creditsReversedG")),
            revenueIssuedMinor: uint128(_uint(json, key, ".revenueIssuedMinor")),
            revenueReversedMinor: uint128(_uint(json, key, ".revenueReversedMinor")),
            cutoff: uint64(_uint(json, key, ".cutoff")),
            evidenceRoot: _word(json, key, ".evidenceRoot")
        });
    }

    function _uint(string memory json, string memory key, string memory field) internal pure returns (uint256) {
        return vm.parseJsonUint(json, string.concat(key, field));
    }

    function _word(string memory json, string memory key, string memory field) internal pure returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(key, field));
    }
}
