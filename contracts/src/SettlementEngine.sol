// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProductionOracle} from "./IProductionOracle.sol";
import {Hold, ISettledToken, Outcome} from "./ISettledToken.sol";
import {ISettlementEngine} from "./ISettlementEngine.sol";
import {Statement, StatementLeaf} from "./Statement.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// Checks statements against a published root and routes them to the tokens. Holds nothing and decides nothing.
contract SettlementEngine is ISettlementEngine {
    using StatementLeaf for Statement;

    IProductionOracle public immutable oracle;
    ISettledToken public immutable carbonCredit;
    ISettledToken public immutable revenueShare;

    constructor(IProductionOracle oracle_, ISettledToken carbonCredit_, ISettledToken revenueShare_) {
        oracle = oracle_;
        carbonCredit = carbonCredit_;
        revenueShare = revenueShare_;
    }

    /// @inheritdoc ISettlementEngine
    function settle(uint64 epoch, Statement[] calldata statements, bytes32[][] calldata proofs) external {
        bytes32 root = oracle.rootAt(epoch);
        if (root == bytes32(0)) revert UnknownRoot(epoch);
        if (statements.length != proofs.length) revert LengthsDiffer(statements.length, proofs.length);
        for (uint256 i = 0; i < statements.length; ++i) {
            if (!MerkleProof.verifyCalldata(proofs[i], root, statements[i].leaf())) revert BadProof(i);
        }

        Outcome[] memory revenue = revenueShare.settle(statements);
        Outcome[] memory credits = carbonCredit.settle(statements);
        for (uint256 i = 0; i < statements.length; ++i) {
            _announce(epoch, statements[i], revenue[i], credits[i]);
        }
    }

    function _announce(uint64 epoch, Statement calldata statement, Outcome memory revenue, Outcome memory credits)
        internal
    {
        (bytes32 assetId, uint16 vintage) = (statement.assetId, statement.vintage);
        if (revenue.hold != Hold.None) emit Capped(assetId, vintage, epoch, address(revenueShare), revenue.hold);
        // A project without the right to credits is not held back: it has none coming.
        if (credits.hold != Hold.None && credits.hold != Hold.NoClaimRight) {
            emit Capped(assetId, vintage, epoch, address(carbonCredit), credits.hold);
        }
        if (revenue.energyWh != 0 || credits.units != 0 || revenue.units != 0) {
            emit Settled(assetId, vintage, epoch, revenue.energyWh, credits.units, revenue.units);
        }
    }
}
