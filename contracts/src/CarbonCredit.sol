// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Asset, ClaimRight, IAssetRegistry} from "./IAssetRegistry.sol";
import {ICarbonCredit} from "./ICarbonCredit.sol";
import {SettledToken} from "./SettledToken.sol";
import {Statement} from "./Statement.sol";

/// Carbon credits: one unit is 1 gram CO2e avoided. Id = projectId | vintage.
contract CarbonCredit is ICarbonCredit, SettledToken {
    mapping(uint256 id => uint256) public retired;
    uint256 public retirementCount;

    constructor(address authority, IAssetRegistry registry_) SettledToken(authority, registry_) {}

    /// @inheritdoc ICarbonCredit
    function retire(uint256 id, uint256 grams, address beneficiary, string calldata purpose)
        external
        returns (uint256 retirementId)
    {
        if (grams == 0) revert NothingToRetire();
        if (beneficiary == address(0)) revert BeneficiaryMissing();

        _move(msg.sender, address(0), id, grams);
        retired[id] += grams;
        retirementId = ++retirementCount;
        emit Retired(retirementId, msg.sender, beneficiary, id, grams, purpose);
    }

    /// @inheritdoc ICarbonCredit
    function issued(uint256 id) external view returns (uint256) {
        return totalSupply[id] + retired[id];
    }

    /// @inheritdoc ICarbonCredit
    function idOf(bytes32 projectId, uint16 vintage) public pure returns (uint256) {
        return uint256(projectId) | vintage;
    }

    function _countersOf(Statement calldata statement) internal pure override returns (uint256, uint256) {
        return (statement.creditsIssuedG, statement.creditsReversedG);
    }

    function _unitsPerMwhCeiling(Asset memory asset) internal pure override returns (uint64) {
        return asset.factorCeiling;
    }

    function _hasRight(Asset memory asset) internal view override returns (bool) {
        return registry.project(asset.projectId).claimRight == ClaimRight.Credit;
    }

    function _idOf(Statement calldata statement, Asset memory asset) internal pure override returns (uint256) {
        return idOf(asset.projectId, statement.vintage);
    }
}
