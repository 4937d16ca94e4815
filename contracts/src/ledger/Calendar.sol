// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalTime} from "./LocalTime.sol";

/// The last answer of `LocalTime`, kept in memory: the statements of a batch mostly ask the same.
struct Calendar {
    /// What was asked: cutoff | vintage << 64 | UTC offset << 80.
    uint256 asked;
    /// Month of the second before the cutoff, counted from January of year 0.
    uint256 month;
    /// The vintage's first instant, and the one after its last [s UTC].
    uint256 yearStart;
    uint256 yearEnd;
}

library Calendars {
    /// Set the calendar to a cutoff [s UTC, 64 bits] and a vintage [16 bits] at a UTC offset [s]. A year that begins before
    /// 1970 begins at 0 here.
    function turnTo(Calendar memory calendar, uint256 cutoff, uint256 vintage, int32 utcOffset) internal pure {
        uint256 asked = cutoff | (vintage << 64) | (uint256(uint32(utcOffset)) << 80);
        if (asked == calendar.asked) return;
        calendar.asked = asked;
        calendar.month = cutoff == 0 ? 0 : LocalTime.numberOf(LocalTime.monthOf(cutoff - 1, utcOffset));
        calendar.yearStart = _orZero(LocalTime.yearStart(vintage, utcOffset));
        calendar.yearEnd = _orZero(LocalTime.yearStart(vintage + 1, utcOffset));
    }

    function _orZero(int256 instant) private pure returns (uint256) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return instant < 0 ? 0 : uint256(instant);
    }
}
