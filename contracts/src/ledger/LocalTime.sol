// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Years and months of the Gregorian calendar at a fixed UTC offset.
/// Day counts follow Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years run from March, so that the
/// leap day is the last of its year.
library LocalTime {
    int256 internal constant DAY = 86_400;
    int256 internal constant DAYS_PER_ERA = 146_097; // 400 years
    int256 internal constant EPOCH_DAY = 719_468; // 1 March of year 0 to 1 January 1970

    /// First instant of a local year [s UTC]; may lie before 1970.
    function yearStart(uint256 year, int32 utcOffset) internal pure returns (int256) {
        return monthStart(uint32(year * 100 + 1), utcOffset);
    }

    /// First instant of a local month, yyyy * 100 + mm [s UTC].
    function monthStart(uint32 month, int32 utcOffset) internal pure returns (int256) {
        int256 year = int256(uint256(month / 100));
        int256 monthOfYear = int256(uint256(month % 100));
        if (monthOfYear <= 2) year -= 1;
        int256 era = year >= 0 ? year / 400 : int256(-1);
        int256 yearOfEra = year - era * 400;
        int256 dayOfYear = (153 * (monthOfYear > 2 ? monthOfYear - 3 : monthOfYear + 9) + 2) / 5;
        int256 dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
        return (era * DAYS_PER_ERA + dayOfEra - EPOCH_DAY) * DAY - utcOffset;
    }

    /// Local month of an instant [s UTC], as yyyy * 100 + mm. From year 0 to 42 million.
    // A calendar counts whole eras and years: what is multiplied here has to be rounded down.
    // slither-disable-next-line divide-before-multiply
    function monthOf(uint256 instant, int32 utcOffset) internal pure returns (uint32) {
        // An instant is at least 0 and an offset within a day, so the day count below is never negative.
        int256 day = (int256(instant) + utcOffset + EPOCH_DAY * DAY) / DAY;
        int256 era = day / DAYS_PER_ERA;
        int256 dayOfEra = day % DAYS_PER_ERA;
        int256 yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        int256 dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        int256 monthFromMarch = (5 * dayOfYear + 2) / 153;
        int256 monthOfYear = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        int256 year = era * 400 + yearOfEra + (monthOfYear <= 2 ? int256(1) : int256(0));
        return uint32(uint256(year * 100 + monthOfYear));
    }

    /// A month, yyyy * 100 + mm, counted from January of year 0.
    function numberOf(uint32 month) internal pure returns (uint256) {
        return uint256(month / 100) * 12 + month % 100 - 1;
    }

    /// The month, yyyy * 100 + mm, of such a count: the inverse of `numberOf`.
    // Whole years, and the months that they leave.
    // slither-disable-next-line divide-before-multiply
    function monthAt(uint256 number) internal pure returns (uint32) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint32(number / 12 * 100 + number % 12 + 1);
    }
}
