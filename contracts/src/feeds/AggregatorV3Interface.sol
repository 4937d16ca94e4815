// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// What readers of Chainlink's data feeds call: the same signatures as in Chainlink's own package, written anew so
/// that nothing else of it is needed. https://docs.chain.link/data-feeds/api-reference
interface AggregatorV3Interface {
    /// Decimal places of every answer.
    function decimals() external view returns (uint8);

    /// What is measured.
    function description() external view returns (string memory);

    function version() external view returns (uint256);

    /// One round. Reverts when there is none of that number.
    function getRoundData(uint80 _roundId)
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);

    /// The newest round. Reverts when there is none.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
