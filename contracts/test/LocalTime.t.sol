// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalTime} from "../src/LocalTime.sol";
import {Test} from "./Vm.sol";

contract LocalTimeTest is Test {
    function test_knownDates() public pure {
        vm.assertEq(LocalTime.monthOf(0, 0), 197_001);
        vm.assertEq(LocalTime.monthOf(0, -1), 196_912);
        vm.assertEq(LocalTime.monthOf(951_782_400, 0), 200_002); // 2000-02-29, a leap century
        vm.assertEq(LocalTime.monthOf(951_868_800, 0), 200_003);
        vm.assertEq(LocalTime.monthOf(4_107_542_399, 0), 210_002); // 2100-02-28 23:59:59, no leap year
        vm.assertEq(LocalTime.monthOf(4_107_542_400, 0), 210_003);
        vm.assertEq(LocalTime.monthOf(1_767_196_799, 8 hours), 202_512);
        vm.assertEq(LocalTime.monthOf(1_767_196_800, 8 hours), 202_601); // 2026-01-01 00:00 in Hong Kong
        vm.assertTrue(LocalTime.yearStart(2026, 8 hours) == 1_767_196_800);
        vm.assertTrue(LocalTime.yearStart(1970, 0) == 0);
        vm.assertTrue(LocalTime.yearStart(1969, 0) == -365 days);
    }

    /// An instant lies in its month: from the month's first second to before the next month's.
    function test_anInstantLiesInItsMonth(uint256 instant, int256 offset) public pure {
        instant = bound(instant, 1 days, 4e11); // to the year 14 000
        int32 utcOffset = int32(offset % 14 hours);
        uint32 month = LocalTime.monthOf(instant, utcOffset);
        vm.assertTrue(month % 100 >= 1 && month % 100 <= 12);
        vm.assertTrue(LocalTime.monthStart(month, utcOffset) <= int256(instant));
        vm.assertTrue(
            int256(instant) < LocalTime.monthStart(LocalTime.monthAt(LocalTime.numberOf(month) + 1), utcOffset)
        );
    }

    /// Any vintage has a beginning and an end, a year apart.
    function test_aYearHas365Or366Days(uint16 year) public pure {
        int256 length = LocalTime.yearStart(uint256(year) + 1, 0) - LocalTime.yearStart(year, 0);
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        vm.assertTrue(length == (leap ? int256(366 days) : int256(365 days)));
    }
}
