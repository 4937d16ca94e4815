// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettledToken} from "./ISettledToken.sol";

/// Carbon credits: one unit is 1 gram CO2e avoided. Id = projectId | vintage.
interface ICarbonCredit is ISettledToken {
    /// `grams` of `id` were taken out of circulation for good, in the name of `beneficiary`.
    event Retired(
        uint256 indexed retirementId,
        address indexed holder,
        address indexed beneficiary,
        uint256 id,
        uint256 grams,
        string purpose
    );

    error NothingToRetire();
    error BeneficiaryMissing();

    /// Burn `grams` of the caller's credits and record for whom and why. Returns the retirement's number, from 1.
    function retire(uint256 id, uint256 grams, address beneficiary, string calldata purpose)
        external
        returns (uint256 retirementId);

    /// Grams of an id retired so far: issued = totalSupply + retired.
    function retired(uint256 id) external view returns (uint256);

    /// Grams of an id ever minted.
    function issued(uint256 id) external view returns (uint256);

    /// How many retirements there have been, the last one's number.
    function retirementCount() external view returns (uint256);

    /// Token id of a project's credits of one vintage.
    function idOf(bytes32 projectId, uint16 vintage) external pure returns (uint256);
}
