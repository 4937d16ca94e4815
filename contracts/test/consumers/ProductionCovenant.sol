// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AggregatorV3Interface} from "../../src/feeds/AggregatorV3Interface.sol";

/// A lender's condition: since the loan began, the plant has produced what it should. Knows Chainlink's feeds and nothing else.
contract ProductionCovenant {
    error NoAnswer(int256 answer);
    error Incomplete(uint80 roundId, uint80 answeredInRound);
    error TooOld(uint256 updatedAt, uint256 maxAgeS);

    AggregatorV3Interface public immutable feed;
    /// What should be produced, in the feed's units.
    uint256 public immutable duePerDay;
    uint256 public immutable maxAgeS;
    uint256 public immutable startAnswer;
    uint256 public immutable startTime;

    constructor(AggregatorV3Interface feed_, uint256 duePerWholeDay, uint256 maxAgeS_) {
        feed = feed_;
        maxAgeS = maxAgeS_;
        duePerDay = duePerWholeDay * 10 ** feed_.decimals();
        (startAnswer, startTime) = _latest(feed_, maxAgeS_);
    }

    function isKept() external view returns (bool) {
        (uint256 answer, uint256 time) = _latest(feed, maxAgeS);
        return answer >= startAnswer && (answer - startAnswer) * 1 days >= duePerDay * (time - startTime);
    }

    /// Between two rounds that the feed still has.
    function producedBetween(uint80 from, uint80 until) external view returns (int256) {
        (, int256 before,,,) = feed.getRoundData(from);
        (, int256 afterwards,,,) = feed.getRoundData(until);
        return afterwards - before;
    }

    /// With the checks that Chainlink's documentation asks of a reader.
    function _latest(AggregatorV3Interface source, uint256 limitS) private view returns (uint256, uint256) {
        (uint80 roundId, int256 answer,, uint256 updatedAt, uint80 answeredInRound) = source.latestRoundData();
        if (answer <= 0) revert NoAnswer(answer);
        if (updatedAt == 0 || answeredInRound < roundId) revert Incomplete(roundId, answeredInRound);
        // forge-lint: disable-next-line(block-timestamp)
        if (block.timestamp - updatedAt > limitS) revert TooOld(updatedAt, limitS);
        // forge-lint: disable-next-line(unsafe-typecast)
        return (uint256(answer), updatedAt);
    }
}
