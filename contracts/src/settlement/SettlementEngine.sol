// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IMarkLedger} from "../ledger/IMarkLedger.sol";
import {IProductionOracle} from "../oracle/IProductionOracle.sol";
import {ISettlementEngine} from "./ISettlementEngine.sol";
import {Multiproof} from "./Multiproof.sol";
import {Statement, StatementLeaf} from "./Statement.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// Checks statements against an active root and hands them to the ledger. Holds nothing and decides nothing.
contract SettlementEngine is ISettlementEngine {
    using StatementLeaf for Statement;

    IProductionOracle public immutable oracle;
    IMarkLedger public immutable ledger;

    constructor(IProductionOracle oracle_, IMarkLedger ledger_) {
        oracle = oracle_;
        ledger = ledger_;
    }

    /// @inheritdoc ISettlementEngine
    function settleOne(uint64 epoch, Statement calldata statement, bytes32[] calldata proof) external {
        if (!MerkleProof.verifyCalldata(proof, _activeRoot(epoch), statement.leaf())) revert BadProof(0);
        uint256 first;
        // slither-disable-next-line assembly: Solidity does not tell where a struct of the calldata lies
        assembly ("memory-safe") {
            first := statement
        }
        _handOver(epoch, first, 1);
    }

    /// @inheritdoc ISettlementEngine
    function settle(uint64 epoch, Statement[] calldata statements, bytes32[][] calldata proofs) external {
        if (statements.length != proofs.length) revert LengthsDiffer(statements.length, proofs.length);
        bytes32 root = _activeRoot(epoch);
        for (uint256 i = 0; i < statements.length; ++i) {
            if (!MerkleProof.verifyCalldata(proofs[i], root, statements[i].leaf())) revert BadProof(i);
        }
        _handOver(epoch, statements);
    }

    /// @inheritdoc ISettlementEngine
    function settleMulti(
        uint64 epoch,
        Statement[] calldata statements,
        bytes32[] calldata proof,
        bool[] calldata proofFlags
    ) external {
        bytes32 root = _activeRoot(epoch);
        bytes32[] memory leaves = new bytes32[](statements.length);
        for (uint256 i = 0; i < statements.length; ++i) {
            leaves[i] = statements[i].leaf();
        }
        if (!Multiproof.verify(proof, proofFlags, root, leaves)) revert BadMultiproof();
        _handOver(epoch, statements);
    }

    function _handOver(uint64 epoch, Statement[] calldata statements) internal {
        uint256 first;
        // slither-disable-next-line assembly: Solidity does not tell where an array of the calldata lies
        assembly ("memory-safe") {
            first := statements.offset
        }
        _handOver(epoch, first, statements.length);
    }

    /// Call `ledger.settle` with `count` statements that lie one after another in the calldata, from `first`. They are
    /// copied as they came, since to decode and encode each field again costs more than all else here.
    function _handOver(uint64 epoch, uint256 first, uint256 count) internal {
        // slither-disable-next-line write-after-write: Slither takes offset and length for one variable
        bytes calldata statements;
        // slither-disable-next-line assembly: nothing else makes bytes of what lies in the calldata
        assembly ("memory-safe") {
            statements.offset := first
            statements.length := mul(count, 320)
        }
        // epoch; where the array begins; how many there are; they themselves.
        bytes memory call = bytes.concat(abi.encodeWithSelector(ledger.settle.selector, epoch, 64, count), statements);
        // slither-disable-next-line unused-return: `settle` returns nothing, and a revert is passed on
        Address.functionCall(address(ledger), call);
    }

    function _activeRoot(uint64 epoch) internal view returns (bytes32 root) {
        root = oracle.activeRoot(epoch);
        if (root == bytes32(0)) revert RootNotActive(epoch);
    }
}
