// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProductionOracle, Round, Totals} from "./IProductionOracle.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// A `Round` in one word, its members from the lowest bit up: energyWh (56 bits), creditsG (56), revenueMinor (64), cutoff
/// (32), publishedAt (32), lap (16). Zero where none was published. (As a struct in storage it would be written member by
/// member, for 600 gas more.)
type RoundWord is uint256;

using RoundWords for RoundWord global;

library RoundWords {
    /// In the place of `publishedAt`.
    uint32 internal constant DISABLED = type(uint32).max;

    /// Of a report that is published now. Its cutoff is no later than now.
    function roundNow(Totals calldata totals, uint64 cutoff, uint16 lap_) internal view returns (RoundWord) {
        uint256 figures = _fitting(totals.energyWh, 56);
        figures |= _fitting(totals.creditsG, 56) << 56;
        figures |= _fitting(totals.revenueMinor, 64) << 112;
        uint256 times = uint256(cutoff) | uint256(SafeCast.toUint32(block.timestamp)) << 32;
        return RoundWord.wrap(figures | times << 176 | uint256(lap_) << 240);
    }

    function disabled(RoundWord word) internal pure returns (RoundWord) {
        return RoundWord.wrap(RoundWord.unwrap(word) | uint256(DISABLED) << 208);
    }

    function publishedAt(RoundWord word) internal pure returns (uint32) {
        return uint32(RoundWord.unwrap(word) >> 208);
    }

    function lap(RoundWord word) internal pure returns (uint16) {
        return uint16(RoundWord.unwrap(word) >> 240);
    }

    function unpack(RoundWord word) internal pure returns (Round memory) {
        uint256 bits = RoundWord.unwrap(word);
        // Each takes its own bits and leaves the rest.
        // forge-lint: disable-start(unsafe-typecast)
        return Round({
            energyWh: uint56(bits),
            creditsG: uint56(bits >> 56),
            revenueMinor: uint64(bits >> 112),
            cutoff: uint32(bits >> 176),
            publishedAt: publishedAt(word),
            lap: lap(word)
        });
        // forge-lint: disable-end(unsafe-typecast)
    }

    function _fitting(uint256 total, uint256 bits) private pure returns (uint256) {
        if (total >> bits != 0) revert IProductionOracle.TotalTooLarge(total);
        return total;
    }
}
